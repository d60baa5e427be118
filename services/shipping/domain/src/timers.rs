//! The timers, what each status waits for, and what happens when a wait is over.

use std::time::Duration;

use chrono::{DateTime, Utc};
use shared_events::{Decision, Outcome, Timer};

use crate::{Effect, Policy, ShipmentDecision, State, Status, Stop, transition::start_cancelling};

/// A delivery date further away than this is a mistake of the carrier's, and no reason to wait.
const LONGEST_JOURNEY: Duration = Duration::from_secs(60 * 24 * 3600);

/// Shipping's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShipmentTimer {
    /// Ask the carrier what became of the key.
    Ask,
    /// The carrier was silent for too long.
    GiveUp,
    /// Ask how far a booked parcel is.
    Poll,
    /// The parcel should have arrived by now.
    Overdue,
}

impl Timer for ShipmentTimer {
    const ALL: &'static [Self] = &[Self::Ask, Self::GiveUp, Self::Poll, Self::Overdue];

    fn name(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::GiveUp => "give_up",
            Self::Poll => "poll",
            Self::Overdue => "overdue",
        }
    }
}

/// What a status waits for, and so which timers it needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    Nothing,
    /// An answer of the carrier: `Ask` and `GiveUp`.
    Answer,
    /// The parcel's journey: `Poll` and `Overdue`.
    Journey,
}

const fn wait_of(status: Status) -> Wait {
    match status {
        Status::Unknown | Status::Delivered | Status::Cancelled | Status::Failed => Wait::Nothing,
        Status::Booking | Status::Cancelling => Wait::Answer,
        Status::Scheduled | Status::Dispatched => Wait::Journey,
    }
}

/// Arms and disarms what the step from one status to another asks for. A status that is not final
/// always has a timer, because the effect that should end it may be lost in a crash.
pub(crate) fn rearm(
    mut decision: ShipmentDecision,
    policy: &Policy,
    before: Status,
    at: DateTime<Utc>,
) -> ShipmentDecision {
    let (old, new) = (wait_of(before), wait_of(decision.state.status));
    if old != new {
        decision = match old {
            Wait::Nothing => decision,
            Wait::Answer => decision.disarm(ShipmentTimer::Ask).disarm(ShipmentTimer::GiveUp),
            Wait::Journey => decision.disarm(ShipmentTimer::Poll).disarm(ShipmentTimer::Overdue),
        };
    }
    match new {
        Wait::Answer if before != decision.state.status => decision
            .arm(ShipmentTimer::Ask, policy.answer_within)
            .arm(ShipmentTimer::GiveUp, policy.give_up_after),
        Wait::Journey if old != new => {
            let overdue = overdue_in(policy, &decision.state, at);
            decision.arm(ShipmentTimer::Poll, policy.poll_every).arm(ShipmentTimer::Overdue, overdue)
        }
        Wait::Nothing | Wait::Answer | Wait::Journey => decision,
    }
}

/// From now to an hour after the promised delivery. The promise is the carrier's clock and `at`
/// ours: a difference between the two only moves a question, it decides nothing (rule 14).
pub(crate) fn overdue_in(policy: &Policy, state: &State, at: DateTime<Utc>) -> Duration {
    let journey = state
        .consignment
        .as_ref()
        .and_then(|consignment| (consignment.estimated_delivery - at).to_std().ok())
        .unwrap_or_default();
    journey.min(LONGEST_JOURNEY) + policy.overdue_after
}

/// A wait is over.
pub(crate) fn fired(
    policy: &Policy,
    state: &State,
    timer: ShipmentTimer,
    at: DateTime<Utc>,
) -> ShipmentDecision {
    match timer {
        ShipmentTimer::Ask => ask(policy, state),
        ShipmentTimer::GiveUp => give_up(policy, state, at),
        ShipmentTimer::Poll => poll(policy, state),
        ShipmentTimer::Overdue => overdue(state),
    }
}

fn ask(policy: &Policy, state: &State) -> ShipmentDecision {
    let effect = match state.status {
        Status::Booking => Effect::Status,
        // Cancelling again is the question: it is harmless when repeated, and its answer says what
        // became of the key.
        Status::Cancelling => Effect::Cancel,
        Status::Unknown
        | Status::Scheduled
        | Status::Dispatched
        | Status::Delivered
        | Status::Cancelled
        | Status::Failed => return Decision::ignored(state.clone(), "nothing to ask any more"),
    };
    let after = State { asks: state.asks.saturating_add(1), ..state.clone() };
    let next = policy.answer_within.max(policy.pause_after(after.asks));
    let note = format!("asks the carrier, time {}", after.asks);
    Decision::to(after, Outcome::Started).note(note).arm(ShipmentTimer::Ask, next).effect(effect)
}

fn give_up(policy: &Policy, state: &State, at: DateTime<Utc>) -> ShipmentDecision {
    match state.status {
        Status::Booking => {
            let stop = state.stop.unwrap_or(Stop::GaveUp);
            start_cancelling(policy, state, stop, at)
                .note("the booking stayed unclear for too long: cancels it by its key")
        }
        // Neither outcome may be said without the carrier's word (rule 16): a person has to look,
        // and the questions go on.
        Status::Cancelling => Decision::to(state.clone(), Outcome::Started)
            .note("the carrier has still not confirmed the cancel")
            .alarm("the carrier does not confirm the cancel of a shipment; nothing is said to the order")
            .arm(ShipmentTimer::GiveUp, policy.give_up_after)
            .effect(Effect::Cancel),
        Status::Unknown
        | Status::Scheduled
        | Status::Dispatched
        | Status::Delivered
        | Status::Cancelled
        | Status::Failed => Decision::ignored(state.clone(), "nothing to give up any more"),
    }
}

fn poll(policy: &Policy, state: &State) -> ShipmentDecision {
    match state.status {
        Status::Scheduled | Status::Dispatched => Decision::to(state.clone(), Outcome::Started)
            .note("asks the carrier how far the parcel is")
            .arm(ShipmentTimer::Poll, policy.poll_every)
            .effect(Effect::Status),
        Status::Unknown
        | Status::Booking
        | Status::Delivered
        | Status::Cancelling
        | Status::Cancelled
        | Status::Failed => Decision::ignored(state.clone(), "no parcel is under way"),
    }
}

fn overdue(state: &State) -> ShipmentDecision {
    match state.status {
        Status::Scheduled | Status::Dispatched => Decision::to(state.clone(), Outcome::Started)
            .note("should have arrived: asks the carrier")
            .effect(Effect::Status),
        Status::Unknown
        | Status::Booking
        | Status::Delivered
        | Status::Cancelling
        | Status::Cancelled
        | Status::Failed => Decision::ignored(state.clone(), "no parcel is under way"),
    }
}

/// The carrier gave no answer: asks soon, and less and less often.
pub(crate) fn no_answer(policy: &Policy, state: &State, what: &str) -> ShipmentDecision {
    match state.status {
        Status::Booking | Status::Cancelling => {
            let pause = policy.pause_after(state.asks);
            Decision::to(state.clone(), Outcome::Started)
                .note(format!("{what}; asks in {pause:.0?}"))
                .arm(ShipmentTimer::Ask, pause)
        }
        Status::Scheduled | Status::Dispatched => {
            Decision::ignored(state.clone(), format!("{what}; asks again later"))
        }
        Status::Unknown | Status::Delivered | Status::Cancelled | Status::Failed => {
            Decision::ignored(state.clone(), format!("{what}; nothing to learn any more"))
        }
    }
}
