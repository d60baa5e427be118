//! From confirmed to delivered, and cancelling on the way.

use std::time::Duration;

use chrono::TimeDelta;
use order_domain::{Cancel, Compensation, Input, OrderTimer, Policy, Progress, decide};
use shared_events::{
    EventType, Outcome, TimerChange,
    events::order::{OrderCompleted, OrderOutcome},
};

use crate::story::{Story, emitted, now, scheduled_for};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn cancel_requested() -> Story {
    let mut story = Story::confirmed();
    let decision = story.cancels().unwrap();
    assert_eq!(emitted(&decision), [EventType::OrderCancelRequested]);
    story
}

fn shipped() -> Story {
    let mut story = Story::confirmed();
    let _ = story.hears(EventType::ShippingDispatched);
    story
}

#[test]
fn shipping_moves_the_order_to_delivered_and_completes_it_once() {
    let mut story = Story::confirmed();
    let _ = story.takes(scheduled_for("2026-11-23T10:00:00Z"));
    assert_eq!(story.state.progress, Progress::Confirmed);
    assert_eq!(story.state.tracking_number.as_deref(), Some("TRK-1"));
    assert_eq!(story.timers[&OrderTimer::Delivery], 4 * DAY, "the estimate and a day of grace");
    let _ = story.hears(EventType::ShippingDispatched);
    assert_eq!((story.state.progress, story.armed()), (Progress::Shipped, vec![OrderTimer::Delivery]));
    let decision = story.hears(EventType::ShippingDelivered);
    assert_eq!(decision.emit, [OrderCompleted { outcome: OrderOutcome::Delivered }.into()]);
    assert_eq!((story.state.progress, story.armed()), (Progress::Delivered, vec![]));
    for again in [EventType::ShippingScheduled, EventType::ShippingDispatched, EventType::ShippingDelivered] {
        assert_eq!(emitted(&story.hears(again)), []);
        assert_eq!((story.state.progress, story.armed()), (Progress::Delivered, vec![]));
    }
}

#[test]
fn a_delivery_that_comes_first_jumps_to_delivered() {
    let mut story = Story::confirmed();
    assert_eq!(emitted(&story.hears(EventType::ShippingDelivered)), [EventType::OrderCompleted]);
    let _ = story.takes(scheduled_for("2026-11-23T10:00:00Z"));
    assert_eq!(story.state.progress, Progress::Delivered);
    assert!(story.state.estimated_delivery.is_some(), "the estimate is noted all the same");
}

#[test]
fn an_estimate_in_the_past_or_beyond_belief_still_leaves_a_watch() {
    for (arrival, wait) in [("2020-01-01T00:00:00Z", DAY), ("2999-01-01T00:00:00Z", 61 * DAY)] {
        let mut story = Story::confirmed();
        let _ = story.takes(scheduled_for(arrival));
        assert_eq!(story.timers[&OrderTimer::Delivery], wait);
    }
}

#[test]
fn a_scaled_policy_divides_the_carriers_estimate_too() {
    let story = Story::confirmed();
    let arrival = now() + TimeDelta::days(3);
    let input = Input::Event(scheduled_for(&arrival.to_rfc3339()));
    let decision = decide(&Policy::default().scaled(24), &story.state, &input, now());
    let wait = Duration::from_secs(4 * 3600);
    assert!(decision.timers.contains(&TimerChange::Arm(OrderTimer::Delivery, wait)), "{:?}", decision.timers);
}

#[test]
fn silence_of_shipping_is_asked_about_and_the_third_time_reported() {
    let mut story = Story::confirmed();
    for ask in 1..=3 {
        assert_eq!(story.timers[&OrderTimer::Shipping], Duration::from_secs(120));
        let decision = story.waits(OrderTimer::Shipping);
        assert_eq!(decision.resend, [EventType::OrderConfirmed]);
        assert_eq!(decision.alarm.is_some(), ask == 3);
    }
    assert_eq!(story.state.stuck_on().as_deref(), Some("shipping.scheduled"));
    let before = story.state.clone();
    let decision = story.waits(OrderTimer::Shipping);
    assert_eq!(
        (decision.alarm, &story.state),
        (None, &before),
        "asked on, at ease, and nobody is called again"
    );
    let _ = story.hears(EventType::ShippingScheduled);
    assert_eq!((story.state.stuck_on(), story.state.resends), (None, 0));
}

