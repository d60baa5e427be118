//! What the carrier's answers do to a shipment (rules 15 and 16).

use chrono::{DateTime, Utc};
use shared_events::{Decision, Outcome};

use crate::{
    Consignment, Effect, Policy, Reply, ShipmentDecision, ShipmentTimer, State, Status, Stop,
    timers::{no_answer, overdue_in},
    transition::{Progress, cancelled, failed, handed_over, is_news, moved, scheduled, start_cancelling},
};

pub(crate) fn decide(policy: &Policy, state: &State, reply: &Reply, at: DateTime<Utc>) -> ShipmentDecision {
    match reply {
        Reply::Booked(consignment) => booked(policy, state, consignment, at),
        Reply::Dispatched(consignment) => under_way(policy, state, Progress::Dispatched, consignment, at),
        Reply::Delivered(consignment) => under_way(policy, state, Progress::Delivered, consignment, at),
        Reply::Refused { code, reason } => refused(policy, state, code, reason, at),
        Reply::Cancelled => cancel_confirmed(policy, state, at),
        Reply::NeverHeardOf => never_heard_of(policy, state, at),
        Reply::NoAnswer { what } => no_answer(policy, state, what),
    }
}

fn booked(policy: &Policy, state: &State, consignment: &Consignment, at: DateTime<Utc>) -> ShipmentDecision {
    let known = State { consignment: Some(consignment.clone()), ..state.clone() };
    let arrives = consignment.estimated_delivery.format("%-d %b");
    let note = format!("{}, arrives {arrives}", consignment.tracking_number);
    match state.status {
        Status::Booking => match state.stop {
            None => {
                let after = State { status: Status::Scheduled, ..known };
                moved(policy, state, after, Outcome::Completed, at).emit(scheduled(consignment)).note(note)
            }
            Some(_) => {
                let after = State { status: Status::Cancelling, ..known };
                moved(policy, state, after, Outcome::Started, at)
                    .emit(scheduled(consignment))
                    .effect(Effect::Cancel)
                    .note(format!("{note}; a cancel waits, asks the carrier"))
            }
        },
        // The carrier had lost the booking, and took it anew.
        Status::Scheduled if is_news(state, consignment) => {
            let overdue = overdue_in(policy, &known, at);
            moved(policy, state, known, Outcome::Completed, at)
                .emit(scheduled(consignment))
                .arm(ShipmentTimer::Overdue, overdue)
                .note(note)
        }
        // A booking given up or cancelled unseen was made after all. The cancel goes on.
        Status::Cancelling if is_news(state, consignment) => {
            moved(policy, state, known, Outcome::Started, at)
                .emit(scheduled(consignment))
                .note(format!("{note}; is being cancelled"))
        }
        Status::Scheduled | Status::Cancelling | Status::Dispatched | Status::Delivered => {
            Decision::ignored(state.clone(), "the booking is known")
        }
        // The carrier's no and its cancel are final: this is an older word of it.
        Status::Cancelled | Status::Failed => {
            Decision::ignored(state.clone(), "an older answer of the carrier")
        }
        Status::Unknown => never_asked(state),
    }
}

fn under_way(
    policy: &Policy,
    state: &State,
    progress: Progress,
    consignment: &Consignment,
    at: DateTime<Utc>,
) -> ShipmentDecision {
    match state.status {
        Status::Booking | Status::Scheduled | Status::Cancelling => {
            handed_over(policy, state, progress, consignment, at)
        }
        Status::Dispatched => match progress {
            Progress::Dispatched => Decision::ignored(state.clone(), "the hand-over is known"),
            Progress::Delivered => handed_over(policy, state, progress, consignment, at),
        },
        Status::Delivered => Decision::ignored(state.clone(), "the delivery is known"),
        Status::Cancelled | Status::Failed => contradiction(state, "has the parcel"),
        Status::Unknown => never_asked(state),
    }
}

fn refused(policy: &Policy, state: &State, code: &str, reason: &str, at: DateTime<Utc>) -> ShipmentDecision {
    match state.status {
        // Also with a cancel waiting: `shipping.failed` ends that as well.
        Status::Booking | Status::Scheduled | Status::Cancelling => failed(policy, state, code, reason, at),
        Status::Dispatched | Status::Delivered => contradiction(state, "refuses a parcel it has"),
        Status::Cancelled | Status::Failed => Decision::ignored(state.clone(), "it does not go out anyway"),
        Status::Unknown => never_asked(state),
    }
}

/// The key is cancelled, which is final. What that means depends on who wanted it.
fn cancel_confirmed(policy: &Policy, state: &State, at: DateTime<Utc>) -> ShipmentDecision {
    match state.status {
        Status::Booking | Status::Scheduled | Status::Cancelling => match state.stop {
            Some(Stop::Requested | Stop::OrderDied) => cancelled(policy, state, at),
            Some(Stop::GaveUp) => {
                let reason = "The carrier did not answer in time; the booking was cancelled.";
                failed(policy, state, "carrier_unavailable", reason, at)
            }
            None => {
                let reason = "The carrier cancelled the booking by itself.";
                failed(policy, state, "carrier_cancelled", reason, at)
            }
        },
        Status::Dispatched | Status::Delivered => contradiction(state, "cancelled a parcel it has"),
        Status::Cancelled | Status::Failed => Decision::ignored(state.clone(), "known"),
        Status::Unknown => never_asked(state),
    }
}

fn never_heard_of(policy: &Policy, state: &State, at: DateTime<Utc>) -> ShipmentDecision {
    match (state.status, state.stop, &state.parcel) {
        // The order lives: the same booking again, with the same key. In `Scheduled` the answer may
        // be older than the booking we know of; then the key makes the repetition harmless.
        (Status::Booking | Status::Scheduled, None, Some(parcel)) => {
            let decision = Decision::to(state.clone(), Outcome::Started)
                .note("the carrier never heard of it: books again")
                .effect(Effect::Book(parcel.clone()));
            if state.status == Status::Booking {
                decision.arm(ShipmentTimer::Ask, policy.answer_within)
            } else {
                decision
            }
        }
        // Nobody wants it any more. Only a confirmed cancel makes sure that a booking call still
        // on its way comes to nothing (rule 16).
        (Status::Booking | Status::Scheduled, stop, _) => {
            start_cancelling(policy, state, stop.unwrap_or(Stop::GaveUp), at)
                .note("the carrier never heard of it: cancels the key")
        }
        (Status::Cancelling, _, _) => Decision::ignored(state.clone(), "the cancel goes on"),
        (Status::Dispatched | Status::Delivered | Status::Cancelled | Status::Failed, _, _) => {
            Decision::ignored(state.clone(), "an older answer of the carrier")
        }
        (Status::Unknown, _, _) => never_asked(state),
    }
}

fn never_asked(state: &State) -> ShipmentDecision {
    Decision::ignored(state.clone(), "the carrier was never asked")
}

fn contradiction(state: &State, what: &str) -> ShipmentDecision {
    Decision::ignored(state.clone(), format!("the carrier {what}, which contradicts its earlier word"))
        .alarm(format!("the carrier {what}, but the shipment is {}", state.status.as_str()))
}
