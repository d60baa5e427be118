//! From nothing to confirmed, or to an early end.

use std::time::Duration;

use order_domain::{
    Compensation, InventoryAnswer, OrderTimer, PaymentAnswer, Progress, Review, answers, handles,
};
use shared_events::{
    Event, EventType, Outcome, Service,
    events::{fraud::Verdict, order::OrderConfirmed},
};

use crate::story::{Story, assessed, emitted, example, order, place};

const MINUTES_5: Duration = Duration::from_secs(300);

#[test]
fn order_handles_exactly_what_the_catalogue_gives_it() {
    for event_type in EventType::ALL {
        assert_eq!(handles(*event_type), event_type.entry().is_consumed_by(Service::Order), "{event_type}");
    }
}

#[test]
fn placing_says_the_order_and_asks_for_stock_in_one_decision() {
    let mut story = Story::new();
    let decision = story.takes(place());
    assert_eq!(emitted(&decision), [EventType::OrderPlaced, EventType::InventoryReserveRequested]);
    assert_eq!(story.state.progress, Progress::Pending);
    assert_eq!(story.timers[&OrderTimer::Confirmation], MINUTES_5);
}

#[test]
fn placing_the_same_order_again_changes_nothing() {
    for mut story in [Story::placed(), Story::confirmed(), Story::after(&[EventType::PaymentFailed])] {
        let before = story.clone();
        let decision = story.takes(place());
        assert_eq!(decision.outcome, Outcome::Ignored);
        assert_eq!((story.state, story.timers, story.said), (before.state, before.timers, before.said));
    }
}

#[test]
fn the_happy_path_goes_through_every_state_and_confirms_with_what_shipping_needs() {
    let mut story = Story::placed();
    for (event, progress) in [
        (EventType::InventoryReserved, Progress::InventoryReserved),
        (EventType::PaymentRequested, Progress::PaymentPending),
    ] {
        assert_eq!(emitted(&story.hears(event)), []);
        assert_eq!(story.state.progress, progress);
    }
    let decision = story.hears(EventType::PaymentProcessed);
    let order = order();
    let confirmed = Event::OrderConfirmed(OrderConfirmed {
        customer_id: order.customer_id,
        items: order.items,
        total_minor: order.total_minor,
        currency: order.currency,
        shipping_address: order.shipping_address,
    });
    assert_eq!(decision.emit, [confirmed]);
    assert_eq!(story.state.progress, Progress::Confirmed);
    assert_eq!(story.state.processing_micros, Some(0));
    assert_eq!(story.armed(), [OrderTimer::Shipping]);
}

#[test]
fn a_payment_event_that_overtakes_the_reservation_moves_the_status_forward_and_never_back() {
    let mut story = Story::after(&[EventType::PaymentRequested]);
    assert_eq!(story.state.progress, Progress::PaymentPending);
    let _ = story.hears(EventType::InventoryReserved);
    assert_eq!(story.state.progress, Progress::PaymentPending);
    let _ = story.hears(EventType::PaymentProcessed);
    for late in [EventType::InventoryReserved, EventType::PaymentRequested] {
        assert_eq!(story.hears(late).outcome, Outcome::Ignored);
        assert_eq!(story.state.progress, Progress::Confirmed);
    }
}

#[test]
fn a_capture_alone_confirms_because_payment_charges_only_what_is_held() {
    let mut story = Story::placed();
    assert_eq!(emitted(&story.hears(EventType::PaymentProcessed)), [EventType::OrderConfirmed]);
}

#[test]
fn a_failed_reservation_fails_the_order_with_its_code_and_closes_inventorys_account() {
    let mut story = Story::placed();
    let decision = story.hears(EventType::InventoryReserveFailed);
    let Event::InventoryReserveFailed(said) = example(EventType::InventoryReserveFailed) else { panic!() };
    let failure = story.state.failure.clone().unwrap();
    assert_eq!((failure.step.as_str(), failure.code.as_str()), ("inventory", said.code.as_str()));
    assert_eq!(emitted(&decision), [EventType::OrderFailed]);
    assert_eq!(story.state.answers.inventory, Some(InventoryAnswer::ReserveFailed));
    assert_eq!(story.state.compensation, Compensation::Pending);
    assert_eq!(story.armed(), [OrderTimer::Compensation]);
}

