//! Death, the answers to it, and what keeps them from coming.

use std::time::Duration;

use order_domain::{Compensation, OrderTimer, PaymentAnswer, Progress, Trouble};
use shared_events::{
    Event, EventType, Outcome,
    events::order::{OrderCompleted, OrderOutcome},
};

use crate::story::{Story, cancel, emitted};

fn completed(outcome: OrderOutcome) -> Event {
    OrderCompleted { outcome }.into()
}

fn cancelled_while_paying() -> Story {
    let mut story = Story::after(&[EventType::InventoryReserved, EventType::PaymentRequested]);
    let _ = story.cancels().unwrap();
    story
}

#[test]
fn cancelling_before_confirmation_is_done_at_once_in_every_state() {
    for before in [&[][..], &[EventType::InventoryReserved], &[EventType::PaymentRequested]] {
        let mut story = Story::after(before);
        let decision = story.cancels().unwrap();
        assert_eq!(emitted(&decision), [EventType::OrderCancelled]);
        assert_eq!(story.state.progress, Progress::Cancelled);
        assert_eq!(story.state.compensation, Compensation::Pending);
        assert_eq!(story.timers[&OrderTimer::Compensation], Duration::from_secs(120));
    }
}

#[test]
fn cancelling_twice_is_accepted_and_says_nothing_new() {
    let mut story = cancelled_while_paying();
    let decision = story.cancels().unwrap();
    assert_eq!((decision.outcome, emitted(&decision)), (Outcome::Ignored, vec![]));
}

#[test]
fn cancelling_an_unknown_a_failed_or_a_delivered_order_is_refused() {
    let mut delivered = Story::confirmed();
    let _ = delivered.hears(EventType::ShippingDelivered);
    for (mut story, code) in [
        (Story::new(), "unknown_order"),
        (Story::after(&[EventType::PaymentFailed]), "already_failed"),
        (delivered, "already_delivered"),
    ] {
        assert_eq!(story.cancels().unwrap_err().code, code);
        let before = story.state.clone();
        assert_eq!(story.takes(cancel()).outcome, Outcome::Ignored, "and changes nothing");
        assert_eq!(story.state, before);
    }
}

#[test]
fn the_order_completes_once_both_have_answered_in_either_order() {
    for payment in [EventType::PaymentVoided, EventType::PaymentFailed, EventType::PaymentRefunded] {
        for answers in [[EventType::InventoryReleased, payment], [payment, EventType::InventoryReleased]] {
            let mut story = cancelled_while_paying();
            let first = story.hears(answers[0]);
            assert_eq!((first.outcome, emitted(&first)), (Outcome::Compensated, vec![]));
            assert_eq!(story.state.compensation, Compensation::Pending);
            let second = story.hears(answers[1]);
            assert_eq!(second.emit, [completed(OrderOutcome::Cancelled)]);
            assert_eq!(story.state.compensation, Compensation::Complete);
            assert_eq!(story.armed(), []);
            for again in answers {
                assert_eq!(story.hears(again).outcome, Outcome::Ignored);
            }
        }
    }
}

#[test]
fn a_void_that_comes_before_the_failed_reservation_counts_and_completes_at_once() {
    let mut story = Story::after(&[EventType::PaymentVoided]);
    assert_eq!(story.state.progress, Progress::Pending);
    let decision = story.hears(EventType::InventoryReserveFailed);
    assert_eq!(emitted(&decision), [EventType::OrderFailed, EventType::OrderCompleted]);
    assert_eq!(decision.emit[1], completed(OrderOutcome::Failed));
    assert_eq!(story.armed(), []);
}

#[test]
fn a_release_that_comes_before_the_failed_payment_counts_and_completes_at_once() {
    let mut story = Story::after(&[EventType::InventoryReserved, EventType::InventoryReleased]);
    let decision = story.hears(EventType::PaymentFailed);
    assert_eq!(emitted(&decision), [EventType::OrderFailed, EventType::OrderCompleted]);
    assert_eq!(story.state.compensation, Compensation::Complete);
}

