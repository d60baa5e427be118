//! The steps from one status to another that several inputs lead to.

use chrono::{DateTime, Utc};
use shared_events::{
    Decision, Outcome,
    events::shipping::{
        ShippingCancelRejected, ShippingCancelled, ShippingDelivered, ShippingDispatched, ShippingFailed,
        ShippingScheduled,
    },
};

use crate::{
    CancelAnswer, Consignment, Effect, Failure, Policy, ShipmentDecision, State, Status, Stop, timers::rearm,
};

/// How far a parcel got in the carrier's hands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Handed over.
    Dispatched,
    /// Arrived.
    Delivered,
}

/// A step to `after`: what the new status does not need is forgotten, and its timers are set.
pub(crate) fn moved(
    policy: &Policy,
    before: &State,
    mut after: State,
    outcome: Outcome,
    at: DateTime<Utc>,
) -> ShipmentDecision {
    if after.status != before.status {
        after.asks = 0;
        match after.status {
            Status::Unknown | Status::Booking | Status::Scheduled | Status::Cancelling => {}
            // Nobody books again from here, and nobody waits to stop it.
            Status::Dispatched | Status::Delivered | Status::Cancelled | Status::Failed => {
                after.parcel = None;
                after.stop = None;
            }
        }
    }
    rearm(Decision::to(after, outcome), policy, before.status, at)
}

/// Asks the carrier to cancel the key; what is said of it depends on `stop` and on the carrier.
pub(crate) fn start_cancelling(
    policy: &Policy,
    state: &State,
    stop: Stop,
    at: DateTime<Utc>,
) -> ShipmentDecision {
    let after = State { status: Status::Cancelling, stop: Some(stop), ..state.clone() };
    moved(policy, state, after, Outcome::Started, at).effect(Effect::Cancel)
}

/// The shipment is cancelled, by the carrier's word or because the carrier was never asked.
pub(crate) fn cancelled(policy: &Policy, state: &State, at: DateTime<Utc>) -> ShipmentDecision {
    let was_booked = state.consignment.is_some();
    let after =
        State { status: Status::Cancelled, cancel_answer: Some(CancelAnswer::Cancelled), ..state.clone() };
    moved(policy, state, after, Outcome::Compensated, at)
        .emit(ShippingCancelled { was_booked })
        .note(if was_booked { "stopped in time" } else { "nothing was booked" })
}

/// The carrier does not take it, by its own word.
pub(crate) fn failed(
    policy: &Policy,
    state: &State,
    code: &str,
    reason: &str,
    at: DateTime<Utc>,
) -> ShipmentDecision {
    let failure = Failure { code: code.to_owned(), reason: reason.to_owned() };
    let after = State { status: Status::Failed, failure: Some(failure), ..state.clone() };
    moved(policy, state, after, Outcome::Failed, at)
        .emit(ShippingFailed { code: code.to_owned(), reason: reason.to_owned() })
        .note(format!("{code}: {reason}"))
}

/// The carrier has the parcel. Facts that were skipped are said first, and a cancel that waited is
/// rejected.
pub(crate) fn handed_over(
    policy: &Policy,
    state: &State,
    progress: Progress,
    consignment: &Consignment,
    at: DateTime<Utc>,
) -> ShipmentDecision {
    let tracking_number = &consignment.tracking_number;
    let status = match progress {
        Progress::Dispatched => Status::Dispatched,
        Progress::Delivered => Status::Delivered,
    };
    let waiting = matches!(state.stop, Some(Stop::Requested | Stop::OrderDied));
    let after = State {
        status,
        consignment: Some(consignment.clone()),
        cancel_answer: if waiting { Some(CancelAnswer::Rejected) } else { state.cancel_answer },
        ..state.clone()
    };
    let mut decision = moved(policy, state, after, Outcome::Completed, at).note(tracking_number.clone());
    if is_news(state, consignment) {
        decision = decision.emit(scheduled(consignment));
    }
    if state.status != Status::Dispatched {
        decision = decision.emit(ShippingDispatched { tracking_number: tracking_number.clone() });
    }
    if progress == Progress::Delivered {
        decision = decision.emit(ShippingDelivered { tracking_number: tracking_number.clone() });
    }
    if waiting {
        decision = decision
            .emit(too_late())
            .note(format!("{tracking_number}, the carrier had it before the cancel"));
    }
    if state.stop == Some(Stop::OrderDied) {
        decision = decision.alarm("the carrier has the parcel of an order that ended cancelled or failed");
    }
    decision
}

/// Whether the carrier told us of another parcel than the one we know.
pub(crate) fn is_news(state: &State, consignment: &Consignment) -> bool {
    state.consignment.as_ref().is_none_or(|known| known.tracking_number != consignment.tracking_number)
}

/// `shipping.scheduled` for this consignment.
pub(crate) fn scheduled(consignment: &Consignment) -> ShippingScheduled {
    ShippingScheduled {
        tracking_number: consignment.tracking_number.clone(),
        estimated_delivery: consignment.estimated_delivery,
    }
}

/// The answer to a cancel after hand-over.
pub(crate) fn too_late() -> ShippingCancelRejected {
    ShippingCancelRejected { reason: "The parcel was handed over to the carrier already.".to_owned() }
}
