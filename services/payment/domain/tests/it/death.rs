//! Rules 3, 5, 6 and 13: what becomes of the money when the order dies, and the refund's own troubles.

use payment_domain::{Asked, Effect, PaymentTimer, State, Status};
use shared_events::{Event, EventType, Outcome, events::fraud::Verdict};

use crate::support::*;

const DEATHS: [EventType; 3] =
    [EventType::OrderCancelled, EventType::OrderFailed, EventType::InventoryReserveFailed];

#[test]
fn before_any_charge_the_order_is_answered_voided_at_once() {
    for cause in DEATHS {
        for facts in [vec![], vec![event(EventType::OrderPlaced)], vec![assessed(Verdict::Review)]] {
            let decision = next(&after(&facts), &event(cause));
            assert_eq!(decision.state.status, Status::Voided);
            let [Event::PaymentVoided(said)] = &decision.emit[..] else { panic!("{:?}", decision.emit) };
            assert_eq!(said.reason, cause.as_str());
            assert!(decision.effects.is_empty(), "the gateway was never asked");
            assert!(disarms(&decision, PaymentTimer::Verdict));
            assert_eq!(decision.outcome, Outcome::Compensated);
        }
    }
}

#[test]
fn a_tombstone_refuses_whatever_comes_late() {
    let tombstone = next(&State::default(), &event(EventType::OrderCancelled)).state;
    for late in [EventType::OrderPlaced, EventType::InventoryReserved, EventType::FraudAssessed] {
        assert_ignored(&tombstone, &event(late));
    }
}

#[test]
fn a_charge_in_flight_is_let_finish() {
    for status in [Status::Charging, Status::Unknown, Status::Voiding, Status::Unresolved] {
        for cause in DEATHS {
            let decision = next(&in_status(status), &event(cause));
            assert_eq!(decision.state.status, status);
            assert_eq!(decision.state.dead, Some(cause));
            assert!(decision.emit.is_empty() && decision.effects.is_empty() && decision.timers.is_empty());
            for second in DEATHS {
                assert_ignored(&decision.state, &event(second));
            }
        }
    }
}

#[test]
fn captured_money_goes_back_when_the_order_dies() {
    for cause in DEATHS {
        let decision = next(&in_status(Status::Captured), &event(cause));
        assert_eq!(decision.state.status, Status::Refunding);
        assert!(decision.emit.is_empty(), "nothing is said before the gateway confirms");
        assert!(matches!(decision.effects[..], [Effect::Refund { amount }] if amount.minor == TOTAL));
        assert_eq!(armed(&decision, PaymentTimer::Ask), Some(30_000));
        assert_eq!(armed(&decision, PaymentTimer::GiveUp), Some(3_600_000));
    }
}

#[test]
fn an_answer_is_given_once_whatever_else_reports_the_death() {
    use Status::*;
    for status in [Failed, Voided, Refunding, RefundStuck, Refunded] {
        for cause in DEATHS {
            assert_ignored(&in_status(status), &event(cause));
        }
    }
}

#[test]
fn a_refund_is_reported_with_the_gateways_id_and_ends_every_wait() {
    let decision = next(&in_status(Status::Refunding), &refunded());
    assert_eq!(decision.state.status, Status::Refunded);
    assert_eq!((decision.state.captured_minor, decision.state.refunded_minor), (TOTAL, TOTAL));
    let [Event::PaymentRefunded(said)] = &decision.emit[..] else { panic!("{:?}", decision.emit) };
    assert_eq!((said.refund_id.as_str(), said.amount_minor), ("re_1", TOTAL));
    assert!(disarms(&decision, PaymentTimer::Ask) && disarms(&decision, PaymentTimer::GiveUp));
    assert_ignored(&decision.state, &refunded());
}

#[test]
fn a_refused_refund_is_reported_once_and_calls_a_person() {
    let decision = next(&in_status(Status::Refunding), &refund_refused());
    assert_eq!(decision.state.status, Status::RefundStuck);
    let [Event::PaymentRefundFailed(said)] = &decision.emit[..] else { panic!("{:?}", decision.emit) };
    assert_eq!((said.amount_minor, said.code.as_str()), (TOTAL, "refund_refused"));
    assert!(decision.alarm.is_some());
    assert!(disarms(&decision, PaymentTimer::Ask) && disarms(&decision, PaymentTimer::GiveUp));
    assert_eq!(decision.state.captured_minor - decision.state.refunded_minor, TOTAL, "the debt stays");
    assert_ignored(&decision.state, &refund_refused());

    let retried = next(&decision.state, &retry_refund()).state;
    let refused_again = next(&retried, &refund_refused());
    assert_eq!(refused_again.state.status, Status::RefundStuck);
    assert!(refused_again.emit.is_empty() && refused_again.alarm.is_some());
}

#[test]
fn an_unanswered_refund_is_asked_for_again_until_the_hour_is_over() {
    let mut state = in_status(Status::Refunding);
    for pause in [1_000, 2_000, 4_000] {
        let silence = next(&state, &unavailable(Asked::Refund));
        assert_eq!(armed(&silence, PaymentTimer::Ask), Some(pause));
        let again = next(&silence.state, &timer(PaymentTimer::Ask));
        assert!(matches!(again.effects[..], [Effect::Refund { amount }] if amount.minor == TOTAL));
        assert_eq!(armed(&again, PaymentTimer::Ask), Some(30_000));
        state = again.state;
    }
    let decision = next(&state, &timer(PaymentTimer::GiveUp));
    assert_eq!(decision.state.status, Status::RefundStuck);
    assert!(
        matches!(&decision.emit[..], [Event::PaymentRefundFailed(said)] if said.code == "gateway_unavailable")
    );
    assert!(decision.alarm.is_some());
}

#[test]
fn a_refund_that_succeeded_after_it_was_reported_failed_replaces_that_report() {
    let decision = next(&in_status(Status::RefundStuck), &refunded());
    assert_eq!(decision.state.status, Status::Refunded);
    assert_eq!(emitted(&decision), [EventType::PaymentRefunded]);
    assert_ignored(&decision.state, &refund_refused());
    assert_ignored(&decision.state, &timer(PaymentTimer::GiveUp));
}

#[test]
fn a_refund_nobody_asked_for_changes_nothing_and_calls_a_person() {
    use Status::*;
    for status in [Collecting, Charging, Unknown, Voiding, Unresolved, Captured, Failed, Voided] {
        assert_ignored(&in_status(status), &refunded());
        assert!(next(&in_status(status), &refunded()).alarm.is_some());
    }
}
