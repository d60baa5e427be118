//! A carrier that is silent, forgetful or contradicts itself (rules 15 and 16, and the deadlines).

use std::time::Duration;

use shared_events::{EventType, Timer as _, TimerChange};
use shipping_domain::{Consignment, Effect, Input, Reply, ShipmentTimer, State, Status, Stop};

use crate::world::*;

use EventType::{ShippingCancelled, ShippingDispatched, ShippingFailed, ShippingScheduled};
use ShipmentTimer::{Ask, GiveUp, Overdue, Poll};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn fires(state: &State, timer: ShipmentTimer) -> shipping_domain::ShipmentDecision {
    step(state, &Input::Timer(timer))
}

#[test]
fn a_booking_is_asked_about_after_30_seconds_and_given_up_after_an_hour() {
    let decision = step(&State::default(), &said(CONFIRMED));
    assert_eq!(armed(&decision), [(Ask, 30 * SECOND), (GiveUp, HOUR)]);
    let asking = fires(&decision.state, Ask);
    expect(&asking, Status::Booking, &[], &[Effect::Status]);
    assert_eq!(armed(&asking), [(Ask, 30 * SECOND)]);
}

#[test]
fn no_answer_is_asked_about_after_a_second_doubling_to_five_minutes() {
    for name in ["booking", "booking, cancel waits", "cancelling a known booking", "cancelling, gave up"] {
        let mut state = state(name);
        let mut pauses = Vec::new();
        for _ in 0..11 {
            let silent = step(&state, &no_answer());
            assert_eq!((silent.state.status, silent.emit.len()), (state.status, 0));
            pauses.push(armed(&silent)[0].1.as_secs());
            state = fires(&silent.state, Ask).state;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300], "{name}");
    }
}

#[test]
fn cancelling_is_asked_about_by_cancelling_again() {
    let decision = step(&state("scheduled"), &said(CANCEL));
    let disarmed = [TimerChange::Disarm(Poll), TimerChange::Disarm(Overdue)];
    assert_eq!(decision.timers[..2], disarmed);
    assert_eq!(armed(&decision), [(Ask, 30 * SECOND), (GiveUp, HOUR)]);
    expect(&fires(&decision.state, Ask), Status::Cancelling, &[], &[Effect::Cancel]);
}

#[test]
fn never_heard_of_the_key_and_the_order_lives_books_again() {
    let before = state("booking");
    let decision = step(&before, &NEVER_HEARD_OF);
    let again = Effect::Book(before.parcel.clone().unwrap());
    expect(&decision, Status::Booking, &[], std::slice::from_ref(&again));
    assert_eq!(armed(&decision), [(Ask, 30 * SECOND)]);
    // The answer may be older than the booking we know of: then the key makes it harmless.
    expect(&step(&state("scheduled"), &NEVER_HEARD_OF), Status::Scheduled, &[], &[again]);
}

#[test]
fn never_heard_of_the_key_and_a_cancel_waits_cancels_the_key_and_books_no_more() {
    for name in ["booking, cancel waits", "booking, order dead"] {
        let decision = step(&state(name), &NEVER_HEARD_OF);
        expect(&decision, Status::Cancelling, &[], &[Effect::Cancel]);
        expect(&step(&decision.state, &NEVER_HEARD_OF), Status::Cancelling, &[], &[]);
    }
}

#[test]
fn a_carrier_that_lost_the_booking_may_take_it_anew_under_another_number() {
    let other = Consignment { tracking_number: "TRK-OTHER".to_owned(), ..consignment() };
    let decision = step(&state("scheduled"), &Input::Reply(Reply::Booked(other.clone())));
    expect(&decision, Status::Scheduled, &[ShippingScheduled], &[]);
    assert_eq!(decision.state.consignment, Some(other));
}

#[test]
fn an_hour_of_silence_cancels_by_key_and_fails_only_once_that_is_confirmed() {
    let decision = fires(&state("booking"), GiveUp);
    expect(&decision, Status::Cancelling, &[], &[Effect::Cancel]);
    assert_eq!(decision.state.stop, Some(Stop::GaveUp));
    assert_eq!(armed(&decision), [(Ask, 30 * SECOND), (GiveUp, HOUR)]);
    let silent = step(&decision.state, &no_answer());
    expect(&silent, Status::Cancelling, &[], &[]);
    let confirmed = step(&silent.state, &CANCELLED);
    expect(&confirmed, Status::Failed, &[ShippingFailed], &[]);
    assert_eq!(confirmed.state.failure.as_ref().unwrap().code, "carrier_unavailable");
}

#[test]
fn an_hour_of_silence_with_a_cancel_waiting_ends_cancelled_once_confirmed() {
    let decision = fires(&state("booking, cancel waits"), GiveUp);
    expect(&decision, Status::Cancelling, &[], &[Effect::Cancel]);
    expect(&step(&decision.state, &CANCELLED), Status::Cancelled, &[ShippingCancelled], &[]);
}

