use shared_events::EventType;
use shared_events::events::order::OrderCompleted;

use super::*;

fn example(event_type: EventType) -> Event {
    Envelope::decode(event_type.example().as_bytes()).expect("a golden file").event
}

fn completed(outcome: OrderOutcome) -> Event {
    OrderCompleted { outcome }.into()
}

fn after(events: &[Event], expected: Expected) -> Tracked {
    let mut tracked = Tracked::new(Instant::now(), expected);
    for (position, event) in events.iter().enumerate() {
        tracked.hear(event, Duration::from_millis(position as u64 + 1));
    }
    tracked
}

#[test]
fn a_confirmed_order_is_settled_at_once() {
    let tracked = after(&[example(EventType::OrderConfirmed)], Expected::Confirmed);
    assert_eq!(tracked.settled, Some(Duration::from_millis(1)));
    assert_eq!(tracked.death, None);
}

#[test]
fn an_order_that_the_carrier_will_refuse_is_settled_only_when_made_good() {
    let confirmed = example(EventType::OrderConfirmed);
    let failed = example(EventType::OrderFailed);
    let tracked = after(&[confirmed.clone(), failed.clone()], Expected::CarrierRefused);
    assert!(tracked.is_open());
    let tracked = after(&[confirmed, failed, completed(OrderOutcome::Failed)], Expected::CarrierRefused);
    assert_eq!(tracked.settled, Some(Duration::from_millis(3)));
}

#[test]
fn a_confirmed_order_that_dies_unexpectedly_is_open_again_until_completed() {
    let story = [example(EventType::OrderConfirmed), example(EventType::OrderFailed)];
    assert!(after(&story, Expected::Confirmed).is_open());
}

#[test]
fn completed_may_be_heard_before_failed() {
    let story = [completed(OrderOutcome::Failed), example(EventType::OrderFailed)];
    let tracked = after(&story, Expected::Confirmed);
    assert_eq!(tracked.settled, Some(Duration::from_millis(1)));
    assert!(tracked.death.is_some_and(|death| death.starts_with("failed, ")));
}

#[test]
fn a_rejected_cancellation_lets_a_confirmed_order_be_settled() {
    let story = [example(EventType::OrderConfirmed), example(EventType::ShippingCancelRejected)];
    assert!(!after(&story, Expected::CancelRace).is_open());
    assert!(after(&story[..1], Expected::CancelRace).is_open());
}

#[test]
fn an_order_nobody_took_is_not_waited_for_and_one_that_was_taken_is() {
    let tracker = Tracker::default();
    let (lost, taken) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for id in [lost, taken] {
        drop(tracker.begin(id, Instant::now(), Expected::Confirmed));
    }
    tracker.accepted(taken);
    tracker.absent(lost);
    tracker.absent(taken);
    assert_eq!(tracker.open(Duration::ZERO), [taken]);
    assert_eq!(tracker.tally().unanswered, 1);
}

#[test]
fn the_tally_keeps_refused_unanswered_open_and_settled_orders_apart() {
    let tracker = Tracker::default();
    let ids: Vec<Uuid> = (1..=4).map(Uuid::from_u128).collect();
    for id in &ids {
        drop(tracker.begin(*id, Instant::now(), Expected::Confirmed));
    }
    tracker.refused(ids[0], "422".into());
    tracker.accepted(ids[2]);
    tracker.accepted(ids[3]);
    tracker.change(ids[3], |tracked| tracked.hear(&example(EventType::OrderConfirmed), Duration::ZERO));
    let tally = tracker.tally();
    assert_eq!(tally.counts, Counts { accepted: 2, refused: 1, settled: 1 });
    assert_eq!((tally.unanswered, tally.open), (1, vec![ids[2]]));
    assert_eq!(tally.outcomes.get("confirmed"), Some(&1));
}
