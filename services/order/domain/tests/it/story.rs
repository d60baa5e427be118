//! A story: inputs one after the other, with the timers and words they leave behind.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use order_domain::{Command, Decision, Input, OrderTimer, Place, Policy, Receipt, State, command, decide};
use shared_events::{
    CorrelationId, Envelope, Event, EventType, Outcome, Rejection, TimerChange,
    events::{
        fraud::{FraudAssessed, Verdict},
        order::{OrderPlaced, RequestedBy},
        shipping::ShippingScheduled,
    },
};

/// What happened to one order so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    pub(crate) state: State,
    pub(crate) timers: BTreeMap<OrderTimer, Duration>,
    pub(crate) said: Vec<EventType>,
}

impl Story {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An order that was just placed.
    pub(crate) fn placed() -> Self {
        let mut story = Self::new();
        let decision = story.takes(place());
        assert_eq!(decision.outcome, Outcome::Started);
        story
    }

    /// An order that was placed and to which these events then came.
    pub(crate) fn after(events: &[EventType]) -> Self {
        let mut story = Self::placed();
        for event in events {
            let _ = story.hears(*event);
        }
        story
    }

    pub(crate) fn confirmed() -> Self {
        Self::after(&[EventType::InventoryReserved, EventType::PaymentRequested, EventType::PaymentProcessed])
    }

    /// Applies one input and gives back what was decided.
    pub(crate) fn takes(&mut self, input: impl Into<Input>) -> Decision {
        let input = input.into();
        if let Input::Timer(timer) = &input {
            self.timers.remove(timer);
        }
        let decision = decide(&Policy::default(), &self.state, &input, now());
        self.state = decision.state.clone();
        self.said.extend(decision.emit.iter().map(Event::event_type));
        for change in &decision.timers {
            match change {
                TimerChange::Arm(timer, after) => drop(self.timers.insert(*timer, *after)),
                TimerChange::Disarm(timer) => drop(self.timers.remove(timer)),
            }
        }
        decision
    }

    /// Applies the example of that event type.
    pub(crate) fn hears(&mut self, event_type: EventType) -> Decision {
        self.takes(example(event_type))
    }

    /// Lets a timer fire, which must be armed.
    pub(crate) fn waits(&mut self, timer: OrderTimer) -> Decision {
        assert!(self.timers.contains_key(&timer), "{timer:?} is not armed: {:?}", self.timers);
        self.takes(timer)
    }

    pub(crate) fn cancels(&mut self) -> Result<Decision, Rejection> {
        let _ = command(&Policy::default(), &self.state, &cancel(), now())?;
        Ok(self.takes(cancel()))
    }

    pub(crate) fn armed(&self) -> Vec<OrderTimer> {
        self.timers.keys().copied().collect()
    }
}

/// The types of a decision's new events.
pub(crate) fn emitted(decision: &Decision) -> Vec<EventType> {
    decision.emit.iter().map(Event::event_type).collect()
}

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

pub(crate) fn example(event_type: EventType) -> Event {
    Envelope::decode(event_type.example().as_bytes()).unwrap().event
}

pub(crate) fn order() -> OrderPlaced {
    let Event::OrderPlaced(order) = example(EventType::OrderPlaced) else {
        panic!("the example of order.placed is another event")
    };
    order
}

pub(crate) fn place() -> Command {
    let receipt = Receipt {
        correlation_id: CorrelationId("0199c3f2-7a10-7022-8000-000000000022".parse().unwrap()),
        body_sha256: [7; 32],
        idempotency_key: None,
    };
    Command::Place(Box::new(Place { order: order(), receipt }))
}

pub(crate) fn cancel() -> Command {
    Command::Cancel { reason: "Ordered twice.".to_owned(), by: RequestedBy::Customer }
}

pub(crate) fn assessed(verdict: Verdict) -> Event {
    FraudAssessed {
        score: 71,
        verdict,
        reasons: Vec::new(),
        model_version: "scorecard-1".to_owned(),
        review_until: None,
    }
    .into()
}

pub(crate) fn scheduled_for(arrival: &str) -> Event {
    ShippingScheduled { tracking_number: "TRK-1".to_owned(), estimated_delivery: arrival.parse().unwrap() }
        .into()
}
