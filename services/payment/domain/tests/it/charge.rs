//! Rules 1, 2, 5 and the pairs of rule 15 about a charge, its silence and its void.

use payment_domain::{Asked, Effect, Fate, PaymentTimer, State, Status};
use shared_events::{Event, EventType, Outcome, events::payment::PaymentFailed};

use crate::support::*;

fn dead(status: Status) -> State {
    let state = next(&in_status(status), &event(EventType::OrderCancelled)).state;
    assert_eq!((state.status, state.dead), (status, Some(EventType::OrderCancelled)));
    state
}

fn charges(state: &State) -> bool {
    let decision = next(state, &never_heard_of());
    matches!(decision.effects[..], [Effect::Charge { .. }])
}

const OPEN: [Status; 4] = [Status::Charging, Status::Unknown, Status::Voiding, Status::Unresolved];

#[test]
fn a_capture_is_reported_with_its_transaction_and_ends_every_wait() {
    for status in OPEN {
        let decision = next(&in_status(status), &captured());
        assert_eq!(decision.state.status, Status::Captured, "{status:?}");
        assert_eq!(decision.state.captured_minor, TOTAL);
        assert_eq!(decision.outcome, Outcome::Completed);
        let [Event::PaymentProcessed(said)] = &decision.emit[..] else { panic!("{:?}", decision.emit) };
        assert_eq!(said.transaction_id, order_id().derived("transaction"));
        assert_eq!(said.amount_minor, TOTAL);
        assert!(disarms(&decision, PaymentTimer::Ask) && disarms(&decision, PaymentTimer::GiveUp));
        assert!(decision.effects.is_empty());
    }
}

#[test]
fn a_capture_for_a_dead_order_is_reported_first_and_then_refunded() {
    for status in OPEN {
        let decision = next(&dead(status), &captured());
        assert_eq!(decision.state.status, Status::Refunding, "{status:?}");
        assert_eq!(emitted(&decision), [EventType::PaymentProcessed]);
        assert!(matches!(decision.effects[..], [Effect::Refund { amount }] if amount.minor == TOTAL));
        assert_eq!(armed(&decision, PaymentTimer::Ask), Some(30_000));
        assert_eq!(armed(&decision, PaymentTimer::GiveUp), Some(3_600_000));
    }
}

#[test]
fn a_decline_fails_a_living_order_with_the_gateways_code() {
    for status in OPEN {
        let decision = next(&in_status(status), &declined());
        assert_eq!((decision.state.status, decision.state.fate), (Status::Failed, Fate::Declined));
        let failed = PaymentFailed { code: "card_declined".to_owned(), reason: "No.".to_owned() };
        assert_eq!(decision.emit, [Event::PaymentFailed(failed)]);
        assert!(disarms(&decision, PaymentTimer::Ask) && disarms(&decision, PaymentTimer::GiveUp));
    }
}

#[test]
fn a_decline_or_a_void_answers_a_dead_order_with_payment_voided() {
    for status in OPEN {
        for answer in [declined(), voided()] {
            let decision = next(&dead(status), &answer);
            assert_eq!(decision.state.status, Status::Voided);
            assert_eq!(emitted(&decision), [EventType::PaymentVoided]);
            assert_eq!(decision.outcome, Outcome::Compensated);
            assert!(disarms(&decision, PaymentTimer::Ask) && disarms(&decision, PaymentTimer::GiveUp));
        }
    }
}

#[test]
fn silence_makes_the_charge_unknown_and_the_gateway_is_asked_after_a_second() {
    let decision = next(&in_status(Status::Charging), &silent(Asked::Charge));
    assert_eq!(decision.state.status, Status::Unknown);
    assert!(decision.emit.is_empty(), "nothing is known, so nothing is said");
    assert_eq!(armed(&decision, PaymentTimer::Ask), Some(1_000));
    assert_eq!(armed(&decision, PaymentTimer::GiveUp), Some(3_600_000));
    let asks = next(&decision.state, &timer(PaymentTimer::Ask));
    assert_eq!(asks.effects, [Effect::Status]);
    assert_eq!(armed(&asks, PaymentTimer::Ask), Some(30_000), "in case the question is lost");
    assert_eq!(armed(&asks, PaymentTimer::GiveUp), None, "the hour that runs goes on running");
}

