//! What people ask for: an order, and out of it.

use chrono::{DateTime, Utc};
use shared_events::{
    Outcome, Rejection,
    events::order::{InventoryReserveRequested, OrderCancelRequested},
};

use crate::{
    Cancel, Cancellation, Command, Decision, OrderTimer, Place, Placed, Policy, Progress, State, ending,
};

/// Where a person's wish leads an order in `state`.
///
/// # Errors
/// A [`Rejection`] when it is too late, or when there is no such order; then nothing changes.
pub fn command(
    policy: &Policy,
    state: &State,
    command: &Command,
    at: DateTime<Utc>,
) -> Result<Decision, Rejection> {
    match command {
        Command::Place(place) => Ok(place_order(policy, state, place, at)),
        Command::Cancel { reason, by } => {
            cancel(policy, state, Cancellation { reason: reason.clone(), requested_by: *by })
        }
    }
}

/// The first request makes the order; every further one finds it (rule 12). Whether a further one
/// asked for the same is seen where the request is remembered.
fn place_order(policy: &Policy, state: &State, place: &Place, at: DateTime<Utc>) -> Decision {
    if state.progress != Progress::Unknown {
        return Decision::ignored(state.clone(), "placed before");
    }
    let order = &place.order;
    let next = State {
        progress: Progress::Pending,
        placed: Some(Placed::from(order)),
        placed_at: Some(at),
        ..State::default()
    };
    Decision::to(next, Outcome::Started)
        .note(format!("{} lines, {} {}", order.items.len(), order.total(), order.currency))
        .emit(order.clone())
        .emit(InventoryReserveRequested { items: order.items.clone(), currency: order.currency })
        .arm(OrderTimer::Confirmation, policy.confirm_within)
}

fn cancel(policy: &Policy, state: &State, wish: Cancellation) -> Result<Decision, Rejection> {
    match state.progress {
        Progress::Unknown => Err(Rejection::new("unknown_order", "There is no such order.")),
        Progress::Pending | Progress::InventoryReserved | Progress::PaymentPending => {
            Ok(ending::cancel(policy, state.clone(), wish))
        }
        Progress::Confirmed => match state.cancel {
            Cancel::None => Ok(ask_shipping(policy, state, wish)),
            Cancel::Requested => {
                Ok(Decision::ignored(state.clone(), "shipping was asked before and has not answered"))
            }
            Cancel::Rejected => Err(Rejection::new(
                "cancel_rejected",
                "It is too late: the carrier has the order. It can be returned after delivery.",
            )),
        },
        Progress::Shipped => Err(Rejection::new(
            "already_shipped",
            "It is too late: the carrier has the order. It can be returned after delivery.",
        )),
        Progress::Delivered => {
            Err(Rejection::new("already_delivered", "The order was delivered; it can be returned."))
        }
        Progress::Failed => {
            Err(Rejection::new("already_failed", "The order has failed; whatever was taken is given back."))
        }
        // Asking twice for what has happened is no mistake: the first answer may have been lost.
        Progress::Cancelled => Ok(Decision::ignored(state.clone(), "cancelled before")),
    }
}

/// After confirmation only shipping knows whether it can still be stopped.
fn ask_shipping(policy: &Policy, state: &State, wish: Cancellation) -> Decision {
    let asked = OrderCancelRequested { reason: wish.reason.clone(), requested_by: wish.requested_by };
    let note = format!("asked shipping to stop: {}", wish.reason);
    let next = State {
        cancel: Cancel::Requested,
        cancellation: Some(wish),
        resends: 0,
        overdue: None,
        ..state.clone()
    };
    // Shipping's answer to the cancellation says all that its answer to the confirmation would, so
    // one watch is enough until then.
    Decision::to(next, Outcome::Started)
        .note(note)
        .emit(asked)
        .disarm(OrderTimer::Shipping)
        .arm(OrderTimer::Cancel, policy.cancel_resend)
}
