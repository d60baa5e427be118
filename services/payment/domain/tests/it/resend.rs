//! Rule 8: what is said again when somebody asks again.

use payment_domain::{Asked, PaymentTimer, State, Status, answers};
use shared_events::EventType;

use crate::support::*;

#[test]
fn every_state_has_its_current_answer() {
    use EventType::*;
    let table: [(Status, &[EventType]); 11] = [
        (Status::Collecting, &[]),
        (Status::Charging, &[PaymentRequested]),
        (Status::Unknown, &[PaymentRequested]),
        (Status::Voiding, &[PaymentRequested]),
        (Status::Unresolved, &[PaymentRequested, PaymentUnresolved]),
        (Status::Captured, &[PaymentProcessed]),
        (Status::Failed, &[PaymentFailed]),
        (Status::Voided, &[PaymentVoided]),
        (Status::Refunding, &[PaymentProcessed]),
        (Status::RefundStuck, &[PaymentProcessed, PaymentRefundFailed]),
        (Status::Refunded, &[PaymentProcessed, PaymentRefunded]),
    ];
    for (status, expected) in table {
        for asked in [OrderPlaced, InventoryReserved, OrderCancelled, OrderFailed, FraudAssessed] {
            assert_eq!(answers(&in_status(status), asked), expected, "{status:?} {asked}");
        }
        assert_eq!(answers(&in_status(status), OrderConfirmed), [], "not for payment");
    }
}

#[test]
fn an_interim_answer_stays_the_answer_until_it_is_replaced() {
    let retried = next(&in_status(Status::RefundStuck), &retry_refund()).state;
    let said = answers(&retried, EventType::OrderFailed);
    assert_eq!(said, [EventType::PaymentProcessed, EventType::PaymentRefundFailed]);
    let voiding = next(&in_status(Status::Unresolved), &resolve(false)).state;
    let said = answers(&voiding, EventType::OrderFailed);
    assert_eq!(said, [EventType::PaymentRequested, EventType::PaymentUnresolved]);
}

#[test]
fn a_state_of_an_older_release_stays_readable() {
    let old: State = serde_json::from_str(r#"{"status":"unknown","reserved":true}"#).unwrap();
    assert_eq!(old.status, Status::Unknown);
    assert_eq!(old.charges_sent, 0);
    let empty: State = serde_json::from_str("{}").unwrap();
    assert_eq!(empty, State::default());
}

#[test]
fn a_state_survives_its_storage() {
    let gave_up = next(
        &next(&in_status(Status::Refunding), &silent(Asked::Refund)).state,
        &timer(PaymentTimer::GiveUp),
    );
    for state in Status::ALL.iter().map(|status| in_status(*status)).chain([gave_up.state]) {
        let stored = serde_json::to_value(&state).unwrap();
        assert_eq!(stored["status"], state.status.as_str());
        assert_eq!(serde_json::from_value::<State>(stored).unwrap(), state);
    }
}