#[test]
fn a_charge_that_a_crash_swallowed_is_swept_like_an_unknown_one() {
    let decision = next(&in_status(Status::Charging), &timer(PaymentTimer::Ask));
    assert_eq!(decision.state.status, Status::Unknown);
    assert_eq!(decision.effects, [Effect::Status]);
    assert_eq!(armed(&decision, PaymentTimer::Ask), Some(30_000));
    assert_eq!(armed(&decision, PaymentTimer::GiveUp), Some(3_600_000));
}

#[test]
fn the_pauses_double_while_the_gateway_stays_silent_or_busy() {
    let mut state = in_status(Status::Unknown);
    for pause in [2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000] {
        let decision =
            next(&state, &if pause % 3_000 == 1_000 { pending() } else { unavailable(Asked::Status) });
        assert_eq!(armed(&decision, PaymentTimer::Ask), Some(pause));
        assert_eq!(decision.state.status, Status::Unknown);
        state = decision.state;
    }
}

#[test]
fn a_charge_nobody_heard_of_is_sent_three_times_under_one_key_and_then_voided() {
    let mut state = in_status(Status::Unknown);
    for sent in 2..=3 {
        let decision = next(&state, &never_heard_of());
        assert_eq!(decision.state.status, Status::Unknown);
        assert!(matches!(decision.effects[..], [Effect::Charge { amount, .. }] if amount.minor == TOTAL));
        assert!(decision.emit.is_empty(), "it was announced once");
        assert_eq!(armed(&decision, PaymentTimer::Ask), Some(30_000));
        assert_eq!(decision.state.charges_sent, sent);
        state = next(&decision.state, &silent(Asked::Charge)).state;
    }
    let decision = next(&state, &never_heard_of());
    assert_eq!(decision.state.status, Status::Voiding);
    assert_eq!(decision.effects, [Effect::Void]);
    assert_eq!(armed(&decision, PaymentTimer::Ask), Some(30_000));
    assert!(decision.emit.is_empty(), "nothing is said before the void is confirmed");
}

#[test]
fn a_dead_order_is_never_charged_again() {
    assert!(charges(&in_status(Status::Unknown)));
    let decision = next(&dead(Status::Unknown), &never_heard_of());
    assert_eq!(decision.state.status, Status::Voiding);
    assert_eq!(decision.effects, [Effect::Void]);
}

#[test]
fn a_confirmed_void_fails_a_living_order_with_the_way_the_gateway_was_silent() {
    for (silence, code) in
        [(silent(Asked::Charge), "gateway_timeout"), (unavailable(Asked::Charge), "gateway_unavailable")]
    {
        let mut state = in_status(Status::Charging);
        for _ in 0..3 {
            state = next(&next(&state, &silence).state, &never_heard_of()).state;
        }
        assert_eq!(state.status, Status::Voiding);
        // How the void itself goes unanswered does not rename the failure.
        state = next(&next(&state, &silent(Asked::Void)).state, &unavailable(Asked::Void)).state;
        let decision = next(&state, &voided());
        assert_eq!((decision.state.status, decision.state.fate), (Status::Failed, Fate::Voided));
        assert!(matches!(&decision.emit[..], [Event::PaymentFailed(said)] if said.code == code));
    }
}

#[test]
fn an_unconfirmed_void_is_asked_for_again_with_growing_pauses() {
    let voiding = in_status(Status::Voiding);
    let first = next(&voiding, &silent(Asked::Void));
    assert_eq!(armed(&first, PaymentTimer::Ask), Some(1_000));
    let again = next(&first.state, &timer(PaymentTimer::Ask));
    assert_eq!(again.effects, [Effect::Void]);
    assert_eq!(armed(&again, PaymentTimer::Ask), Some(30_000));
    let second = next(&again.state, &silent(Asked::Void));
    assert_eq!(armed(&second, PaymentTimer::Ask), Some(2_000));
}

