//! The figures of analytics against a recount from the books of those who know: the orders database,
//! everybody's outbox, and the journal of the payment gateway.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared_events::Service;

use super::{Books, Events};
use crate::{Answer, Platform};

/// What `/metrics` and `/events/stats` of analytics have to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// The business metrics.
    pub metrics: Value,
    /// How often each type of event was said, the most frequent first, then by name.
    pub stats: Value,
}

impl Figures {
    /// What analytics says, and where it has it from (`redis, redis`).
    pub async fn told(platform: &Platform) -> (Self, String) {
        let metrics = platform.ask("analytics", "/metrics").await;
        let stats = platform.ask("analytics", "/events/stats").await;
        let from = |answer: &Answer| answer.headers["x-served-from"].to_str().unwrap().to_owned();
        let source = format!("{}, {}", from(&metrics), from(&stats));
        (Self { metrics: metrics.expect(200), stats: stats.expect(200) }, source)
    }
}

/// A fresh count.
#[must_use]
pub fn recount(books: &Books, events: &Events) -> Figures {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for said in events.said.values() {
        *counts.entry(said.event_type.as_str()).or_default() += 1;
    }
    let said = |event_type: &str| counts.get(event_type).copied().unwrap_or_default();
    let (confirmed, paid, refused) =
        (said("order.confirmed"), said("payment.processed"), said("payment.failed"));
    let totals = events.said.values().filter(|said| said.event_type.as_str() == "order.confirmed");
    let confirmed_minor: i64 =
        totals.filter_map(|said| books.orders.get(&said.about)).map(|order| order.total_minor).sum();
    let kept: i64 = books.outside.charges.values().map(|c| c.captured_minor - c.refunded_minor).sum();
    let failed = books.orders.values().filter(|order| order.status == "failed").count();
    // Half a cent is rounded up.
    let average = (2 * confirmed_minor + confirmed).checked_div(2 * confirmed).unwrap_or_default();
    let rate = if paid + refused == 0 { 0.0 } else { paid as f64 / (paid + refused) as f64 };
    let metrics = json!({
        "total_orders": books.orders.len(),
        "confirmed_orders": confirmed,
        "failed_orders": failed,
        "total_revenue": amount(kept),
        "payment_success_rate": read(rate),
        "average_order_value": amount(average),
    });
    let mut ranking: Vec<(&str, i64)> = counts.into_iter().collect();
    ranking.sort_by(|(one, many), (other, more)| more.cmp(many).then(one.cmp(other)));
    let row = |(event_type, count): (&str, i64)| json!({ "event_type": event_type, "count": count });
    Figures { metrics, stats: ranking.into_iter().map(row).collect() }
}

/// Analytics says what a recount says. For platforms with analytics; others have nothing to say.
pub async fn figures(platform: &Platform, books: &Books, events: &Events) -> Vec<String> {
    if !platform.services().contains(&Service::Analytics) {
        return Vec::new();
    }
    let (told, source) = Figures::told(platform).await;
    differences(&told, &recount(books, events), &source)
}

fn differences(told: &Figures, counted: &Figures, source: &str) -> Vec<String> {
    let pairs =
        [("/metrics", &told.metrics, &counted.metrics), ("/events/stats", &told.stats, &counted.stats)];
    let differ = pairs.into_iter().filter(|(_, told, counted)| told != counted);
    differ
        .map(|(path, told, counted)| {
            format!("analytics{path} (from {source}) says {told}, a recount says {counted}")
        })
        .collect()
}

/// As it is read out of an answer: the reader may be wrong in the last bit, so both have to go through it.
fn read(number: f64) -> Value {
    serde_json::from_str(&json!(number).to_string()).unwrap()
}

fn amount(minor: i64) -> Value {
    let (sign, minor) = (if minor < 0 { "-" } else { "" }, minor.abs());
    serde_json::from_str(&format!("{sign}{}.{:02}", minor / 100, minor % 100)).unwrap()
}

#[cfg(test)]
mod tests {
    use super::{super::samples::books, *};

    #[test]
    fn a_recount_knows_money_and_orders_and_any_difference_is_told() {
        let counted = recount(&books(), &Events::default());
        assert_eq!(counted.metrics["total_orders"], 2);
        assert_eq!(counted.metrics["total_revenue"], amount(2_499));
        assert_eq!(differences(&counted, &counted, "redis"), Vec::<String>::new());
        let mut told = counted.clone();
        told.metrics["total_orders"] = json!(3);
        assert_eq!(differences(&told, &counted, "redis").len(), 1);
    }
}
