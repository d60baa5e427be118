//! The fold of one order's events: what each adds, and that their sequence adds nothing.

use analytics_service::facts::{Moment, OrderFacts};
use proptest::prelude::*;
use serde_json::Value;
use shared_events::{Envelope, Event, EventType};

use crate::world::*;

/// What each type sets, as the name of the field in the stored document.
fn field(event_type: EventType) -> Option<&'static str> {
    match event_type {
        EventType::OrderPlaced => Some("placed"),
        EventType::FraudAssessed => Some("assessed"),
        EventType::InventoryReserved => Some("reserved"),
        EventType::InventoryReserveFailed => Some("reserve_failed"),
        EventType::PaymentRequested => Some("payment_requested"),
        EventType::PaymentProcessed => Some("captured"),
        EventType::PaymentFailed => Some("payment_failed"),
        EventType::PaymentRefunded => Some("refunded"),
        EventType::OrderConfirmed => Some("confirmed"),
        EventType::ShippingScheduled => Some("scheduled"),
        EventType::ShippingDispatched => Some("dispatched"),
        EventType::ShippingDelivered => Some("delivered"),
        EventType::ShippingFailed => Some("shipping_failed"),
        EventType::OrderFailed => Some("failed"),
        EventType::OrderCancelled => Some("cancelled"),
        EventType::OrderCompleted => Some("completed"),
        EventType::InventoryReserveRequested
        | EventType::InventoryHoldExpired
        | EventType::InventoryReleased
        | EventType::InventoryStockAdjusted
        | EventType::FraudReviewed
        | EventType::PaymentVoided
        | EventType::PaymentRefundFailed
        | EventType::PaymentUnresolved
        | EventType::OrderCancelRequested
        | EventType::ShippingCancelled
        | EventType::ShippingCancelRejected
        | EventType::NotificationSent
        | EventType::NotificationFailed => None,
    }
}

#[test]
fn each_event_sets_its_own_fact_and_no_other() {
    for event_type in EventType::ALL {
        let facts = after([&said(*event_type, order(1), 7)]);
        let Value::Object(document) = serde_json::to_value(&facts).unwrap() else { panic!("no object") };
        let fields: Vec<_> = document.keys().map(String::as_str).collect();
        assert_eq!(fields, field(*event_type).as_slice(), "{event_type}");
        let moment = document.values().next().map(|fact| fact.get("at").unwrap_or(fact).clone());
        let expected = field(*event_type).map(|_| Value::from(seconds(7).timestamp_micros()));
        assert_eq!(moment, expected, "{event_type}");
    }
}

#[test]
fn amounts_and_reasons_are_kept_as_they_were_said() {
    let told = |event_type| worth(said(event_type, order(1), 0), 4_711, eur());
    let facts = after(&[
        told(EventType::OrderPlaced),
        told(EventType::PaymentProcessed),
        told(EventType::OrderConfirmed),
        told(EventType::PaymentRefunded),
        told(EventType::OrderFailed),
    ]);
    let placed = facts.placed.unwrap().what;
    assert_eq!((placed.total_minor, placed.currency), (4_711, eur()));
    for sum in [facts.captured.unwrap().what, facts.confirmed.unwrap().what, facts.refunded.unwrap().what] {
        assert_eq!((sum.minor, sum.currency), (4_711, eur()));
    }
    let Event::OrderFailed(said) = told(EventType::OrderFailed).event else { panic!("another event") };
    let failed = facts.failed.unwrap().what;
    assert_eq!((failed.step, failed.code), (said.failed_step, said.code));
}

#[test]
fn the_first_time_counts_in_whatever_sequence_the_times_are_heard() {
    for times in [[3, 5, 9], [9, 5, 3], [5, 3, 9]] {
        let events = times.map(|second| said(EventType::InventoryReserved, order(1), second));
        assert_eq!(after(&events).reserved, Some(Moment::from(seconds(3))), "{times:?}");
    }
}

#[test]
fn an_adjustment_of_stock_makes_no_order() {
    let adjusted = said(EventType::InventoryStockAdjusted, order(1), 0);
    assert_eq!(after([&adjusted]), OrderFacts::default());
}

/// A history, and the same one in another sequence.
fn shuffled() -> impl Strategy<Value = (Vec<Envelope>, Vec<Envelope>)> {
    let history = prop::collection::vec(any_event(1), 0..24);
    history.prop_flat_map(|history| (Just(history.clone()), Just(history).prop_shuffle()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_sequence_of_delivery_changes_nothing((history, other) in shuffled()) {
        prop_assert_eq!(after(&history), after(&other));
    }

    #[test]
    fn hearing_it_all_again_changes_nothing((history, other) in shuffled()) {
        prop_assert_eq!(after(history.iter().chain(&other)), after(&history));
    }

    #[test]
    fn facts_are_read_back_as_they_were_written(history in prop::collection::vec(any_event(1), 0..24)) {
        let facts = after(&history);
        let document = serde_json::to_value(&facts).unwrap();
        prop_assert_eq!(serde_json::from_value::<OrderFacts>(document).unwrap(), facts);
    }
}