#[test]
fn a_failed_payment_fails_the_order_and_waits_only_for_the_stock() {
    let mut story = Story::after(&[EventType::InventoryReserved, EventType::PaymentRequested]);
    let decision = story.hears(EventType::PaymentFailed);
    assert_eq!(emitted(&decision), [EventType::OrderFailed]);
    assert_eq!(story.state.failure.as_ref().unwrap().code, "card_declined");
    assert_eq!(story.state.answers.payment, Some(PaymentAnswer::Failed));
    assert_eq!(story.state.missing(), ["inventory.released"]);
}

#[test]
fn an_order_not_confirmed_in_five_minutes_fails_at_step_timeout() {
    for before in [&[][..], &[EventType::InventoryReserved], &[EventType::PaymentRequested]] {
        let mut story = Story::after(before);
        let decision = story.waits(OrderTimer::Confirmation);
        assert_eq!(emitted(&decision), [EventType::OrderFailed]);
        let failure = story.state.failure.clone().unwrap();
        assert_eq!((failure.step.as_str(), failure.code.as_str()), ("timeout", "confirmation_timeout"));
        assert_eq!(story.armed(), [OrderTimer::Compensation]);
    }
}

#[test]
fn a_review_extends_the_deadline_and_its_decision_brings_it_back() {
    let mut story = Story::placed();
    let _ = story.takes(assessed(Verdict::Review));
    assert_eq!(story.timers[&OrderTimer::Confirmation], Duration::from_secs(24 * 3600 + 1800));
    let _ = story.hears(EventType::FraudReviewed);
    assert_eq!(story.timers[&OrderTimer::Confirmation], MINUTES_5);
    assert_eq!(story.state.review, Review::Decided);
}

#[test]
fn a_review_that_arrives_after_its_own_decision_extends_nothing() {
    let mut story = Story::after(&[EventType::FraudReviewed]);
    assert_eq!(story.takes(assessed(Verdict::Review)).outcome, Outcome::Ignored);
    assert_eq!(story.timers[&OrderTimer::Confirmation], MINUTES_5);
}

#[test]
fn a_review_nobody_decides_ends_the_order_as_a_review_timeout() {
    let mut story = Story::placed();
    let _ = story.takes(assessed(Verdict::Review));
    let _ = story.waits(OrderTimer::Confirmation);
    assert_eq!(story.state.failure.unwrap().code, "review_timeout");
}

#[test]
fn approve_and_reject_are_noted_and_change_nothing() {
    for verdict in [Verdict::Approve, Verdict::Reject] {
        let mut story = Story::placed();
        let before = story.state.clone();
        let decision = story.takes(assessed(verdict));
        assert_eq!((decision.outcome, story.state), (Outcome::Completed, before));
    }
}

#[test]
fn a_verdict_after_confirmation_or_death_changes_nothing() {
    for mut story in [Story::confirmed(), Story::after(&[EventType::PaymentFailed])] {
        let before = story.clone();
        for event in [assessed(Verdict::Review), assessed(Verdict::Reject), example(EventType::FraudReviewed)]
        {
            assert_eq!(story.takes(event).outcome, Outcome::Ignored);
        }
        assert_eq!((story.state, story.timers), (before.state, before.timers));
    }
}

#[test]
fn an_expired_hold_fails_an_unpaid_order_but_not_one_under_review() {
    let mut story = Story::after(&[EventType::InventoryReserved]);
    assert_eq!(emitted(&story.hears(EventType::InventoryHoldExpired)), [EventType::OrderFailed]);
    assert_eq!(story.state.failure.unwrap().code, "hold_expired");

    let mut story = Story::after(&[EventType::InventoryReserved]);
    let _ = story.takes(assessed(Verdict::Review));
    assert_eq!(story.hears(EventType::InventoryHoldExpired).outcome, Outcome::Ignored);
    assert_eq!(story.armed(), [OrderTimer::Confirmation]);
}