#[test]
fn stale_answers_do_not_move_a_question_that_is_open() {
    for input in
        [never_heard_of(), pending(), silent(Asked::Charge), silent(Asked::Status), silent(Asked::Refund)]
    {
        assert_ignored(&in_status(Status::Voiding), &input);
    }
    for input in [never_heard_of(), pending(), silent(Asked::Status), silent(Asked::Void)] {
        assert_ignored(&in_status(Status::Charging), &input);
    }
    for input in [silent(Asked::Void), silent(Asked::Refund), refund_refused()] {
        assert_ignored(&in_status(Status::Unknown), &input);
    }
    for input in [never_heard_of(), pending(), silent(Asked::Charge), silent(Asked::Void)] {
        assert_ignored(&in_status(Status::Unresolved), &input);
        assert_ignored(&in_status(Status::Refunding), &input);
    }
}

#[test]
fn an_hour_without_certainty_is_reported_once_and_calls_a_person() {
    for status in [Status::Unknown, Status::Voiding] {
        let decision = next(&in_status(status), &timer(PaymentTimer::GiveUp));
        assert_eq!(decision.state.status, Status::Unresolved);
        assert_eq!(emitted(&decision), [EventType::PaymentUnresolved]);
        assert!(decision.alarm.is_some());
        assert!(disarms(&decision, PaymentTimer::Ask));
        let again = next(&decision.state, &resolve(false)).state;
        let second = next(&again, &timer(PaymentTimer::GiveUp));
        assert_eq!(second.state.status, Status::Unresolved);
        assert!(second.emit.is_empty() && second.alarm.is_some());
    }
}

#[test]
fn a_void_answered_captured_or_declined_is_that_outcome() {
    let voiding = in_status(Status::Voiding);
    assert_eq!(emitted(&next(&voiding, &captured())), [EventType::PaymentProcessed]);
    assert_eq!(emitted(&next(&voiding, &declined())), [EventType::PaymentFailed]);
    let dead = dead(Status::Voiding);
    assert_eq!(emitted(&next(&dead, &captured())), [EventType::PaymentProcessed]);
    assert_eq!(emitted(&next(&dead, &declined())), [EventType::PaymentVoided]);
}

#[test]
fn second_and_late_answers_about_a_known_charge_are_ignored() {
    for status in [Status::Captured, Status::Refunding, Status::RefundStuck, Status::Refunded] {
        assert_ignored(&in_status(status), &captured());
        assert_ignored(&in_status(status), &never_heard_of());
    }
    for status in [Status::Failed, Status::Voided, Status::Refunded] {
        assert_ignored(&in_status(status), &declined());
        assert_ignored(&in_status(status), &voided());
    }
}

#[test]
fn a_gateway_that_takes_a_capture_back_changes_nothing_and_calls_a_person() {
    for status in [Status::Captured, Status::Refunding, Status::RefundStuck] {
        for answer in [declined(), voided()] {
            assert_ignored(&in_status(status), &answer);
            assert!(next(&in_status(status), &answer).alarm.is_some());
        }
    }
}

#[test]
fn money_captured_against_the_gateways_own_word_goes_back_and_calls_a_person() {
    let failed = in_status(Status::Failed);
    let voided = next(&dead(Status::Unknown), &voided()).state;
    for state in [failed, voided] {
        let decision = next(&state, &captured());
        assert_eq!(decision.state.status, Status::Refunding);
        assert_eq!(emitted(&decision), [EventType::PaymentProcessed]);
        assert!(matches!(decision.effects[..], [Effect::Refund { .. }]));
        assert!(decision.alarm.is_some());
        assert_eq!(emitted(&next(&decision.state, &refunded())), [EventType::PaymentRefunded]);
    }
}

#[test]
fn a_capture_of_what_was_never_charged_only_calls_a_person() {
    for state in [State::default(), in_status(Status::Voided)] {
        assert_ignored(&state, &captured());
        assert!(next(&state, &captured()).alarm.is_some());
    }
}

#[test]
fn timers_that_fire_where_nothing_is_asked_are_ignored() {
    use Status::*;
    for status in [Collecting, Unresolved, Captured, Failed, Voided, RefundStuck, Refunded] {
        assert_ignored(&in_status(status), &timer(PaymentTimer::Ask));
        assert_ignored(&in_status(status), &timer(PaymentTimer::GiveUp));
    }
    assert_ignored(&in_status(Charging), &timer(PaymentTimer::GiveUp));
}
