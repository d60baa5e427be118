//! Progress reported over HTTP, by an operator or by the carrier's clock.

use chrono::{DateTime, Utc};
use shared_events::{Decision, Rejection};

use crate::{
    Command, Policy, ShipmentDecision, State, Status,
    transition::{Progress, handed_over},
};

/// Decides a report of progress. One that is known already changes nothing and is no error.
///
/// # Errors
/// `unknown_shipment`, `shipment_cancelled` and `shipment_failed` are final; `still_booking` and
/// `being_cancelled` mean that the carrier's answer to a call of ours is still awaited and decides:
/// try again.
pub fn command(
    policy: &Policy,
    state: &State,
    command: Command,
    at: DateTime<Utc>,
) -> Result<ShipmentDecision, Rejection> {
    let progress = match command {
        Command::Dispatch => Progress::Dispatched,
        Command::Deliver => Progress::Delivered,
    };
    let refuse = |code, detail: &str| Err(Rejection::new(code, detail));
    match (state.status, &state.consignment) {
        (Status::Scheduled, Some(consignment)) => Ok(handed_over(policy, state, progress, consignment, at)),
        (Status::Dispatched, Some(consignment)) if command == Command::Deliver => {
            Ok(handed_over(policy, state, progress, consignment, at))
        }
        (Status::Dispatched, _) => Ok(Decision::ignored(state.clone(), "was handed over before")),
        (Status::Delivered, _) => Ok(Decision::ignored(state.clone(), "was delivered before")),
        // Without a tracking number this is no proof of a booking; the carrier is being asked.
        (Status::Booking | Status::Scheduled, _) => {
            refuse("still_booking", "The carrier's answer to the booking is still awaited; try again.")
        }
        // The carrier's answer decides: it may have cancelled before it was handed over.
        (Status::Cancelling, _) => {
            refuse("being_cancelled", "The carrier's answer to the cancel is still awaited; try again.")
        }
        (Status::Cancelled, _) => refuse("shipment_cancelled", "The shipment was cancelled."),
        (Status::Failed, _) => refuse("shipment_failed", "The carrier did not take the shipment."),
        (Status::Unknown, _) => refuse("unknown_shipment", "There is no shipment for this order."),
    }
}
