//! The rule: what an order earns, and for whom. Pure and total.
//!
//! Two events tell it: `order.placed` who buys and for how much, `order.completed` how it ended.
//! Either may come first, so each is noted, and the points are worked out when both are known.

use std::convert::Infallible;

use serde::{Deserialize, Serialize};
use shared_events::{
    CustomerId, Decision, Event, EventType, Money, NoTimer, Outcome, events::order::OrderOutcome,
};

/// A point for each whole unit of the order's currency.
const MINOR_UNITS_PER_POINT: i64 = 100;

/// All that loyalty knows of one order; `Default` is "never heard of it".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// From `order.placed`.
    pub purchase: Option<Purchase>,
    /// From `order.completed`.
    pub outcome: Option<OrderOutcome>,
    /// What the order earned; 0 until it is delivered, and for ever when it is not.
    pub points: i64,
}

/// Who buys, and for how much. `order.placed` tells more; what is not kept cannot leak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// Who.
    pub customer_id: CustomerId,
    /// For how much.
    pub total: Money,
}

/// Whether loyalty reacts to events of that type; equals the catalogue.
#[must_use]
pub fn handles(event_type: EventType) -> bool {
    matches!(event_type, EventType::OrderPlaced | EventType::OrderCompleted)
}

/// What one event leads to.
pub fn decide(state: &State, event: &Event) -> Decision<State, Infallible, NoTimer> {
    let mut after = state.clone();
    if let Event::OrderPlaced(placed) = event {
        let customer_id = placed.customer_id.clone();
        after.purchase = Some(Purchase { customer_id, total: placed.total() });
    } else if let Event::OrderCompleted(completed) = event {
        after.outcome = Some(completed.outcome);
    } else {
        return Decision::ignored(after, "earns no points");
    }
    let (Some(purchase), Some(outcome)) = (&after.purchase, after.outcome) else {
        return Decision::to(after, Outcome::Started).note("the other half is still to come");
    };
    if outcome != OrderOutcome::Delivered {
        return Decision::to(after, Outcome::Completed).note("it was not delivered: no points");
    }
    after.points = purchase.total.minor / MINOR_UNITS_PER_POINT;
    let note = format!("{} points", after.points);
    Decision::to(after, Outcome::Completed).note(note)
}

#[cfg(test)]
mod tests {
    use shared_events::{Envelope, events::order::OrderCompleted};

    use super::*;

    fn example(event_type: EventType) -> Event {
        Envelope::decode(event_type.example().as_bytes()).expect("a golden file").event
    }

    fn after(events: &[&Event]) -> State {
        events.iter().fold(State::default(), |state, event| decide(&state, event).state)
    }

    #[test]
    fn only_a_delivered_order_earns_points_in_whichever_order_its_events_come() {
        // 49.98 dollars.
        let placed = example(EventType::OrderPlaced);
        for (outcome, points) in
            [(OrderOutcome::Delivered, 49), (OrderOutcome::Failed, 0), (OrderOutcome::Cancelled, 0)]
        {
            let completed = Event::from(OrderCompleted { outcome });
            assert_eq!(after(&[&placed, &completed]).points, points, "{outcome:?}");
            assert_eq!(after(&[&completed, &placed]), after(&[&placed, &completed]), "{outcome:?}");
        }
    }

    #[test]
    fn half_a_story_earns_nothing_yet() {
        let completed = Event::from(OrderCompleted { outcome: OrderOutcome::Delivered });
        for event in [&example(EventType::OrderPlaced), &completed] {
            let decision = decide(&State::default(), event);
            assert_eq!((decision.state.points, decision.outcome), (0, Outcome::Started));
        }
    }

    #[test]
    fn every_other_event_changes_nothing() {
        let before = after(&[&example(EventType::OrderPlaced)]);
        for event_type in EventType::ALL.iter().filter(|event_type| !handles(**event_type)) {
            let decision = decide(&before, &example(*event_type));
            assert_eq!((decision.state, decision.outcome), (before.clone(), Outcome::Ignored));
        }
    }
}
