//! What is known of one order: when it reached each step for the first time, and the amounts.
//!
//! The fold keeps the least of what it hears, by time and then by content. The least of several is
//! the same in whatever sequence they come, and however often: so no order of delivery is assumed,
//! and even a duplicate that slipped through would change nothing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared_events::{
    Currency, CustomerId, Envelope, Event, Money,
    events::{
        fraud::{FraudAssessed, Verdict},
        order::{OrderCompleted, OrderFailed, OrderOutcome, OrderPlaced},
    },
};

/// A moment on its producer's clock, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub i64);

impl From<DateTime<Utc>> for Moment {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_micros())
    }
}

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Known<T> {
    /// When it first did.
    pub at: Moment,
    /// What.
    #[serde(flatten)]
    pub what: T,
}

/// `order.placed`, without what nobody counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Placed {
    /// Who.
    pub customer_id: CustomerId,
    /// The order's total, minor units.
    pub total_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// How many lines it has.
    pub items_count: usize,
}

/// An amount of money that moved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sum {
    /// Minor units.
    pub minor: i64,
    /// Its currency.
    pub currency: Currency,
}

impl From<Money> for Sum {
    fn from(money: Money) -> Self {
        Self { minor: money.minor, currency: money.currency }
    }
}

/// A step that went wrong, as its service says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Refusal {
    /// A stable word.
    pub code: String,
}

/// Why the order failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Failure {
    /// `inventory`, `payment`, `shipping` or `timeout`.
    pub step: String,
    /// A stable word.
    pub code: String,
}

/// What fraud assessment said first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Assessment {
    /// `approve`, `review` or `reject`.
    pub verdict: String,
}

/// How the order ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ending {
    /// `delivered`, `failed` or `cancelled`.
    pub outcome: String,
}

/// All that is known of one order; everything may be missing, in whatever combination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // Each field is the first time of the step it names.
pub struct OrderFacts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed: Option<Known<Placed>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assessed: Option<Known<Assessment>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserved: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserve_failed: Option<Known<Refusal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_requested: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub captured: Option<Known<Sum>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_failed: Option<Known<Refusal>>,
    /// With the amount that `order.confirmed` names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Known<Sum>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatched: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping_failed: Option<Known<Refusal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<Known<Failure>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Known<Sum>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed: Option<Known<Ending>>,
}

impl OrderFacts {
    /// These facts and what the event adds to them; most events that are not about a step add
    /// nothing.
    #[must_use]
    pub fn heard(&self, envelope: &Envelope) -> Self {
        let at = Moment::from(envelope.timestamp);
        let mut facts = self.clone();
        match &envelope.event {
            Event::OrderPlaced(placed) => first(&mut facts.placed, known(at, Placed::from(placed))),
            Event::FraudAssessed(assessed) => {
                first(&mut facts.assessed, known(at, Assessment::from(assessed)));
            }
            Event::InventoryReserved(_) => first(&mut facts.reserved, at),
            Event::InventoryReserveFailed(refused) => {
                first(&mut facts.reserve_failed, refusal(at, refused.code.as_str()));
            }
            Event::PaymentRequested(_) => first(&mut facts.payment_requested, at),
            Event::PaymentProcessed(paid) => first(&mut facts.captured, known(at, paid.amount().into())),
            Event::PaymentFailed(refused) => first(&mut facts.payment_failed, refusal(at, &refused.code)),
            Event::PaymentRefunded(refund) => first(&mut facts.refunded, known(at, refund.amount().into())),
            Event::OrderConfirmed(confirmed) => {
                let sum = Sum { minor: confirmed.total_minor, currency: confirmed.currency };
                first(&mut facts.confirmed, known(at, sum));
            }
            Event::ShippingScheduled(_) => first(&mut facts.scheduled, at),
            Event::ShippingDispatched(_) => first(&mut facts.dispatched, at),
            Event::ShippingDelivered(_) => first(&mut facts.delivered, at),
            Event::ShippingFailed(refused) => first(&mut facts.shipping_failed, refusal(at, &refused.code)),
            Event::OrderFailed(failed) => first(&mut facts.failed, known(at, Failure::from(failed))),
            Event::OrderCancelled(_) => first(&mut facts.cancelled, at),
            Event::OrderCompleted(completed) => {
                first(&mut facts.completed, known(at, Ending::from(completed)))
            }
            // Counted by type, and no step of an order's way; stock.adjusted is not even about one.
            Event::InventoryReserveRequested(_)
            | Event::InventoryHoldExpired(_)
            | Event::InventoryReleased(_)
            | Event::InventoryStockAdjusted(_)
            | Event::FraudReviewed(_)
            | Event::PaymentVoided(_)
            | Event::PaymentRefundFailed(_)
            | Event::PaymentUnresolved(_)
            | Event::OrderCancelRequested(_)
            | Event::ShippingCancelled(_)
            | Event::ShippingCancelRejected(_)
            | Event::NotificationSent(_)
            | Event::NotificationFailed(_) => {}
        }
        facts
    }
}

/// Keeps the least of the two.
fn first<T: Ord>(slot: &mut Option<T>, heard: T) {
    match slot {
        Some(known) if *known <= heard => {}
        Some(_) | None => *slot = Some(heard),
    }
}

const fn known<T>(at: Moment, what: T) -> Known<T> {
    Known { at, what }
}

fn refusal(at: Moment, code: &str) -> Known<Refusal> {
    known(at, Refusal { code: code.to_owned() })
}

impl From<&OrderPlaced> for Placed {
    fn from(placed: &OrderPlaced) -> Self {
        Self {
            customer_id: placed.customer_id.clone(),
            total_minor: placed.total_minor,
            currency: placed.currency,
            items_count: placed.items.len(),
        }
    }
}

impl From<&FraudAssessed> for Assessment {
    fn from(assessed: &FraudAssessed) -> Self {
        let verdict = match assessed.verdict {
            Verdict::Approve => "approve",
            Verdict::Review => "review",
            Verdict::Reject => "reject",
        };
        Self { verdict: verdict.to_owned() }
    }
}

impl From<&OrderFailed> for Failure {
    fn from(failed: &OrderFailed) -> Self {
        Self { step: failed.failed_step.clone(), code: failed.code.clone() }
    }
}

impl From<&OrderCompleted> for Ending {
    fn from(completed: &OrderCompleted) -> Self {
        let outcome = match completed.outcome {
            OrderOutcome::Delivered => "delivered",
            OrderOutcome::Failed => "failed",
            OrderOutcome::Cancelled => "cancelled",
        };
        Self { outcome: outcome.to_owned() }
    }
}
