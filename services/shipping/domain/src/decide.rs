//! The rule: one input, one decision.

use chrono::{DateTime, Utc};
use shared_events::{Decision, EventType};

use crate::{
    CancelAnswer, Effect, Input, Policy, ShipmentTimer, State, Status, commands, events, replies, timers,
};

/// A decision about one shipment.
pub type ShipmentDecision = Decision<State, Effect, ShipmentTimer>;

/// Whether shipping reacts to events of that type; equals the catalogue.
#[must_use]
pub fn handles(event_type: EventType) -> bool {
    match event_type {
        EventType::OrderConfirmed
        | EventType::OrderCancelRequested
        | EventType::OrderCancelled
        | EventType::OrderFailed => true,
        EventType::OrderPlaced
        | EventType::InventoryReserveRequested
        | EventType::InventoryReserved
        | EventType::InventoryReserveFailed
        | EventType::InventoryHoldExpired
        | EventType::InventoryReleased
        | EventType::FraudAssessed
        | EventType::FraudReviewed
        | EventType::PaymentRequested
        | EventType::PaymentProcessed
        | EventType::PaymentFailed
        | EventType::PaymentVoided
        | EventType::PaymentRefunded
        | EventType::PaymentRefundFailed
        | EventType::PaymentUnresolved
        | EventType::ShippingScheduled
        | EventType::ShippingDispatched
        | EventType::ShippingDelivered
        | EventType::ShippingFailed
        | EventType::ShippingCancelled
        | EventType::ShippingCancelRejected
        | EventType::OrderCompleted
        | EventType::InventoryStockAdjusted
        | EventType::NotificationSent
        | EventType::NotificationFailed => false,
    }
}

/// Decides. Total: every input has a decision in every state. A command that [`commands::command`]
/// would refuse is ignored here.
pub fn decide(policy: &Policy, state: &State, input: &Input, at: DateTime<Utc>) -> ShipmentDecision {
    match input {
        Input::Event(event) => events::decide(policy, state, event, at),
        Input::Timer(timer) => timers::fired(policy, state, *timer, at),
        Input::Reply(reply) => replies::decide(policy, state, reply, at),
        Input::Command(command) => commands::command(policy, state, *command, at)
            .unwrap_or_else(|rejection| Decision::ignored(state.clone(), rejection.detail)),
    }
}

/// Which of shipping's events are its current answer for the order, when `asked` comes again: all
/// that still holds, whatever caused it (rule 8).
#[must_use]
pub fn answers(state: &State, asked: EventType) -> Vec<EventType> {
    if !handles(asked) {
        return Vec::new();
    }
    let mut answers = match state.status {
        Status::Unknown | Status::Booking => Vec::new(),
        // While a cancel is under way, a booking that is known of is still the last word.
        Status::Scheduled | Status::Cancelling if state.consignment.is_some() => {
            vec![EventType::ShippingScheduled]
        }
        Status::Scheduled | Status::Cancelling => Vec::new(),
        Status::Dispatched => vec![EventType::ShippingScheduled, EventType::ShippingDispatched],
        Status::Delivered => {
            vec![EventType::ShippingScheduled, EventType::ShippingDispatched, EventType::ShippingDelivered]
        }
        // A tombstone of a dead order was never spoken of.
        Status::Cancelled if state.cancel_answer.is_some() => vec![EventType::ShippingCancelled],
        Status::Cancelled => Vec::new(),
        Status::Failed => vec![EventType::ShippingFailed],
    };
    if state.cancel_answer == Some(CancelAnswer::Rejected) {
        answers.push(EventType::ShippingCancelRejected);
    }
    answers
}
