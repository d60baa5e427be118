//! The rule: one input, one decision. Pure and total.
//!
//! Events arrive in any order. What tells a customer something becomes one message per channel as
//! soon as it is known whom to tell; until then it waits in the state. So the set of messages does
//! not depend on the order of arrival, as long as `order.placed` comes before the deadline; when it
//! comes later, what was given up for want of a recipient is told after all.

use chrono::{DateTime, Utc};
use shared_events::{
    Decision, Envelope, Event, EventType, Money, Outcome,
    events::order::{Line, OrderConfirmed},
};

pub use crate::step::NotificationDecision;
use crate::{
    Input, NotificationTimer, delivery,
    policy::Policy,
    recipients::{contact, one_line},
    state::{Heard, News, Parcel, Purchase, State},
    step::Step,
};

/// Longest part of a reason for cancelling that is quoted; somebody wrote it for somebody else.
const QUOTE_CHARS_MAX: usize = 200;

/// Whether notification reacts to events of that type; equals the catalogue.
#[must_use]
pub fn handles(event_type: EventType) -> bool {
    match event_type {
        EventType::OrderPlaced
        | EventType::PaymentRefunded
        | EventType::OrderConfirmed
        | EventType::ShippingScheduled
        | EventType::ShippingDispatched
        | EventType::ShippingDelivered
        | EventType::OrderCancelled
        | EventType::OrderFailed => true,
        EventType::InventoryReserveRequested
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
        | EventType::PaymentRefundFailed
        | EventType::PaymentUnresolved
        | EventType::OrderCancelRequested
        | EventType::ShippingFailed
        | EventType::ShippingCancelled
        | EventType::ShippingCancelRejected
        | EventType::OrderCompleted
        | EventType::InventoryStockAdjusted
        | EventType::NotificationSent
        | EventType::NotificationFailed => false,
    }
}

/// Decides. Every input has a decision in every state.
pub fn decide(policy: &Policy, state: &State, input: &Input, at: DateTime<Utc>) -> NotificationDecision {
    match input {
        Input::Event(envelope) => event(policy, state, envelope, at),
        Input::Report(report) => delivery::reported(policy, state, report, at),
        Input::Timer(NotificationTimer::Send) => delivery::due(policy, state, at),
        Input::Timer(NotificationTimer::Recipient) => delivery::nobody_to_tell(policy, state, at),
    }
}

fn event(policy: &Policy, state: &State, envelope: &Envelope, at: DateTime<Utc>) -> NotificationDecision {
    let (event_id, event_type) = (envelope.event_id, envelope.event_type());
    if state.knows(event_id) {
        return Decision::ignored(state.clone(), "told before");
    }
    let mut step = Step::from(policy, state, at);
    learn(&mut step.after, &envelope.event);
    let Some(news) = news(&envelope.event) else {
        return step.decision(Outcome::Completed, "noted for the next message", None);
    };
    let template = news.template();
    step.tell(Heard { event_id, event_type, news });
    if matches!(envelope.event, Event::OrderPlaced(_)) {
        // Their places in the queue behind "received" are what a customer expects.
        step.tell_what_waited();
        step.tell_what_found_nobody();
    }
    if step.after.waiting.is_empty() {
        step.decision(Outcome::Started, template, None)
    } else {
        step.decision(Outcome::Started, format!("{template} waits for order.placed"), None)
    }
}

/// Keeps what later messages need of this event.
fn learn(state: &mut State, event: &Event) {
    if let Event::OrderPlaced(placed) = event {
        state.contact = Some(contact(&placed.customer_id, placed.customer.as_ref()));
        state.purchase = Some(purchase(placed.total(), &placed.items));
    } else if let Event::OrderConfirmed(OrderConfirmed {
        customer_id, items, total_minor, currency, ..
    }) = event
    {
        state.customer_id = Some(customer_id.clone());
        let confirmed = purchase(Money::new(*total_minor, *currency), items);
        state.purchase = state.purchase.or(Some(confirmed));
    } else if let Event::ShippingScheduled(scheduled) = event {
        state.parcel = Some(Parcel {
            tracking_number: scheduled.tracking_number.clone(),
            estimated_delivery: scheduled.estimated_delivery,
        });
    }
}

fn purchase(total: Money, items: &[Line]) -> Purchase {
    Purchase { total, pieces: items.iter().map(|line| u64::from(line.quantity)).sum() }
}

/// What this event tells a customer; `None` for one that only later messages need.
fn news(event: &Event) -> Option<News> {
    match event {
        Event::OrderPlaced(_) => Some(News::Received),
        Event::OrderConfirmed(_) => Some(News::Confirmed),
        Event::ShippingDispatched(dispatched) => {
            Some(News::Shipped { tracking_number: dispatched.tracking_number.clone() })
        }
        Event::ShippingDelivered(delivered) => {
            Some(News::Delivered { tracking_number: delivered.tracking_number.clone() })
        }
        Event::OrderFailed(failed) => {
            Some(News::Failed { step: failed.failed_step.clone(), code: failed.code.clone() })
        }
        Event::OrderCancelled(cancelled) => Some(News::Cancelled {
            by: cancelled.requested_by,
            reason: one_line(&cancelled.reason, QUOTE_CHARS_MAX),
        }),
        Event::PaymentRefunded(refunded) => Some(News::Refunded { amount: refunded.amount() }),
        Event::ShippingScheduled(_)
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
        | Event::PaymentRefundFailed(_)
        | Event::PaymentUnresolved(_)
        | Event::OrderCancelRequested(_)
        | Event::ShippingFailed(_)
        | Event::ShippingCancelled(_)
        | Event::ShippingCancelRejected(_)
        | Event::OrderCompleted(_)
        | Event::InventoryStockAdjusted(_)
        | Event::NotificationSent(_)
        | Event::NotificationFailed(_) => None,
    }
}
