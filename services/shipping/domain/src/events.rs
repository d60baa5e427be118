//! What the order's events do to a shipment (rules 4, 6 and 15).

use chrono::{DateTime, Utc};
use shared_events::{Decision, Event, EventType, Outcome, events::order::OrderConfirmed};

use crate::{
    CancelAnswer, Effect, Parcel, Policy, ShipmentDecision, State, Status, Stop,
    transition::{cancelled, moved, start_cancelling, too_late},
};

pub(crate) fn decide(policy: &Policy, state: &State, event: &Event, at: DateTime<Utc>) -> ShipmentDecision {
    match event {
        Event::OrderConfirmed(order) => confirmed(policy, state, order, at),
        Event::OrderCancelRequested(_) => cancel_requested(policy, state, at),
        Event::OrderCancelled(_) | Event::OrderFailed(_) => order_died(policy, state, at),
        Event::OrderPlaced(_)
        | Event::InventoryReserveRequested(_)
        | Event::InventoryReserved(_)
        | Event::InventoryReserveFailed(_)
        | Event::InventoryHoldExpired(_)
        | Event::InventoryReleased(_)
        | Event::FraudAssessed(_)
        | Event::FraudReviewed(_)
        | Event::PaymentRequested(_)
        | Event::PaymentProcessed(_)
        | Event::PaymentFailed(_)
        | Event::PaymentVoided(_)
        | Event::PaymentRefunded(_)
        | Event::PaymentRefundFailed(_)
        | Event::PaymentUnresolved(_)
        | Event::ShippingScheduled(_)
        | Event::ShippingDispatched(_)
        | Event::ShippingDelivered(_)
        | Event::ShippingFailed(_)
        | Event::ShippingCancelled(_)
        | Event::ShippingCancelRejected(_)
        | Event::OrderCompleted(_)
        | Event::InventoryStockAdjusted(_)
        | Event::NotificationSent(_)
        | Event::NotificationFailed(_) => Decision::ignored(state.clone(), "not for shipping"),
    }
}

/// Paid and held: books the carrier, once.
fn confirmed(policy: &Policy, state: &State, order: &OrderConfirmed, at: DateTime<Utc>) -> ShipmentDecision {
    let ignored = |why: &str| Decision::ignored(state.clone(), why);
    match state.status {
        Status::Unknown => {
            let items = order.items.iter().fold(0, |sum: u32, line| sum.saturating_add(line.quantity));
            let parcel = Parcel { address: order.shipping_address.clone(), items };
            let after = State { status: Status::Booking, parcel: Some(parcel.clone()), ..state.clone() };
            let pieces = if items == 1 { "piece" } else { "pieces" };
            moved(policy, state, after, Outcome::Started, at)
                .effect(Effect::Book(parcel))
                .note(format!("{items} {pieces} → carrier"))
        }
        Status::Booking | Status::Scheduled | Status::Dispatched | Status::Delivered => {
            ignored("is being shipped already")
        }
        Status::Cancelling => ignored("is being cancelled"),
        // Undo came before do: the answer was given then (rule 6).
        Status::Cancelled => ignored("was cancelled before it was confirmed"),
        Status::Failed => ignored("the carrier did not take it"),
    }
}

/// Someone wants out after confirmation, and waits for an answer.
fn cancel_requested(policy: &Policy, state: &State, at: DateTime<Utc>) -> ShipmentDecision {
    match state.status {
        // The cancel overtook the confirmation: a tombstone refuses the booking (rule 4).
        Status::Unknown => cancelled(policy, state, at).note("nothing was booked; nothing will be"),
        // The booking in flight is let finish: only the carrier knows what became of it.
        Status::Booking => {
            let stop = state.stop.map_or(Stop::Requested, |earlier| stronger(earlier, Stop::Requested));
            Decision::to(State { stop: Some(stop), ..state.clone() }, Outcome::Started)
                .note("waits for the booking in flight")
        }
        Status::Scheduled => start_cancelling(policy, state, Stop::Requested, at).note("asks the carrier"),
        Status::Dispatched | Status::Delivered if state.cancel_answer.is_some() => {
            said_again(state, EventType::ShippingCancelRejected)
        }
        Status::Dispatched | Status::Delivered => {
            let after = State { cancel_answer: Some(CancelAnswer::Rejected), ..state.clone() };
            moved(policy, state, after, Outcome::Completed, at)
                .emit(too_late())
                .note("too late: handed over already")
        }
        Status::Cancelling => {
            let stop = state.stop.map_or(Stop::Requested, |earlier| stronger(earlier, Stop::Requested));
            Decision::to(State { stop: Some(stop), ..state.clone() }, Outcome::Started)
                .note("is being cancelled already; the answer follows")
        }
        Status::Cancelled if state.cancel_answer.is_some() => said_again(state, EventType::ShippingCancelled),
        Status::Cancelled => cancelled(policy, state, at),
        Status::Failed => said_again(state, EventType::ShippingFailed),
    }
}

/// The order ended cancelled or failed. Nobody waits for an answer; nothing may go out any more.
fn order_died(policy: &Policy, state: &State, at: DateTime<Utc>) -> ShipmentDecision {
    match state.status {
        Status::Unknown => {
            let after = State { status: Status::Cancelled, ..state.clone() };
            moved(policy, state, after, Outcome::Completed, at).note("nothing was booked; nothing will be")
        }
        Status::Booking | Status::Cancelling => {
            Decision::to(State { stop: Some(Stop::OrderDied), ..state.clone() }, Outcome::Started)
                .note("will be cancelled at the carrier")
        }
        Status::Scheduled => start_cancelling(policy, state, Stop::OrderDied, at).note("asks the carrier"),
        Status::Dispatched | Status::Delivered => Decision::ignored(state.clone(), "too late")
            .alarm("the carrier has the parcel of an order that ended cancelled or failed"),
        Status::Cancelled | Status::Failed => Decision::ignored(state.clone(), "nothing is booked"),
    }
}

/// A dead order stays dead, and a request for an answer outweighs our own giving up.
fn stronger(earlier: Stop, now: Stop) -> Stop {
    match earlier {
        Stop::GaveUp | Stop::Requested => now,
        Stop::OrderDied => earlier,
    }
}

/// The question is new, the answer is not: it is said under its old event id.
fn said_again(state: &State, answer: EventType) -> ShipmentDecision {
    Decision::ignored(state.clone(), format!("says {answer} again")).resend(answer)
}