#[test]
fn an_unconfirmed_cancel_only_raises_the_alarm_and_goes_on() {
    for name in ["cancelling a known booking", "cancelling, gave up", "cancelling, order dead"] {
        let before = state(name);
        let decision = fires(&before, GiveUp);
        expect(&decision, Status::Cancelling, &[], &[Effect::Cancel]);
        assert!(decision.alarm.is_some(), "{name}");
        assert_eq!(decision.state, before);
        assert_eq!(armed(&decision), [(GiveUp, HOUR)]);
    }
}

#[test]
fn a_booking_that_was_given_up_and_handed_over_all_the_same_goes_on() {
    let decision = step(&state("cancelling, gave up"), &dispatched());
    expect(&decision, Status::Dispatched, &[ShippingScheduled, ShippingDispatched], &[]);
    assert_eq!((decision.state.stop, decision.alarm), (None, None));
}

#[test]
fn a_booking_that_shows_up_while_it_is_cancelled_is_told_and_cancelled_all_the_same() {
    for name in ["cancelling, gave up", "cancelling an unclear booking"] {
        let decision = step(&state(name), &booked());
        expect(&decision, Status::Cancelling, &[ShippingScheduled], &[]);
        let told = step(&decision.state, &booked());
        expect_nothing(&decision.state, &told);
    }
}

#[test]
fn a_cancel_of_the_carriers_own_fails_the_shipment() {
    for name in ["booking", "scheduled"] {
        let decision = step(&state(name), &CANCELLED);
        expect(&decision, Status::Failed, &[ShippingFailed], &[]);
        assert_eq!(decision.state.failure.as_ref().unwrap().code, "carrier_cancelled");
    }
    expect(&step(&state("scheduled"), &refused()), Status::Failed, &[ShippingFailed], &[]);
}

#[test]
fn a_scheduled_parcel_is_polled_and_asked_for_an_hour_after_it_should_have_arrived() {
    let decision = step(&state("booking"), &booked());
    assert_eq!(decision.timers[..2], [TimerChange::Disarm(Ask), TimerChange::Disarm(GiveUp)]);
    assert_eq!(armed(&decision), [(Poll, 10 * MINUTE), (Overdue, 3 * DAY + HOUR)]);
    let polled = fires(&decision.state, Poll);
    expect(&polled, Status::Scheduled, &[], &[Effect::Status]);
    assert_eq!(armed(&polled), [(Poll, 10 * MINUTE)]);
    expect(&fires(&decision.state, Overdue), Status::Scheduled, &[], &[Effect::Status]);
    expect_nothing(&decision.state, &step(&decision.state, &no_answer()));
}

#[test]
fn the_hand_over_keeps_the_poll_and_the_delivery_ends_it() {
    let handed_over = step(&state("scheduled"), &dispatched());
    assert!(handed_over.timers.is_empty());
    expect(&fires(&handed_over.state, Poll), Status::Dispatched, &[], &[Effect::Status]);
    let arrived = step(&handed_over.state, &DELIVER);
    assert_eq!(arrived.timers, [TimerChange::Disarm(Poll), TimerChange::Disarm(Overdue)]);
}

#[test]
fn a_delivery_date_in_the_past_or_in_another_century_is_harmless() {
    for (date, expected) in [("1999-01-01T00:00:00Z", HOUR), ("9999-12-31T00:00:00Z", 60 * DAY + HOUR)] {
        let odd = Consignment { estimated_delivery: date.parse().unwrap(), ..consignment() };
        let decision = step(&state("booking"), &Input::Reply(Reply::Booked(odd)));
        assert_eq!(armed(&decision)[1], (Overdue, expected), "{date}");
    }
}

#[test]
fn a_contradiction_of_the_carrier_changes_nothing_and_calls_a_person() {
    for (name, input) in [
        ("dispatched", refused()),
        ("dispatched", CANCELLED),
        ("delivered", refused()),
        ("delivered", CANCELLED),
        ("cancelled", dispatched()),
        ("cancelled", delivered()),
        ("refused", dispatched()),
        ("failed, given up", delivered()),
    ] {
        let decision = step(&state(name), &input);
        assert_eq!(decision.state, state(name), "{name}");
        assert!(decision.alarm.is_some() && decision.emit.is_empty(), "{name}");
    }
}

#[test]
fn timers_of_another_status_and_answers_nobody_asked_for_change_nothing() {
    for (name, state) in every_state() {
        for timer in ShipmentTimer::ALL {
            let waits = match timer {
                Ask | GiveUp => matches!(state.status, Status::Booking | Status::Cancelling),
                Poll | Overdue => matches!(state.status, Status::Scheduled | Status::Dispatched),
            };
            if !waits {
                expect_nothing(&state, &fires(&state, *timer));
            }
        }
        if state.status.is_final() || state.status == Status::Unknown {
            for input in [NEVER_HEARD_OF, no_answer()] {
                let decision = step(&state, &input);
                assert_eq!(decision.state, state, "{name}");
                expect_nothing(&state, &decision);
            }
        }
    }
    for input in [booked(), dispatched(), delivered(), refused(), CANCELLED] {
        expect_nothing(&State::default(), &step(&State::default(), &input));
    }
}