#[test]
fn a_capture_after_death_never_revives_and_is_given_back() {
    let mut story = cancelled_while_paying();
    let decision = story.hears(EventType::PaymentProcessed);
    assert_eq!((decision.outcome, emitted(&decision)), (Outcome::Started, vec![]));
    assert_eq!(story.state.progress, Progress::Cancelled);
    assert_eq!(story.state.captured_minor, Some(4998));
    assert_eq!(story.state.missing(), ["inventory.released", "payment.refunded"]);
    let _ = story.hears(EventType::PaymentRefunded);
    let decision = story.hears(EventType::InventoryReleased);
    assert_eq!(emitted(&decision), [EventType::OrderCompleted]);
}

#[test]
fn a_refund_that_overtakes_its_capture_counts_and_the_capture_is_noted() {
    let mut story = cancelled_while_paying();
    let _ = story.hears(EventType::PaymentRefunded);
    let decision = story.hears(EventType::PaymentProcessed);
    assert_eq!(decision.outcome, Outcome::Completed);
    assert_eq!(story.state.answers.payment, Some(PaymentAnswer::Refunded));
    assert_eq!(story.state.missing(), ["inventory.released"]);
}

#[test]
fn a_capture_contradicting_a_void_is_reported_and_changes_nothing() {
    for closed in [EventType::PaymentVoided, EventType::PaymentFailed] {
        let mut story = cancelled_while_paying();
        let _ = story.hears(closed);
        let before = story.state.clone();
        assert!(story.hears(EventType::PaymentProcessed).alarm.is_some());
        assert_eq!(story.state, before);
    }
}

#[test]
fn a_refused_refund_is_stuck_until_the_refund_succeeds_after_all() {
    let mut story = cancelled_while_paying();
    for event in [EventType::PaymentProcessed, EventType::InventoryReleased] {
        let _ = story.hears(event);
    }
    let decision = story.hears(EventType::PaymentRefundFailed);
    assert!(decision.alarm.is_some());
    assert_eq!(story.state.compensation, Compensation::Stuck);
    assert_eq!(story.state.stuck_on().as_deref(), Some("payment.refunded"));
    assert_eq!(story.armed(), [OrderTimer::Compensation]);
    assert_eq!(emitted(&story.hears(EventType::PaymentRefunded)), [EventType::OrderCompleted]);
    assert_eq!((story.state.compensation, story.state.stuck_on()), (Compensation::Complete, None));
    assert_eq!(story.hears(EventType::PaymentRefundFailed).outcome, Outcome::Ignored, "never the reverse");
    assert_eq!(story.state.compensation, Compensation::Complete);
}

#[test]
fn a_refund_that_ends_the_trouble_goes_back_to_waiting_for_inventory() {
    let mut story = cancelled_while_paying();
    let _ = story.hears(EventType::PaymentRefundFailed);
    let _ = story.hears(EventType::PaymentRefunded);
    assert_eq!(story.state.compensation, Compensation::Pending);
    assert_eq!(story.state.missing(), ["inventory.released"]);
}

#[test]
fn an_unresolved_charge_after_death_is_stuck_and_its_outcome_ends_that() {
    let mut story = cancelled_while_paying();
    let _ = story.hears(EventType::PaymentUnresolved);
    assert_eq!(story.state.compensation, Compensation::Stuck);
    let _ = story.hears(EventType::PaymentProcessed);
    assert_eq!((story.state.compensation, story.state.answers.trouble), (Compensation::Pending, None));

    let mut story = cancelled_while_paying();
    let _ = story.hears(EventType::PaymentUnresolved);
    let _ = story.hears(EventType::PaymentVoided);
    let _ = story.hears(EventType::InventoryReleased);
    assert_eq!(story.state.compensation, Compensation::Complete);
}

