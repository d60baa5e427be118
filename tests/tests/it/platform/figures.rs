//! The figures of analytics against a recount from the books of those who know: the orders database,
//! everybody's outbox, and the journal of the payment gateway.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared_events::Service;
use system_tests::{Answer, Options, Platform, Wanted, Weather, Wire, eventually};

/// What `/metrics` and `/events/stats` have to say.
#[derive(Clone, Debug, PartialEq)]
struct Figures {
    metrics: Value,
    stats: Value,
}

/// A fresh count.
async fn recount(platform: &Platform) -> Figures {
    let said = async |service: &str, event_type: &str| {
        let query = format!("SELECT count(*) FROM outbox WHERE event_type = '{event_type}'");
        platform.count(service, &query).await
    };
    let orders = platform.count("order", "SELECT count(*) FROM orders").await;
    let failed = platform.count("order", "SELECT count(*) FROM orders WHERE status = 'failed'").await;
    let confirmed = said("order", "order.confirmed").await;
    let paid = said("payment", "payment.processed").await;
    let refused = said("payment", "payment.failed").await;
    let confirmed_minor = platform
        .count(
            "order",
            "SELECT coalesce(sum(total_minor), 0)::bigint FROM orders WHERE EXISTS (SELECT FROM outbox \
             WHERE aggregate_id = order_id AND event_type = 'order.confirmed')",
        )
        .await;
    let journal = platform.get("simulators", "/journal/summary").await;
    let kept = journal["captured_minor"].as_i64().unwrap() - journal["refunded_minor"].as_i64().unwrap();
    let metrics = json!({
        "total_orders": orders,
        "confirmed_orders": confirmed,
        "failed_orders": failed,
        "total_revenue": amount(kept),
        "payment_success_rate": paid as f64 / (paid + refused) as f64,
        // Half a cent is rounded up.
        "average_order_value": amount((2 * confirmed_minor + confirmed) / (2 * confirmed)),
    });
    Figures { metrics, stats: event_counts(platform).await }
}

fn amount(minor: i64) -> Value {
    serde_json::from_str(&format!("{}.{:02}", minor / 100, minor % 100)).unwrap()
}

/// How often each type was said, the most frequent first, then by name.
async fn event_counts(platform: &Platform) -> Value {
    let mut counts: Vec<(String, i64)> = Vec::new();
    for service in platform.services() {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT event_type, count(*) FROM outbox GROUP BY event_type")
                .fetch_all(&mut platform.database(service.name()).await)
                .await
                .unwrap();
        counts.extend(rows);
    }
    counts.sort_by(|(one, many), (other, more)| more.cmp(many).then(one.cmp(other)));
    counts.iter().map(|(event_type, count)| json!({ "event_type": event_type, "count": count })).collect()
}

/// What analytics says, and from where it has it.
async fn told(platform: &Platform) -> (Figures, String) {
    let [metrics, stats] =
        [platform.ask("analytics", "/metrics").await, platform.ask("analytics", "/events/stats").await];
    let from = |answer: &Answer| answer.headers["x-served-from"].to_str().unwrap().to_owned();
    let source = format!("{}, {}", from(&metrics), from(&stats));
    (Figures { metrics: metrics.expect(200), stats: stats.expect(200) }, source)
}

/// Waits until analytics says exactly this, out of that store.
async fn until_told(platform: &Platform, wanted: &Figures, source: &str) {
    eventually(&format!("the figures come from {source}"), async || {
        let (figures, from) = told(platform).await;
        if from == source && figures == *wanted {
            Ok(())
        } else {
            Err(format!("from {from}:\n {figures:?}\nwanted {wanted:?}"))
        }
    })
    .await;
}

const REDIS: &str = "redis, redis";
const POSTGRES: &str = "postgres, postgres";

#[tokio::test]
async fn the_figures_equal_a_recount_after_crashes_and_lost_counters() {
    let platform = Platform::start(Options::default().and(Service::Analytics).proxied()).await;
    let cable = platform.proxy("analytics", Wire::Redis);
    let product = platform.product(10_000).await;
    let mut orders = Wanted::mixed(product, 200);
    let load = platform.load(&orders, 8);
    let mut lost = 0;
    for accepted in [30, 70, 110, 150] {
        load.accepted(accepted).await;
        platform.kill("analytics");
        lost += platform.lose_counters().await;
        platform.launch("analytics", &[]);
        platform.ready("analytics").await;
        lost += platform.lose_counters().await;
    }
    assert!(lost > 0, "there were counters to lose");
    platform.kill("payment");
    platform.launch("payment", &[]);
    load.finish().await;
    platform.assert_all_ended_well(&orders).await;
    let figures = recount(&platform).await;
    assert_eq!(figures.metrics["total_orders"], 200);
    until_told(&platform, &figures, REDIS).await;
    // Nobody writes any more, so only the loss itself can tell analytics to fill Redis again.
    assert!(platform.lose_counters().await > 0);
    until_told(&platform, &figures, REDIS).await;

    // Redis neither answers nor refuses: Postgres answers instead, soon, and what happens is counted.
    cable.weather(Weather::BlackHole);
    until_told(&platform, &figures, POSTGRES).await;
    let asked = Instant::now();
    assert_eq!(told(&platform).await, (figures, POSTGRES.to_owned()));
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    let more = Wanted::mixed(product, 20);
    platform.load(&more, 4).finish().await;
    orders.extend(more);
    platform.assert_all_ended_well(&orders).await;
    let figures = recount(&platform).await;
    until_told(&platform, &figures, POSTGRES).await;
    cable.weather(Weather::Clear);
    until_told(&platform, &figures, REDIS).await;

    // There is no Redis at all.
    platform.kill("analytics");
    platform.launch("analytics", &[("REDIS_URL", "redis://127.0.0.1:1/")]);
    platform.ready("analytics").await;
    until_told(&platform, &figures, POSTGRES).await;
    in_detail(&platform, &figures).await;
}

/// The other answers add up to the same.
async fn in_detail(platform: &Platform, figures: &Figures) {
    let revenue = platform.get("analytics", "/revenue?bucket=hour").await;
    let items = revenue["items"].as_array().unwrap();
    let cents = |value: &Value| (value.as_f64().unwrap() * 100.0).round() as i64;
    let sum: i64 = items.iter().map(|item| cents(&item["revenue"])).sum();
    assert_eq!(sum, cents(&figures.metrics["total_revenue"]), "{revenue}");
    let recent = platform.get("analytics", "/orders/recent").await;
    assert_eq!(recent.as_array().unwrap().len(), 10, "{recent}");
}
