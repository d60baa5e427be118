//! Inputs, states and shorthand that all tests share.

use chrono::{DateTime, Duration, Utc};
use shared_events::{Decision, Envelope, Event, EventType, TimerChange};
use shipping_domain::{
    Command, Consignment, Effect, Input, Policy, Reply, ShipmentDecision, ShipmentTimer, State, Status,
    decide,
};

/// A moment on the database's clock.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().expect("a date")
}

/// The believable event of the golden file.
pub(crate) fn event(event_type: EventType) -> Event {
    Envelope::decode(event_type.example().as_bytes()).expect("golden files are readable").event
}

pub(crate) fn said(event_type: EventType) -> Input {
    Input::Event(event(event_type))
}

pub(crate) fn consignment() -> Consignment {
    Consignment { tracking_number: "TRK-7F3K2".to_owned(), estimated_delivery: now() + Duration::days(3) }
}

pub(crate) fn booked() -> Input {
    Input::Reply(Reply::Booked(consignment()))
}

pub(crate) fn dispatched() -> Input {
    Input::Reply(Reply::Dispatched(consignment()))
}

pub(crate) fn delivered() -> Input {
    Input::Reply(Reply::Delivered(consignment()))
}

pub(crate) fn refused() -> Input {
    Input::Reply(Reply::Refused {
        code: "address_unserviceable".to_owned(),
        reason: "The carrier does not serve this address.".to_owned(),
    })
}

pub(crate) fn no_answer() -> Input {
    Input::Reply(Reply::NoAnswer { what: "timed out".to_owned() })
}

pub(crate) const CANCELLED: Input = Input::Reply(Reply::Cancelled);
pub(crate) const NEVER_HEARD_OF: Input = Input::Reply(Reply::NeverHeardOf);
pub(crate) const DISPATCH: Input = Input::Command(Command::Dispatch);
pub(crate) const DELIVER: Input = Input::Command(Command::Deliver);

pub(crate) const CONFIRMED: EventType = EventType::OrderConfirmed;
pub(crate) const CANCEL: EventType = EventType::OrderCancelRequested;

/// One decision from `state`.
pub(crate) fn step(state: &State, input: &Input) -> ShipmentDecision {
    decide(&Policy::default(), state, input, now())
}

/// Where a sequence of inputs leads.
pub(crate) fn after(inputs: &[Input]) -> State {
    inputs.iter().fold(State::default(), |state, input| step(&state, input).state)
}

/// The types a decision says for the first time.
pub(crate) fn types(decision: &ShipmentDecision) -> Vec<EventType> {
    decision.emit.iter().map(Event::event_type).collect()
}

pub(crate) fn armed(decision: &ShipmentDecision) -> Vec<(ShipmentTimer, std::time::Duration)> {
    let armed = |change: &TimerChange<ShipmentTimer>| match change {
        TimerChange::Arm(timer, wait) => Some((*timer, *wait)),
        TimerChange::Disarm(_) => None,
    };
    decision.timers.iter().filter_map(armed).collect()
}

/// Holds what a step is expected to do.
#[track_caller]
pub(crate) fn expect(decision: &ShipmentDecision, status: Status, emit: &[EventType], effects: &[Effect]) {
    assert_eq!(decision.state.status, status, "{}", decision.note);
    assert_eq!(types(decision), emit, "{}", decision.note);
    assert_eq!(decision.effects, effects, "{}", decision.note);
}

/// Holds that a step changes nothing at all, and says why.
#[track_caller]
pub(crate) fn expect_nothing(before: &State, decision: &ShipmentDecision) {
    let nothing = Decision::ignored(before.clone(), decision.note.clone());
    assert_eq!(decision, &nothing);
    assert!(!decision.note.is_empty());
}

/// Every state a rule may meet, with the history that leads there.
pub(crate) fn every_state() -> Vec<(&'static str, State)> {
    let confirmed = || said(CONFIRMED);
    let cancel = || said(CANCEL);
    let died = || said(EventType::OrderFailed);
    let give_up = || Input::Timer(ShipmentTimer::GiveUp);
    let histories: Vec<(&str, Vec<Input>)> = vec![
        ("unknown", vec![]),
        ("booking", vec![confirmed()]),
        ("booking, cancel waits", vec![confirmed(), cancel()]),
        ("booking, order dead", vec![confirmed(), died()]),
        ("scheduled", vec![confirmed(), booked()]),
        ("dispatched", vec![confirmed(), booked(), DISPATCH]),
        ("dispatched, cancel rejected", vec![confirmed(), booked(), DISPATCH, cancel()]),
        ("delivered", vec![confirmed(), booked(), DELIVER]),
        ("delivered, cancel rejected", vec![confirmed(), booked(), DELIVER, cancel()]),
        ("cancelling a known booking", vec![confirmed(), booked(), cancel()]),
        ("cancelling an unclear booking", vec![confirmed(), cancel(), NEVER_HEARD_OF]),
        ("cancelling, gave up", vec![confirmed(), give_up()]),
        ("cancelling, order dead", vec![confirmed(), booked(), died()]),
        ("cancelled", vec![confirmed(), booked(), cancel(), CANCELLED]),
        ("tombstone of a cancel", vec![cancel()]),
        ("silent tombstone", vec![died()]),
        ("refused", vec![confirmed(), refused()]),
        ("failed, given up", vec![confirmed(), give_up(), CANCELLED]),
    ];
    histories.into_iter().map(|(name, inputs)| (name, after(&inputs))).collect()
}

pub(crate) fn state(name: &str) -> State {
    let found = every_state().into_iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no state is called {name}")).1
}
