//! What holds for every story, also for those that the choreography rules out.

use std::collections::BTreeSet;

use order_domain::{
    Cancel, Compensation, Decision, Input, OrderTimer, Policy, Progress, State, answers, handles,
};
use proptest::{prelude::*, sample::select};
use shared_events::{
    Event, EventType, Timer,
    events::fraud::{FraudReviewed, Ruling, Verdict},
};

use crate::story::{Story, assessed, cancel, example, place, scheduled_for};

/// Every event's example and variants of those whose content steers the rule, every timer, every
/// command.
fn inputs() -> Vec<Input> {
    let mut inputs: Vec<Input> = EventType::ALL.iter().map(|t| Input::Event(example(*t))).collect();
    for verdict in [Verdict::Approve, Verdict::Review, Verdict::Reject] {
        inputs.push(assessed(verdict).into());
    }
    inputs.push(Event::from(FraudReviewed { verdict: Ruling::Reject, decided_by: "deadline".into() }).into());
    inputs.push(scheduled_for("2026-11-23T10:00:00Z").into());
    if let Event::PaymentProcessed(mut said) = example(EventType::PaymentProcessed) {
        said.amount_minor += 1;
        inputs.push(Event::PaymentProcessed(said).into());
    }
    inputs.extend(OrderTimer::ALL.iter().map(|timer| Input::Timer(*timer)));
    inputs.push(place().into());
    inputs.push(cancel().into());
    inputs
}

/// Stories that begin with the order or before it, and go through what orders hear.
fn stories() -> impl Strategy<Value = Vec<Input>> {
    let heard: Vec<Input> = inputs()
        .into_iter()
        .filter(|input| match input {
            Input::Event(event) => handles(event.event_type()),
            Input::Timer(_) | Input::Command(_) => true,
        })
        .collect();
    let early = [EventType::InventoryReserved, EventType::PaymentRequested, EventType::PaymentProcessed];
    let prologue = prop_oneof![
        1 => Just(0_usize),
        3 => Just(1_usize),
        3 => Just(4_usize),
    ]
    .prop_map(move |length| {
        let mut story: Vec<Input> = vec![place().into()];
        story.extend(early.iter().map(|t| Input::Event(example(*t))));
        story.truncate(length);
        story
    });
    (prologue, prop::collection::vec(select(heard), 0..30)).prop_map(|(mut first, rest)| {
        first.extend(rest);
        first
    })
}

fn is_final(state: &State) -> bool {
    match state.progress {
        Progress::Unknown | Progress::Delivered => true,
        Progress::Failed | Progress::Cancelled => state.compensation == Compensation::Complete,
        Progress::Pending
        | Progress::InventoryReserved
        | Progress::PaymentPending
        | Progress::Confirmed
        | Progress::Shipped => false,
    }
}

fn check_step(before: &State, decision: &Decision, said_before: &[EventType]) {
    let after = &decision.state;
    assert!(after.progress >= before.progress, "{before:?} went back to {after:?}");
    let ended = [Progress::Delivered, Progress::Failed, Progress::Cancelled];
    if ended.contains(&before.progress) {
        assert_eq!(after.progress, before.progress, "a final order revived");
    }
    if before.compensation == Compensation::Complete {
        // A capture overtaken by its own refund may still be noted; nothing else may.
        let noted = State { captured_minor: after.captured_minor, ..before.clone() };
        assert_eq!(*after, noted, "a settled order changed");
        assert!(decision.emit.is_empty() && decision.timers.is_empty(), "a settled order acted");
    }
    if before.answers.payment.is_some() {
        assert_eq!(after.answers.payment, before.answers.payment, "an account was closed twice");
    }
    for word in &decision.resend {
        assert!(said_before.contains(word), "{word} was never said and cannot be said again");
    }
}

fn check_whole(story: &Story) {
    let state = &story.state;
    let count = |event: EventType| story.said.iter().filter(|said| **said == event).count();
    for once in [
        EventType::OrderPlaced,
        EventType::InventoryReserveRequested,
        EventType::OrderConfirmed,
        EventType::OrderCancelRequested,
        EventType::OrderCompleted,
    ] {
        assert!(count(once) <= 1, "{once} was said {} times", count(once));
    }
    let deaths = count(EventType::OrderFailed) + count(EventType::OrderCancelled);
    let dead = matches!(state.progress, Progress::Failed | Progress::Cancelled);
    assert_eq!(deaths, usize::from(dead));
    assert_eq!(state.compensation != Compensation::None, dead);

    let closed = state.answers.inventory.is_some() && state.answers.payment.is_some();
    assert_eq!(state.compensation == Compensation::Complete, dead && closed);
    let delivered = state.progress == Progress::Delivered;
    assert_eq!(count(EventType::OrderCompleted) == 1, delivered || (dead && closed));

    if state.confirmed_at.is_some() {
        let total = state.placed.as_ref().map(|placed| placed.total_minor);
        assert_eq!(state.captured_minor, total, "confirmed without being paid in full");
    }
    check_watches(story);
}

