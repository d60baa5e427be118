//! From confirmed to delivered, as shipping tells it, and shipping's answer to a cancellation.

use std::time::Duration;

use chrono::{DateTime, Utc};
use shared_events::{
    EventType, Outcome,
    events::shipping::{
        ShippingCancelRejected, ShippingCancelled, ShippingDelivered, ShippingDispatched, ShippingFailed,
        ShippingScheduled,
    },
};

use crate::{
    Cancel, Cancellation, Decision, OrderTimer, Policy, Progress, State,
    before_confirmation::failure,
    decide::{contradiction, never_placed},
    ending,
    state::Stage,
};

pub(crate) fn scheduled(
    policy: &Policy,
    state: &State,
    said: &ShippingScheduled,
    at: DateTime<Utc>,
) -> Decision {
    let mut next = state.clone();
    next.tracking_number = Some(said.tracking_number.clone());
    next.estimated_delivery = Some(said.estimated_delivery);
    let note = format!("{}, arrives {}", said.tracking_number, said.estimated_delivery.format("%-d %b"));
    match state.progress.stage() {
        Stage::Unknown => never_placed(state),
        Stage::Unconfirmed => {
            contradiction(state, "a shipment was booked for an order that is not confirmed")
        }
        Stage::Confirmed | Stage::Shipped => {
            heard_of(&mut next, EventType::ShippingScheduled);
            let wait = until_overdue(policy, &next, at);
            Decision::to(next, Outcome::Completed)
                .note(note)
                .disarm(OrderTimer::Shipping)
                .arm(OrderTimer::Delivery, wait)
        }
        Stage::Delivered if next == *state => Decision::ignored(next, "delivered by now"),
        Stage::Delivered => Decision::to(next, Outcome::Completed).note(format!("{note}; delivered by now")),
        Stage::Dead => Decision::ignored(state.clone(), format!("{note}; shipping undoes it")),
    }
}

pub(crate) fn dispatched(
    policy: &Policy,
    state: &State,
    said: &ShippingDispatched,
    at: DateTime<Utc>,
) -> Decision {
    match state.progress.stage() {
        Stage::Unknown => never_placed(state),
        Stage::Unconfirmed => contradiction(state, "a parcel left for an order that is not confirmed"),
        Stage::Confirmed => {
            let mut next = state.clone();
            next.progress = Progress::Shipped;
            next.tracking_number = Some(said.tracking_number.clone());
            heard_of(&mut next, EventType::ShippingScheduled);
            let wait = until_overdue(policy, &next, at);
            Decision::to(next, Outcome::Completed)
                .note(said.tracking_number.clone())
                .disarm(OrderTimer::Shipping)
                .arm(OrderTimer::Delivery, wait)
        }
        Stage::Shipped | Stage::Delivered => {
            Decision::ignored(state.clone(), format!("{} by now", state.progress.as_str()))
        }
        Stage::Dead => {
            contradiction(state, format!("a parcel left for an order that is {}", state.progress.as_str()))
        }
    }
}

/// The end of a good order. It may come first of all that shipping says.
pub(crate) fn delivered(state: &State, said: &ShippingDelivered) -> Decision {
    match state.progress.stage() {
        Stage::Unknown => never_placed(state),
        Stage::Unconfirmed => contradiction(state, "a parcel arrived for an order that is not confirmed"),
        Stage::Confirmed | Stage::Shipped => {
            let mut next = state.clone();
            next.progress = Progress::Delivered;
            next.tracking_number = Some(said.tracking_number.clone());
            next.resends = 0;
            next.overdue = None;
            if next.cancel == Cancel::Requested {
                next.cancel = Cancel::Rejected;
            }
            Decision::to(next, Outcome::Completed)
                .note(said.tracking_number.clone())
                .emit(ending::completed(Progress::Delivered))
                .disarm(OrderTimer::Shipping)
                .disarm(OrderTimer::Delivery)
                .disarm(OrderTimer::Cancel)
        }
        Stage::Delivered => Decision::ignored(state.clone(), "delivered by now"),
        Stage::Dead => {
            contradiction(state, format!("a parcel arrived for an order that is {}", state.progress.as_str()))
        }
    }
}