#[test]
fn an_overdue_parcel_is_asked_about_and_reported_every_day() {
    let mut scheduled = Story::confirmed();
    let _ = scheduled.hears(EventType::ShippingScheduled);
    for mut story in [scheduled, shipped()] {
        for _ in 0..2 {
            let decision = story.waits(OrderTimer::Delivery);
            assert_eq!(decision.resend, [EventType::OrderConfirmed]);
            assert!(decision.alarm.is_some());
            assert_eq!(story.timers[&OrderTimer::Delivery], DAY);
        }
        assert_eq!(story.state.stuck_on().as_deref(), Some("shipping.delivered"));
        let _ = story.hears(EventType::ShippingDelivered);
        assert_eq!(story.state.stuck_on(), None);
    }
}

#[test]
fn a_carrier_that_refuses_fails_the_order_and_everything_is_made_good() {
    let mut story = Story::confirmed();
    let decision = story.hears(EventType::ShippingFailed);
    assert_eq!(emitted(&decision), [EventType::OrderFailed]);
    assert_eq!(story.state.failure.as_ref().unwrap().step, "shipping");
    assert_eq!(story.state.missing(), ["inventory.released", "payment.refunded"]);
    assert_eq!(story.armed(), [OrderTimer::Compensation]);
}

#[test]
fn a_cancellation_after_confirmation_waits_for_shippings_answer() {
    let story = cancel_requested();
    assert_eq!((story.state.progress, story.state.cancel), (Progress::Confirmed, Cancel::Requested));
    assert_eq!(story.armed(), [OrderTimer::Cancel]);
}

#[test]
fn shipping_that_stops_in_time_or_fails_meanwhile_cancels_the_order() {
    for answer in [EventType::ShippingCancelled, EventType::ShippingFailed] {
        let mut story = cancel_requested();
        let decision = story.hears(answer);
        assert_eq!(emitted(&decision), [EventType::OrderCancelled]);
        assert_eq!((story.state.progress, story.state.failure.clone()), (Progress::Cancelled, None));
        assert_eq!(story.state.compensation, Compensation::Pending);
        assert_eq!(story.armed(), [OrderTimer::Compensation]);
        assert_eq!(story.hears(answer).outcome, Outcome::Ignored);
    }
}

#[test]
fn a_booking_in_flight_is_noted_while_the_cancellation_waits() {
    let mut story = cancel_requested();
    let _ = story.waits(OrderTimer::Cancel);
    let _ = story.hears(EventType::ShippingScheduled);
    assert_eq!((story.state.cancel, story.state.resends), (Cancel::Requested, 1));
    assert_eq!(story.armed(), [OrderTimer::Delivery, OrderTimer::Cancel]);
    let _ = story.hears(EventType::ShippingCancelled);
    assert_eq!((story.state.progress, story.armed()), (Progress::Cancelled, vec![OrderTimer::Compensation]));
}

#[test]
fn a_rejected_cancellation_lets_the_order_go_on_and_a_later_one_is_refused() {
    let mut story = cancel_requested();
    let decision = story.hears(EventType::ShippingCancelRejected);
    assert_eq!((decision.outcome, emitted(&decision)), (Outcome::Failed, vec![]));
    assert_eq!((story.state.progress, story.state.cancel), (Progress::Confirmed, Cancel::Rejected));
    assert_eq!(story.armed(), [OrderTimer::Shipping], "the news of the handover is still to come");
    assert_eq!(story.cancels().unwrap_err().code, "cancel_rejected");
    let _ = story.hears(EventType::ShippingDispatched);
    assert_eq!(story.cancels().unwrap_err().code, "already_shipped");
    let _ = story.hears(EventType::ShippingDelivered);
    assert_eq!((story.state.progress, story.armed()), (Progress::Delivered, vec![]));
}

