//! Random stories of orders that are counted, folded and stored; with the counters and the lines.

use std::collections::BTreeMap;

use analytics_service::{
    Analytics,
    counters::{Counters, MoneyTotals},
    facts::OrderFacts,
    store,
};
use chrono::TimeDelta;
use shared_events::{Currency, Envelope, Event, EventType, OrderId, events::order::Line};
use sqlx::PgPool;
use system_tests::store_property::{
    Happens, Model, Subject, holds,
    proptest::{collection::vec, prelude::*, sample::select, strategy::BoxedStrategy},
    same,
};
use uuid::Uuid;

use crate::world::{analytics, eur, order, said, worth};

struct Counting {
    analytics: Analytics,
    /// The counters are over all stories in the database: so they stood when this one began.
    before: Counters,
}

/// An event, what it is worth, what was ordered, and how long ago.
#[derive(Clone, Debug)]
struct Symbol {
    what: EventType,
    minor: i64,
    currency: Currency,
    lines: Vec<Line>,
    seconds_ago: i64,
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let line = (1..4_u128, 0..5_u32, 0..9_000_i64).prop_map(|(product, quantity, unit_price_minor)| Line {
        product_id: Uuid::from_u128(product).into(),
        quantity,
        unit_price_minor,
    });
    vec(line, 1..4)
}

impl Subject for Counting {
    type Participant = Analytics;
    type Symbol = Symbol;

    const STAGES: &'static [&'static str] = &["placed", "captured", "confirmed", "failed"];

    fn symbols() -> BoxedStrategy<Symbol> {
        let moves = [
            EventType::OrderPlaced,
            EventType::PaymentProcessed,
            EventType::PaymentRefunded,
            EventType::OrderConfirmed,
            EventType::OrderFailed,
        ];
        let what = prop_oneof![1 => select(EventType::ALL), 1 => select(moves.to_vec())];
        let currency = select(vec![Currency::USD, eur()]);
        (what, 1_000..1_005_i64, currency, lines(), 0..5_i64)
            .prop_map(|(what, minor, currency, lines, seconds_ago)| Symbol {
                what,
                minor,
                currency,
                lines,
                seconds_ago,
            })
            .boxed()
    }

    fn ways() -> Vec<Vec<Symbol>> {
        use EventType::{OrderConfirmed, OrderPlaced, PaymentProcessed, PaymentRefunded};
        let symbol =
            |what| Symbol { what, minor: 1_000, currency: Currency::USD, lines: Vec::new(), seconds_ago: 1 };
        vec![[OrderPlaced, PaymentProcessed, OrderConfirmed, PaymentRefunded].map(symbol).to_vec()]
    }

    async fn begin(pool: &PgPool) -> Self {
        let before = store::snapshot(pool).await.unwrap().counters;
        Self { analytics: analytics(), before }
    }

    fn participant(&self) -> &Analytics {
        &self.analytics
    }

    fn world(&self) {}

    fn happens(&self, symbol: &Symbol, _order: OrderId, _state: &OrderFacts) -> Happens<Envelope> {
        // Whose it is and when it was said, the story decides.
        let mut event = worth(said(symbol.what, order(0), 0), symbol.minor, symbol.currency).event;
        if let Event::OrderPlaced(placed) = &mut event {
            placed.items.clone_from(&symbol.lines);
        }
        Happens::Event(Box::new(event), TimeDelta::seconds(symbol.seconds_ago))
    }

    fn stage(facts: &OrderFacts) -> &'static str {
        if facts.failed.is_some() {
            "failed"
        } else if facts.confirmed.is_some() {
            "confirmed"
        } else if facts.captured.is_some() {
            "captured"
        } else if facts.placed.is_some() {
            "placed"
        } else {
            "heard of"
        }
    }

    async fn agrees(&self, pool: &PgPool, model: &Model<Analytics>) -> Result<(), String> {
        let mut counters = self.before.clone();
        for (order, kept) in model.orders() {
            for decided in &kept.decided {
                counters.moved(&decided.before, &decided.after);
                counters.count(decided.input.event_type());
            }
            let placed = kept.decided.iter().find_map(|decided| {
                if let Event::OrderPlaced(placed) = &decided.input.event { Some(placed) } else { None }
            });
            same(order, "lines", &stored_lines(pool, order).await?, &summed(placed.map(|p| &p.items[..])))?;
        }
        let stored = store::snapshot(pool).await.map_err(|error| error.to_string())?.counters;
        same("all orders", "counters", &without_zeros(stored), &without_zeros(counters))
    }
}

type Lines = BTreeMap<Uuid, (i64, i64)>;

async fn stored_lines(pool: &PgPool, order: OrderId) -> Result<Lines, String> {
    let rows: Vec<(Uuid, i64, i64)> =
        sqlx::query_as("SELECT product_id, units, minor FROM order_lines WHERE order_id = $1")
            .bind(order.0)
            .fetch_all(pool)
            .await
            .map_err(|error| error.to_string())?;
    Ok(rows.into_iter().map(|(product, units, minor)| (product, (units, minor))).collect())
}

/// Units and price of each product of the order that was placed first.
fn summed(lines: Option<&[Line]>) -> Lines {
    let mut sums = Lines::new();
    for line in lines.unwrap_or_default() {
        let (units, minor) = sums.entry(line.product_id.0).or_default();
        *units += i64::from(line.quantity);
        *minor += i64::from(line.quantity) * line.unit_price_minor;
    }
    sums
}

/// A currency that came and went counts like one that never came.
fn without_zeros(mut counters: Counters) -> Counters {
    counters.money.retain(|_, totals| *totals != MoneyTotals::default());
    counters
}

#[test]
fn facts_and_counters_are_stored_as_the_rule_leaves_them() {
    holds::<Counting>();
}