pub(crate) fn failed(policy: &Policy, state: &State, said: &ShippingFailed) -> Decision {
    let why = format!("the carrier cannot take it ({})", said.code);
    match (state.progress.stage(), state.cancel) {
        (Stage::Unknown, _) => never_placed(state),
        (Stage::Unconfirmed, _) => contradiction(state, format!("{why}, though the order is not confirmed")),
        // Whoever wanted out gets what they wanted.
        (Stage::Confirmed, Cancel::Requested) => ending::cancel(policy, state.clone(), wish(state)),
        (Stage::Confirmed, Cancel::None | Cancel::Rejected) => {
            ending::fail(policy, state.clone(), failure("shipping", &said.code, &said.reason))
        }
        (Stage::Shipped | Stage::Delivered, _) => {
            contradiction(state, format!("{why}, though the order is {}", state.progress.as_str()))
        }
        (Stage::Dead, _) => Decision::ignored(state.clone(), format!("{why}; the order has ended")),
    }
}

pub(crate) fn cancelled(policy: &Policy, state: &State, said: &ShippingCancelled) -> Decision {
    let what = if said.was_booked { "the booking is cancelled" } else { "nothing was booked" };
    match (state.progress.stage(), state.cancel) {
        (Stage::Unknown, _) => never_placed(state),
        (Stage::Unconfirmed, _) => contradiction(state, format!("{what}, though the order is not confirmed")),
        (Stage::Confirmed, Cancel::Requested) => ending::cancel(policy, state.clone(), wish(state)),
        // Nobody asked, yet nothing will be shipped: the customer must not wait for it, nor pay.
        (Stage::Confirmed, Cancel::None | Cancel::Rejected) => {
            let reason = "The shipment was cancelled though nobody had asked for it.";
            ending::fail(policy, state.clone(), failure("shipping", "shipment_cancelled", reason))
                .alarm(reason)
        }
        (Stage::Shipped | Stage::Delivered, _) => {
            contradiction(state, format!("{what}, though the order is {}", state.progress.as_str()))
        }
        (Stage::Dead, _) => Decision::ignored(state.clone(), format!("{what}; the order has ended")),
    }
}

pub(crate) fn cancel_rejected(policy: &Policy, state: &State, said: &ShippingCancelRejected) -> Decision {
    match (state.progress.stage(), state.cancel) {
        (Stage::Unknown, _) => never_placed(state),
        (Stage::Confirmed | Stage::Shipped, Cancel::Requested) => {
            let mut next = state.clone();
            next.cancel = Cancel::Rejected;
            heard_of(&mut next, EventType::ShippingCancelled);
            let untold = next.progress == Progress::Confirmed && next.tracking_number.is_none();
            let decision = Decision::to(next, Outcome::Failed)
                .note(format!("too late to cancel: {}", said.reason))
                .disarm(OrderTimer::Cancel);
            // It was handed over, and the news of that is still on its way.
            if untold { decision.arm(OrderTimer::Shipping, policy.shipping_resend) } else { decision }
        }
        (Stage::Confirmed | Stage::Shipped, Cancel::None | Cancel::Rejected)
        | (Stage::Unconfirmed | Stage::Delivered | Stage::Dead, _) => {
            Decision::ignored(state.clone(), "no cancellation is waiting for an answer")
        }
    }
}

/// The wish that a shipping answer fulfills.
fn wish(state: &State) -> Cancellation {
    state.cancellation.clone().unwrap_or_else(|| Cancellation {
        reason: "No reason is recorded.".to_owned(),
        requested_by: shared_events::events::order::RequestedBy::Customer,
    })
}

/// A wait is over. A cancellation that still waits keeps its own count of asking; a booking's news
/// says nothing about it.
fn heard_of(next: &mut State, news: EventType) {
    let waits_for_cancel = next.cancel == Cancel::Requested && news == EventType::ShippingScheduled;
    if !waits_for_cancel {
        next.resends = 0;
        next.overdue = None;
    }
}

/// How long a parcel may still take: the carrier's own estimate, and the grace after it.
fn until_overdue(policy: &Policy, state: &State, at: DateTime<Utc>) -> Duration {
    let estimate = state.estimated_delivery.map_or(Duration::ZERO, |estimated| {
        // An estimate in the past leaves the grace alone.
        (estimated - at).to_std().unwrap_or(Duration::ZERO) / policy.time_scale.max(1)
    });
    estimate.min(policy.transit_max) + policy.delivery_grace
}