/// Every state that is not final has a watch, a final one has none, and no watch is armed whose
/// firing would find nothing to wait for.
fn check_watches(story: &Story) {
    let state = &story.state;
    let armed: BTreeSet<OrderTimer> = story.timers.keys().copied().collect();
    let mut due = BTreeSet::new();
    match state.progress {
        Progress::Unknown | Progress::Delivered => {}
        Progress::Pending | Progress::InventoryReserved | Progress::PaymentPending => {
            due.insert(OrderTimer::Confirmation);
        }
        Progress::Confirmed | Progress::Shipped => {
            let requested = state.cancel == Cancel::Requested;
            if requested {
                due.insert(OrderTimer::Cancel);
            }
            if state.tracking_number.is_some() {
                due.insert(OrderTimer::Delivery);
            } else if !requested {
                due.insert(OrderTimer::Shipping);
            }
        }
        Progress::Failed | Progress::Cancelled => {
            if state.compensation != Compensation::Complete {
                due.insert(OrderTimer::Compensation);
            }
        }
    }
    assert_eq!(armed, due, "{state:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_story_keeps_the_orders_promises(inputs in stories()) {
        let mut story = Story::new();
        for input in inputs {
            // A timer that is not armed does not fire.
            if matches!(&input, Input::Timer(timer) if !story.timers.contains_key(timer)) {
                continue;
            }
            let before = story.state.clone();
            let said_before = story.said.clone();
            let decision = story.takes(input);
            check_step(&before, &decision, &said_before);
            check_whole(&story);
        }
    }

    #[test]
    fn every_reachable_state_takes_every_input(inputs_so_far in stories()) {
        let mut story = Story::new();
        for input in inputs_so_far {
            let _ = story.takes(input);
        }
        for input in inputs() {
            let decision = story.clone().takes(input.clone());
            prop_assert!(!decision.note.is_empty(), "no word about {input:?}");
            prop_assert!(decision.timers.len() <= OrderTimer::ALL.len());
        }
        for event_type in EventType::ALL {
            let _ = answers(&story.state, *event_type);
        }
    }

    /// The inbox keeps a second delivery away; should one get through, it still says nothing new
    /// and moves nothing.
    #[test]
    fn the_same_event_applied_twice_says_nothing_new(inputs in stories(), event in select(EventType::ALL)) {
        let mut story = Story::new();
        for input in inputs {
            let _ = story.takes(input);
        }
        let _ = story.hears(event);
        let settled = story.state.clone();
        let again = story.hears(event);
        prop_assert!(again.emit.is_empty(), "{event} twice: {:?}", again.emit);
        prop_assert_eq!(story.state, settled);
    }

    #[test]
    fn a_state_survives_its_journey_through_json(inputs in stories()) {
        let mut story = Story::new();
        for input in inputs {
            let _ = story.takes(input);
        }
        let stored = serde_json::to_value(&story.state).unwrap();
        prop_assert_eq!(serde_json::from_value::<State>(stored).unwrap(), story.state);
    }
}

#[test]
fn a_row_of_an_older_release_is_still_readable() {
    let old = serde_json::json!({"progress": "pending", "field_of_another_release": 1});
    let state: State = serde_json::from_value(old).unwrap();
    assert_eq!(state, State { progress: Progress::Pending, ..State::default() });
}

#[test]
fn a_final_order_waits_for_nothing_and_every_other_waits_for_something() {
    let mut delivered = Story::confirmed();
    let _ = delivered.hears(EventType::ShippingDelivered);
    for story in [Story::placed(), Story::confirmed(), delivered, Story::after(&[EventType::PaymentFailed])] {
        assert_eq!(story.timers.is_empty(), is_final(&story.state), "{:?}", story.state.progress);
    }
    assert_eq!(Policy::default().asks_before_alarm, 3);
}
