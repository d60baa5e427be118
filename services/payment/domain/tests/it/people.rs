//! What a person may ask for, and what is refused.

use payment_domain::{Command, Effect, PaymentTimer, Status, command};
use shared_events::EventType;

use crate::support::*;

fn word(status: Status, wanted: &Command) -> &'static str {
    command(&observe(), &in_status(status), wanted, at()).map_or_else(|no| no.code, |_| "accepted")
}

fn resolution(captured: bool) -> Command {
    Command::Resolve { order_id: order_id(), captured, note: "seen".to_owned() }
}

#[test]
fn only_an_unresolved_transaction_can_be_resolved() {
    for status in Status::ALL {
        let expected = if *status == Status::Unresolved { "accepted" } else { "not_unresolved" };
        for captured in [true, false] {
            assert_eq!(word(*status, &resolution(captured)), expected, "{status:?}");
        }
    }
}

#[test]
fn only_a_stuck_refund_can_be_retried() {
    for status in Status::ALL {
        let expected = match status {
            Status::RefundStuck => "accepted",
            Status::Refunding => "refund_under_way",
            Status::Refunded => "already_refunded",
            Status::Collecting
            | Status::Charging
            | Status::Unknown
            | Status::Voiding
            | Status::Unresolved
            | Status::Captured
            | Status::Failed
            | Status::Voided => "no_refund",
        };
        assert_eq!(word(*status, &Command::RetryRefund), expected, "{status:?}");
    }
}

#[test]
fn a_persons_captured_counts_as_the_gateways() {
    let unresolved = in_status(Status::Unresolved);
    let decision = next(&unresolved, &resolve(true));
    assert_eq!(decision.state.status, Status::Captured);
    assert_eq!(emitted(&decision), [EventType::PaymentProcessed]);
    assert!(decision.note.contains("seen"), "the person's words are kept: {}", decision.note);

    let dead = next(&unresolved, &event(EventType::OrderFailed)).state;
    let decision = next(&dead, &resolve(true));
    assert_eq!(decision.state.status, Status::Refunding);
    assert_eq!(emitted(&decision), [EventType::PaymentProcessed]);
}

#[test]
fn a_persons_not_captured_goes_through_the_void() {
    let decision = next(&in_status(Status::Unresolved), &resolve(false));
    assert_eq!(decision.state.status, Status::Voiding);
    assert_eq!(decision.effects, [Effect::Void]);
    assert!(decision.emit.is_empty(), "a person's word alone is not enough");
    assert_eq!(armed(&decision, PaymentTimer::Ask), Some(30_000));
    assert_eq!(armed(&decision, PaymentTimer::GiveUp), Some(3_600_000));
    assert_eq!(emitted(&next(&decision.state, &voided())), [EventType::PaymentFailed]);
    assert_eq!(emitted(&next(&decision.state, &captured())), [EventType::PaymentProcessed]);
}

#[test]
fn a_retried_refund_gets_a_fresh_hour() {
    let decision = next(&in_status(Status::RefundStuck), &retry_refund());
    assert_eq!(decision.state.failure, None);
    assert_eq!(decision.state.status, Status::Refunding);
    assert!(matches!(decision.effects[..], [Effect::Refund { amount }] if amount.minor == TOTAL));
    assert_eq!(armed(&decision, PaymentTimer::Ask), Some(30_000));
    assert_eq!(armed(&decision, PaymentTimer::GiveUp), Some(3_600_000));
    assert_eq!(emitted(&next(&decision.state, &refunded())), [EventType::PaymentRefunded]);
}

#[test]
fn a_command_that_would_be_refused_is_ignored_by_decide() {
    assert_ignored(&in_status(Status::Captured), &resolve(true));
    assert_ignored(&in_status(Status::Captured), &retry_refund());
}