#[test]
fn a_handover_may_come_before_the_rejection_because_progress_and_the_flag_are_independent() {
    let mut story = cancel_requested();
    let _ = story.hears(EventType::ShippingDispatched);
    assert_eq!((story.state.progress, story.state.cancel), (Progress::Shipped, Cancel::Requested));
    assert_eq!(story.armed(), [OrderTimer::Delivery, OrderTimer::Cancel]);
    let _ = story.hears(EventType::ShippingCancelRejected);
    assert_eq!((story.state.progress, story.state.cancel), (Progress::Shipped, Cancel::Rejected));
    assert_eq!(story.armed(), [OrderTimer::Delivery]);
}

#[test]
fn a_delivery_that_comes_before_the_rejection_ends_the_wish_too() {
    let mut story = cancel_requested();
    let _ = story.hears(EventType::ShippingDelivered);
    assert_eq!((story.state.cancel, story.armed()), (Cancel::Rejected, vec![]));
    assert_eq!(story.hears(EventType::ShippingCancelRejected).outcome, Outcome::Ignored);
}

#[test]
fn asking_twice_while_shipping_is_silent_is_accepted_and_says_nothing_new() {
    let mut story = cancel_requested();
    let decision = story.cancels().unwrap();
    assert_eq!((decision.outcome, emitted(&decision)), (Outcome::Ignored, vec![]));
}

#[test]
fn cancelling_a_shipped_order_is_refused() {
    assert_eq!(shipped().cancels().unwrap_err().code, "already_shipped");
}

#[test]
fn silence_about_a_cancellation_is_asked_about_and_the_third_time_reported() {
    let mut story = cancel_requested();
    for ask in 1..=3 {
        assert_eq!(story.timers[&OrderTimer::Cancel], Duration::from_secs(120));
        let decision = story.waits(OrderTimer::Cancel);
        assert_eq!(decision.resend, [EventType::OrderCancelRequested]);
        assert_eq!(decision.alarm.is_some(), ask == 3);
    }
    assert_eq!(story.state.stuck_on().as_deref(), Some("shipping.cancelled"));
    let _ = story.hears(EventType::ShippingCancelRejected);
    assert_eq!(story.state.stuck_on(), None);
}

#[test]
fn a_shipment_cancelled_unasked_fails_the_order_so_that_nobody_pays_for_nothing() {
    let mut story = Story::confirmed();
    let decision = story.hears(EventType::ShippingCancelled);
    assert_eq!(emitted(&decision), [EventType::OrderFailed]);
    assert!(decision.alarm.is_some());
}

#[test]
fn news_that_the_choreography_rules_out_is_reported_and_changes_nothing() {
    let dead = || Story::after(&[EventType::PaymentFailed]);
    let contradictions = [
        (Story::placed(), EventType::ShippingScheduled),
        (Story::placed(), EventType::ShippingDispatched),
        (Story::placed(), EventType::ShippingDelivered),
        (Story::placed(), EventType::ShippingFailed),
        (Story::placed(), EventType::ShippingCancelled),
        (dead(), EventType::ShippingDispatched),
        (dead(), EventType::ShippingDelivered),
        (shipped(), EventType::ShippingFailed),
        (shipped(), EventType::ShippingCancelled),
    ];
    for (mut story, event) in contradictions {
        let before = story.clone();
        let decision = story.hears(event);
        assert_eq!(decision.outcome, Outcome::Ignored, "{event} when {:?}", before.state.progress);
        assert!(decision.alarm.is_some(), "{event} when {:?}", before.state.progress);
        assert_eq!((story.state, story.timers), (before.state, before.timers));
    }
}

#[test]
fn shippings_tombstone_answers_after_death_are_ignored() {
    for event in [EventType::ShippingFailed, EventType::ShippingCancelled, EventType::ShippingCancelRejected]
    {
        let mut story = Story::after(&[EventType::PaymentFailed]);
        assert_eq!(story.hears(event).outcome, Outcome::Ignored);
    }
}
