//! One input, and where it leads. Matches the input first and exhaustively: an event that is new to
//! the platform does not compile here until somebody has thought about it.

use chrono::{DateTime, Utc};
use shared_events::{Event, EventType};

use crate::{
    Decision, Input, InventoryAnswer, OrderTimer, PaymentAnswer, Policy, State, Trouble, before_confirmation,
    command, ending, shipment, watch,
};

/// Whether the order service reacts to that type; equal to the catalogue's word on it.
#[must_use]
pub fn handles(event_type: EventType) -> bool {
    match event_type {
        EventType::InventoryReserved
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
        | EventType::ShippingCancelRejected => true,
        EventType::OrderPlaced
        | EventType::InventoryReserveRequested
        | EventType::OrderConfirmed
        | EventType::OrderCancelRequested
        | EventType::OrderCancelled
        | EventType::OrderFailed
        | EventType::OrderCompleted
        | EventType::InventoryStockAdjusted
        | EventType::NotificationSent
        | EventType::NotificationFailed => false,
    }
}

/// Where `input` leads an order in `state`. Total: late, duplicate, overtaken and contradictory
/// inputs are decisions too. `at` is the database's clock; it is kept, never compared.
pub fn decide(policy: &Policy, state: &State, input: &Input, at: DateTime<Utc>) -> Decision {
    match input {
        Input::Event(event) => heard(policy, state, event, at),
        Input::Timer(timer) => match timer {
            OrderTimer::Confirmation => watch::confirmation(policy, state),
            OrderTimer::Shipping => watch::shipping(policy, state),
            OrderTimer::Delivery => watch::delivery(policy, state),
            OrderTimer::Cancel => watch::cancel(policy, state),
            OrderTimer::Compensation => watch::compensation(policy, state),
        },
        // Whoever can be told of a refusal asks `command` itself; here a refusal changes nothing.
        Input::Command(wish) => command(policy, state, wish, at)
            .unwrap_or_else(|refusal| Decision::ignored(state.clone(), refusal.detail)),
    }
}

fn heard(policy: &Policy, state: &State, event: &Event, at: DateTime<Utc>) -> Decision {
    match event {
        Event::InventoryReserved(said) => before_confirmation::reserved(state, said),
        Event::InventoryReserveFailed(said) => before_confirmation::reserve_failed(policy, state, said),
        Event::InventoryHoldExpired(said) => before_confirmation::hold_expired(policy, state, said),
        Event::InventoryReleased(said) => {
            ending::inventory_answered(policy, state, InventoryAnswer::Released, &said.reason)
        }
        Event::FraudAssessed(said) => before_confirmation::assessed(policy, state, said),
        Event::FraudReviewed(said) => before_confirmation::reviewed(policy, state, said),
        Event::PaymentRequested(said) => before_confirmation::payment_requested(state, said),
        Event::PaymentProcessed(said) => before_confirmation::captured(policy, state, said, at),
        Event::PaymentFailed(said) => before_confirmation::payment_failed(policy, state, said),
        Event::PaymentVoided(said) => {
            ending::payment_answered(policy, state, PaymentAnswer::Voided, &said.reason)
        }
        Event::PaymentRefunded(said) => ending::payment_answered(
            policy,
            state,
            PaymentAnswer::Refunded,
            &format!("{} given back", said.amount()),
        ),
        Event::PaymentRefundFailed(said) => ending::payment_troubled(
            state,
            Trouble::RefundFailed,
            &format!("the refund of {} was refused: {}", said.amount(), said.reason),
        ),
        Event::PaymentUnresolved(said) => ending::payment_troubled(
            state,
            Trouble::Unresolved,
            &format!("the charge of {} is unresolved: {}", said.amount(), said.reason),
        ),
        Event::ShippingScheduled(said) => shipment::scheduled(policy, state, said, at),
        Event::ShippingDispatched(said) => shipment::dispatched(policy, state, said, at),
        Event::ShippingDelivered(said) => shipment::delivered(state, said),
        Event::ShippingFailed(said) => shipment::failed(policy, state, said),
        Event::ShippingCancelled(said) => shipment::cancelled(policy, state, said),
        Event::ShippingCancelRejected(said) => shipment::cancel_rejected(policy, state, said),
        Event::OrderPlaced(_)
        | Event::InventoryReserveRequested(_)
        | Event::OrderConfirmed(_)
        | Event::OrderCancelRequested(_)
        | Event::OrderCancelled(_)
        | Event::OrderFailed(_)
        | Event::OrderCompleted(_)
        | Event::InventoryStockAdjusted(_)
        | Event::NotificationSent(_)
        | Event::NotificationFailed(_) => Decision::ignored(state.clone(), "not for order"),
    }
}

/// The order's own words to be said again when `asked` is said again (rule 8).
///
/// Only `inventory.hold.expired` asks the order something. Everything else merely tells it, and is
/// not answered: an order that answered `payment.failed` with `order.failed`, which payment answers
/// with `payment.failed`, would never come to rest. What the order owes others it repeats by its
/// own watches.
#[must_use]
pub fn answers(state: &State, asked: EventType) -> Vec<EventType> {
    if asked == EventType::InventoryHoldExpired {
        state.last_word().into_iter().collect()
    } else {
        Vec::new()
    }
}

/// An event about an order that was never placed here: data was lost, or a stranger publishes.
pub(crate) fn never_placed(state: &State) -> Decision {
    Decision::ignored(state.clone(), "no such order was placed here")
        .alarm("an event came for an order that was never placed here")
}

/// An event that the choreography rules out in this state. Nothing is concluded from it.
pub(crate) fn contradiction(state: &State, what: impl Into<String>) -> Decision {
    let what = what.into();
    Decision::ignored(state.clone(), what.clone()).alarm(what)
}