#[test]
fn an_expired_hold_is_answered_with_the_last_word_every_time() {
    let mut cancelled = Story::placed();
    let _ = cancelled.cancels().unwrap();
    let shipped = {
        let mut story = Story::confirmed();
        let _ = story.hears(EventType::ShippingDispatched);
        story
    };
    let delivered = {
        let mut story = Story::confirmed();
        let _ = story.hears(EventType::ShippingDelivered);
        story
    };
    for (mut story, word) in [
        (Story::confirmed(), EventType::OrderConfirmed),
        (shipped, EventType::OrderConfirmed),
        (delivered, EventType::OrderConfirmed),
        (cancelled, EventType::OrderCancelled),
        (Story::after(&[EventType::PaymentFailed]), EventType::OrderFailed),
    ] {
        let before = story.state.clone();
        for _ in 0..2 {
            let decision = story.hears(EventType::InventoryHoldExpired);
            assert_eq!(decision.resend, [word]);
            assert_eq!(decision.emit, []);
        }
        assert_eq!(answers(&story.state, EventType::InventoryHoldExpired), [word]);
        assert_eq!(story.state, before);
    }
}

#[test]
fn only_an_expired_hold_asks_for_an_answer_so_that_resends_come_to_rest() {
    for story in [Story::placed(), Story::confirmed(), Story::after(&[EventType::PaymentFailed])] {
        for event_type in EventType::ALL.iter().filter(|t| **t != EventType::InventoryHoldExpired) {
            assert_eq!(answers(&story.state, *event_type), [], "{event_type}");
        }
    }
    assert_eq!(answers(&Story::placed().state, EventType::InventoryHoldExpired), []);
}

#[test]
fn a_capture_of_another_amount_is_not_confirmed_but_given_back() {
    let mut story = Story::placed();
    let Event::PaymentProcessed(mut said) = example(EventType::PaymentProcessed) else { panic!() };
    said.amount_minor -= 1;
    let decision = story.takes(Event::PaymentProcessed(said));
    assert_eq!(emitted(&decision), [EventType::OrderFailed]);
    assert!(decision.alarm.is_some());
    assert_eq!(story.state.failure.as_ref().unwrap().code, "amount_mismatch");
    assert!(story.state.missing().contains(&"payment.refunded"));
}

#[test]
fn an_order_whose_stock_is_gone_is_not_confirmed_by_a_capture() {
    let mut story = Story::after(&[EventType::InventoryReleased]);
    let decision = story.hears(EventType::PaymentProcessed);
    assert_eq!(emitted(&decision), [EventType::OrderFailed]);
    assert_eq!(story.state.failure.unwrap().code, "hold_lost");
}

#[test]
fn an_unresolved_charge_before_confirmation_is_noted_and_the_deadline_runs() {
    let mut story = Story::after(&[EventType::PaymentRequested]);
    let decision = story.hears(EventType::PaymentUnresolved);
    assert!(decision.alarm.is_some());
    assert_eq!(story.state.progress, Progress::PaymentPending);
    assert_eq!(story.armed(), [OrderTimer::Confirmation]);
    // The deadline then finds an order that only a person can account for.
    let _ = story.waits(OrderTimer::Confirmation);
    assert_eq!(story.state.compensation, Compensation::Stuck);
}

#[test]
fn an_event_of_an_order_never_placed_is_ignored_and_reported() {
    for event_type in EventType::ALL.iter().filter(|event_type| handles(**event_type)) {
        let mut story = Story::new();
        let decision = story.hears(*event_type);
        assert_eq!(decision.outcome, Outcome::Ignored, "{event_type}");
        assert!(decision.alarm.is_some(), "{event_type}");
        assert_eq!((story.state, story.said.len()), (order_domain::State::default(), 0), "{event_type}");
    }
}

#[test]
fn events_that_are_not_for_order_change_nothing() {
    for event_type in EventType::ALL.iter().filter(|event_type| !handles(**event_type)) {
        let mut story = Story::confirmed();
        let before = story.clone();
        let decision = story.hears(*event_type);
        assert_eq!((decision.outcome, decision.note.as_str()), (Outcome::Ignored, "not for order"));
        assert_eq!((story.state, story.timers), (before.state, before.timers));
    }
}
