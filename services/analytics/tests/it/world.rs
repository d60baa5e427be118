//! Events to play with, made from the golden files.

use analytics_service::{Analytics, facts::OrderFacts, participant, store};
use chassis::{Change, Participant as _, config::Reader};
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use shared_events::{Currency, Envelope, Event, EventId, EventType, OrderId};
use sqlx::PgPool;
use uuid::Uuid;

/// When all tests begin.
pub(crate) fn start() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

pub(crate) fn seconds(seconds: i64) -> DateTime<Utc> {
    start() + chrono::TimeDelta::seconds(seconds)
}

pub(crate) fn order(number: u128) -> OrderId {
    OrderId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | number))
}

/// An event about that order at that second.
pub(crate) fn said(event_type: EventType, about: OrderId, second: i64) -> Envelope {
    let mut envelope = Envelope::decode(event_type.example().as_bytes()).unwrap();
    envelope.aggregate_id = about.0;
    envelope.timestamp = seconds(second);
    envelope.event_id = EventId(Uuid::new_v4());
    envelope
}

/// The event with another amount, where it names one.
pub(crate) fn worth(mut envelope: Envelope, minor: i64, currency: Currency) -> Envelope {
    if let Event::OrderPlaced(data) = &mut envelope.event {
        (data.total_minor, data.currency) = (minor, currency);
    } else if let Event::OrderConfirmed(data) = &mut envelope.event {
        (data.total_minor, data.currency) = (minor, currency);
    } else if let Event::PaymentProcessed(data) = &mut envelope.event {
        (data.amount_minor, data.currency) = (minor, currency);
    } else if let Event::PaymentRefunded(data) = &mut envelope.event {
        (data.amount_minor, data.currency) = (minor, currency);
    }
    envelope
}

pub(crate) fn eur() -> Currency {
    "EUR".parse().unwrap()
}

/// Any event about one of `orders` orders, within a few seconds, so that times often collide.
pub(crate) fn any_event(orders: u128) -> impl Strategy<Value = Envelope> {
    let what = prop::sample::select(EventType::ALL.to_vec());
    let currency = prop::sample::select(vec![Currency::USD, eur()]);
    (what, 0..orders, 0..5i64, 0..4i64, currency).prop_map(|(what, number, second, minor, currency)| {
        worth(said(what, order(number), second), 1_000 + minor, currency)
    })
}

/// The facts after these events.
pub(crate) fn after<'a>(events: impl IntoIterator<Item = &'a Envelope>) -> OrderFacts {
    events.into_iter().fold(OrderFacts::default(), |facts, event| facts.heard(event))
}

/// Analytics whose Redis is nowhere.
pub(crate) fn analytics() -> Analytics {
    participant(&mut Reader::from_pairs(&[("REDIS_URL", "redis://127.0.0.1:1/")])).unwrap()
}

/// Handles these events the way the engine does: one batch, one transaction. The caller sees to it
/// that nobody handles the same orders at once.
pub(crate) async fn handle(pool: &PgPool, events: &[Envelope]) -> sqlx::Result<()> {
    let mut tx = pool.begin().await?;
    let mut orders: Vec<_> = events.iter().map(Envelope::order_id).collect();
    orders.sort();
    orders.dedup();
    let mut known = store::load(&mut tx, &orders).await?;
    let changes: Vec<Change<Analytics>> = orders
        .into_iter()
        .map(|order| {
            let before = known.remove(&order).unwrap_or_default();
            let inputs: Vec<_> = events.iter().filter(|event| event.order_id() == order).cloned().collect();
            let decide = |state, input| analytics().decide(&(), &state, input, start()).unwrap().state;
            let after = inputs.iter().fold(before.clone(), decide);
            Change { order, before, after, inputs, effects: Vec::new() }
        })
        .collect();
    analytics().save(&mut tx, &changes, &(), start()).await?;
    tx.commit().await
}

/// An order's whole way, a second a step, delivered in the end.
pub(crate) fn delivered(about: OrderId, from: i64) -> Vec<Envelope> {
    use EventType::{
        FraudAssessed, InventoryReserved, OrderCompleted, OrderConfirmed, OrderPlaced, PaymentProcessed,
        PaymentRequested, ShippingDelivered, ShippingDispatched, ShippingScheduled,
    };
    let way = [
        OrderPlaced,
        FraudAssessed,
        InventoryReserved,
        PaymentRequested,
        PaymentProcessed,
        OrderConfirmed,
        ShippingScheduled,
        ShippingDispatched,
        ShippingDelivered,
        OrderCompleted,
    ];
    (from..).zip(way).map(|(second, event_type)| said(event_type, about, second)).collect()
}