#[test]
fn an_unresolved_that_comes_after_the_charges_outcome_is_ignored() {
    for known in [
        EventType::PaymentProcessed,
        EventType::PaymentVoided,
        EventType::PaymentFailed,
        EventType::PaymentRefunded,
        EventType::PaymentRefundFailed,
    ] {
        let mut story = cancelled_while_paying();
        let _ = story.hears(known);
        let before = story.state.clone();
        assert_eq!(story.hears(EventType::PaymentUnresolved).outcome, Outcome::Ignored, "{known}");
        assert_eq!(story.state, before);
    }
    let mut story = Story::confirmed();
    assert_eq!(story.hears(EventType::PaymentUnresolved).outcome, Outcome::Ignored);
}

#[test]
fn a_refused_refund_replaces_the_note_of_an_unresolved_charge() {
    let mut story = cancelled_while_paying();
    let _ = story.hears(EventType::PaymentUnresolved);
    let _ = story.hears(EventType::PaymentRefundFailed);
    assert_eq!(story.state.answers.trouble, Some(Trouble::RefundFailed));
}

#[test]
fn missing_answers_are_asked_for_again_until_seventy_five_minutes_then_named() {
    let mut story = cancelled_while_paying();
    let _ = story.hears(EventType::InventoryReleased);
    let mut waited = Duration::ZERO;
    loop {
        waited += story.timers[&OrderTimer::Compensation];
        let decision = story.waits(OrderTimer::Compensation);
        assert_eq!(decision.resend, [EventType::OrderCancelled]);
        if decision.alarm.is_some() {
            assert!(decision.note.contains("payment.voided or payment.refunded"), "{}", decision.note);
            break;
        }
        assert_eq!(story.state.compensation, Compensation::Pending);
    }
    assert_eq!(waited, Duration::from_secs(75 * 60));
    assert_eq!(story.state.compensation, Compensation::Stuck);

    let before = story.state.clone();
    let decision = story.waits(OrderTimer::Compensation);
    assert_eq!(decision.resend, [EventType::OrderCancelled], "a lost answer still heals");
    assert_eq!((decision.alarm, &story.state), (None, &before), "but nobody is called a second time");

    assert_eq!(emitted(&story.hears(EventType::PaymentVoided)), [EventType::OrderCompleted]);
    assert_eq!((story.state.compensation, story.armed()), (Compensation::Complete, vec![]));
}

#[test]
fn an_order_given_up_stays_stuck_while_one_of_two_answers_is_missing() {
    let mut story = cancelled_while_paying();
    while story.state.compensation != Compensation::Stuck {
        let _ = story.waits(OrderTimer::Compensation);
    }
    let _ = story.hears(EventType::InventoryReleased);
    assert_eq!(story.state.compensation, Compensation::Stuck);
    assert_eq!(story.state.stuck_on().as_deref(), Some("payment.voided or payment.refunded"));
}

#[test]
fn news_of_a_step_that_succeeded_too_late_is_noted_and_changes_nothing() {
    for late in [EventType::InventoryReserved, EventType::PaymentRequested, EventType::ShippingScheduled] {
        let mut story = cancelled_while_paying();
        let before = story.clone();
        assert_eq!(story.hears(late).outcome, Outcome::Ignored);
        assert_eq!((story.state, story.timers), (before.state, before.timers));
    }
}

#[test]
fn a_failed_reservation_that_comes_after_the_cancellation_is_inventorys_answer() {
    let mut story = Story::placed();
    let _ = story.cancels().unwrap();
    let _ = story.hears(EventType::InventoryReserveFailed);
    assert_eq!(story.state.progress, Progress::Cancelled);
    assert_eq!(story.state.missing(), ["payment.voided or payment.refunded"]);
}

#[test]
fn closing_events_of_a_living_confirmed_order_are_reported() {
    for event in [EventType::InventoryReleased, EventType::PaymentRefunded, EventType::PaymentFailed] {
        let mut story = Story::confirmed();
        assert!(story.hears(event).alarm.is_some(), "{event}");
        assert_eq!(story.state.progress, Progress::Confirmed);
    }
}
