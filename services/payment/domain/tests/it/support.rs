//! What the tests share: examples of every input, and a payment brought to a given state.

use chrono::{DateTime, Utc};
use payment_domain::{
    Answer, Asked, Command, FraudMode, Input, PaymentDecision, PaymentTimer, Policy, Silence, State, Status,
    decide,
};
use shared_events::{
    Envelope, Event, EventType, OrderId, TimerChange,
    events::{
        fraud::{FraudAssessed, FraudReviewed, Ruling, Verdict},
        order::OrderPlaced,
    },
};

/// The total of the golden `order.placed`.
pub(crate) const TOTAL: i64 = 4998;

pub(crate) fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

pub(crate) fn order_id() -> OrderId {
    "0199c3f2-7a10-7001-8000-000000000001".parse().unwrap()
}

pub(crate) fn example(event_type: EventType) -> Event {
    Envelope::decode(event_type.example().as_bytes()).unwrap().event
}

pub(crate) fn event(event_type: EventType) -> Input {
    Input::Event(example(event_type))
}

pub(crate) fn placed() -> OrderPlaced {
    match example(EventType::OrderPlaced) {
        Event::OrderPlaced(placed) => placed,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn assessed(verdict: Verdict) -> Input {
    Input::Event(Event::FraudAssessed(FraudAssessed {
        score: 50,
        verdict,
        reasons: vec![],
        model_version: "test".to_owned(),
        review_until: None,
    }))
}

pub(crate) fn reviewed(verdict: Ruling) -> Input {
    Input::Event(Event::FraudReviewed(FraudReviewed { verdict, decided_by: "Ada".to_owned() }))
}

pub(crate) fn captured() -> Input {
    Input::Answer(Answer::Captured { order_id: order_id(), charge_id: Some("ch_1".to_owned()) })
}

pub(crate) fn declined() -> Input {
    Input::Answer(Answer::Declined { code: "card_declined".to_owned(), reason: "No.".to_owned() })
}

pub(crate) fn voided() -> Input {
    Input::Answer(Answer::Voided)
}

pub(crate) fn never_heard_of() -> Input {
    Input::Answer(Answer::NeverHeardOf)
}

pub(crate) fn pending() -> Input {
    Input::Answer(Answer::Pending)
}

pub(crate) fn refunded() -> Input {
    Input::Answer(Answer::Refunded { refund_id: "re_1".to_owned() })
}

pub(crate) fn refund_refused() -> Input {
    Input::Answer(Answer::RefundRefused { code: "refund_refused".to_owned(), reason: "No.".to_owned() })
}

pub(crate) fn silent(asked: Asked) -> Input {
    Input::Answer(Answer::NoAnswer { asked, silence: Silence::Timeout })
}

pub(crate) fn unavailable(asked: Asked) -> Input {
    Input::Answer(Answer::NoAnswer { asked, silence: Silence::Unavailable })
}

pub(crate) fn timer(timer: PaymentTimer) -> Input {
    Input::Timer(timer)
}

pub(crate) fn resolve(captured: bool) -> Input {
    Input::Command(Command::Resolve { order_id: order_id(), captured, note: "seen".to_owned() })
}

pub(crate) fn retry_refund() -> Input {
    Input::Command(Command::RetryRefund)
}

/// Every input there is: the golden example of every event, every verdict, timer, answer, command.
pub(crate) fn all_inputs() -> Vec<Input> {
    let mut inputs: Vec<_> = EventType::ALL.iter().map(|event_type| event(*event_type)).collect();
    inputs.extend([Verdict::Approve, Verdict::Review, Verdict::Reject].map(assessed));
    inputs.extend([Ruling::Approve, Ruling::Reject].map(reviewed));
    inputs.extend([PaymentTimer::Verdict, PaymentTimer::Ask, PaymentTimer::GiveUp].map(timer));
    inputs.extend([captured(), declined(), voided(), never_heard_of(), pending(), refunded()]);
    inputs.push(refund_refused());
    for asked in [Asked::Charge, Asked::Status, Asked::Void, Asked::Refund] {
        inputs.extend([silent(asked), unavailable(asked)]);
    }
    inputs.extend([resolve(true), resolve(false), retry_refund()]);
    inputs
}

pub(crate) fn observe() -> Policy {
    Policy::default()
}

pub(crate) fn gate() -> Policy {
    Policy { fraud_mode: FraudMode::Gate, ..Policy::default() }
}

/// Decides in observe mode.
pub(crate) fn next(state: &State, input: &Input) -> PaymentDecision {
    decide(&observe(), state, input, at())
}

/// Where a sequence of inputs leads from "never heard of it", in observe mode.
pub(crate) fn after(inputs: &[Input]) -> State {
    inputs.iter().fold(State::default(), |state, input| next(&state, input).state)
}

/// A payment in that state, by the shortest way.
pub(crate) fn in_status(status: Status) -> State {
    let charging = [event(EventType::OrderPlaced), event(EventType::InventoryReserved)];
    let with = |more: &[Input]| after(&[&charging[..], more].concat());
    let unknown = silent(Asked::Charge);
    let cancel = event(EventType::OrderCancelled);
    let state = match status {
        Status::Collecting => State::default(),
        Status::Charging => with(&[]),
        Status::Unknown => with(&[unknown]),
        Status::Voiding => with(&[
            unknown.clone(),
            never_heard_of(),
            unknown.clone(),
            never_heard_of(),
            unknown,
            never_heard_of(),
        ]),
        Status::Unresolved => with(&[unknown, timer(PaymentTimer::GiveUp)]),
        Status::Captured => with(&[captured()]),
        Status::Failed => with(&[declined()]),
        Status::Voided => after(&[cancel]),
        Status::Refunding => with(&[captured(), cancel]),
        Status::RefundStuck => with(&[captured(), cancel, refund_refused()]),
        Status::Refunded => with(&[captured(), cancel, refunded()]),
    };
    assert_eq!(state.status, status);
    state
}

pub(crate) fn emitted(decision: &PaymentDecision) -> Vec<EventType> {
    decision.emit.iter().map(Event::event_type).collect()
}

/// How long the decision arms that timer for, in milliseconds; the last word counts.
pub(crate) fn armed(decision: &PaymentDecision, timer: PaymentTimer) -> Option<u128> {
    decision.timers.iter().rev().find_map(|change| match change {
        TimerChange::Arm(armed, after) if *armed == timer => Some(Some(after.as_millis())),
        TimerChange::Disarm(disarmed) if *disarmed == timer => Some(None),
        TimerChange::Arm(..) | TimerChange::Disarm(_) => None,
    })?
}

pub(crate) fn disarms(decision: &PaymentDecision, timer: PaymentTimer) -> bool {
    decision.timers.contains(&TimerChange::Disarm(timer))
}

/// Nothing changes and nothing is said or asked.
#[track_caller]
pub(crate) fn assert_ignored(state: &State, input: &Input) {
    let decision = next(state, input);
    assert_eq!(decision.outcome, shared_events::Outcome::Ignored, "{input:?}");
    assert_eq!(&decision.state, state, "{input:?}");
    assert!(decision.emit.is_empty() && decision.resend.is_empty(), "{input:?}");
    assert!(decision.effects.is_empty() && decision.timers.is_empty(), "{input:?}");
    assert!(!decision.note.is_empty(), "the saga log says why: {input:?}");
}
