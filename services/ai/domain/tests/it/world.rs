//! Orders, events and shorthand that all tests share.

use ai_domain::{
    Features, FraudDecision, Happened, History, Input, Memory, Past, Policy, ReviewCommand, ReviewTimer,
    State, decide, fingerprint,
};
use chrono::{DateTime, Duration, Utc};
use shared_events::{
    CorrelationId, Currency, CustomerId, Draft, Envelope, Event, EventId, EventType, OrderId,
    events::{
        fraud::Ruling,
        order::{OrderCompleted, OrderOutcome, OrderPlaced},
        payment::PaymentFailed,
    },
};
use uuid::Uuid;

pub(crate) const ORDER: OrderId = OrderId(Uuid::from_u128(1));

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().expect("a date")
}

pub(crate) fn id(number: u128) -> OrderId {
    OrderId(Uuid::from_u128(number))
}

/// An order of `ada` that nothing speaks against: all facts are there, and she is no stranger.
pub(crate) fn known() -> Features {
    Features {
        customer: Some(customer("ada")),
        country: Some("US".to_owned()),
        account_opened: Some(now() - Duration::days(400)),
        disposable_mail: Some(false),
        device: Some(fingerprint("device", "d")),
        ip: Some(fingerprint("ip", "203.0.113.7")),
        token: Some(fingerprint("token", "t")),
        instrument: Some(fingerprint("token", "t")),
        ..Features::bare(4_998, Currency::USD, now())
    }
}

/// What makes `known` a quiet order: one that was confirmed before brings no points of its own but
/// its own three.
pub(crate) fn quiet() -> History {
    History { orders: 1, confirmed: 1, instruments_in_a_day: 1, ..History::default() }
}

pub(crate) fn customer(name: &str) -> CustomerId {
    name.to_owned().try_into().expect("a customer id")
}

/// An earlier order like `known`, that long ago.
pub(crate) fn before(ago: Duration) -> Past {
    Past { features: Features { placed_at: now() - ago, ..known() }, happened: Happened::default() }
}

pub(crate) fn memory(pasts: impl IntoIterator<Item = Past>) -> Memory {
    let mut memory = Memory::default();
    for (number, past) in pasts.into_iter().enumerate() {
        memory.remember(id(1_000 + number as u128), past);
    }
    memory
}

pub(crate) fn envelope(event: Event) -> Envelope {
    let draft = Draft {
        event_id: EventId(Uuid::from_u128(7)),
        aggregate_id: ORDER.0,
        correlation_id: CorrelationId(Uuid::from_u128(8)),
        causation_id: None,
        timestamp: now(),
    };
    Envelope::new(draft, event)
}

pub(crate) fn said(event: impl Into<Event>) -> Input {
    Input::Event(envelope(event.into()))
}

/// The believable event of the golden file.
pub(crate) fn golden(event_type: EventType) -> Event {
    Envelope::decode(event_type.example().as_bytes()).expect("golden files are readable").event
}

pub(crate) fn placed() -> OrderPlaced {
    let Event::OrderPlaced(order) = golden(EventType::OrderPlaced) else { panic!("another event") };
    order
}

pub(crate) fn declined() -> Input {
    failed("card_declined")
}

pub(crate) fn failed(code: &str) -> Input {
    said(PaymentFailed { code: code.to_owned(), reason: "No.".to_owned() })
}

pub(crate) fn ended(outcome: OrderOutcome) -> Input {
    said(OrderCompleted { outcome })
}

pub(crate) fn heard(event_type: EventType) -> Input {
    said(golden(event_type))
}

pub(crate) fn ruled(verdict: Ruling) -> Input {
    Input::Review(ReviewCommand { verdict, reviewer: "dana".to_owned(), note: None })
}

pub(crate) const DEADLINE: Input = Input::Timer(ReviewTimer::Review);

/// A policy whose thresholds make any order end like this.
pub(crate) fn thresholds(review: u8, reject: u8) -> Policy {
    let mut policy = Policy::default();
    policy.scorecard.thresholds = ai_domain::Thresholds { review, reject };
    policy
}

/// Every order goes to review.
pub(crate) fn suspicious() -> Policy {
    thresholds(0, 101)
}

pub(crate) fn step(policy: &Policy, state: &State, input: &Input) -> FraudDecision {
    decide(policy, &Memory::default(), state, input, now())
}

/// Where a sequence of inputs leads.
pub(crate) fn after(policy: &Policy, inputs: &[Input]) -> State {
    inputs.iter().fold(State::default(), |state, input| step(policy, &state, input).state)
}

pub(crate) fn types(decision: &FraudDecision) -> Vec<EventType> {
    decision.emit.iter().map(Event::event_type).collect()
}
