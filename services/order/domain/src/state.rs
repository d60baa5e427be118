//! All that is known of one order.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared_events::{
    Currency, CustomerId, EventType, Money,
    events::order::{Address, Line, OrderPlaced, RequestedBy},
};

use crate::{Answers, Compensation, Trouble};

/// One order. [`Default`] means: never heard of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// How far it came.
    pub progress: Progress,
    /// Whether somebody wants out, once the order is confirmed.
    pub cancel: Cancel,
    /// Who wanted out, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancellation: Option<Cancellation>,
    /// Whether a person is looking at it before it is charged.
    pub review: Review,
    /// How far the making good of a dead order has come.
    pub compensation: Compensation,
    /// What the participants said about it; also what they said before the order itself died.
    pub answers: Answers,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What was ordered, as far as `order.confirmed` must repeat it. Contact, device and payment
    /// method are kept elsewhere: they never matter to a decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed: Option<Placed>,
    /// What was captured, in minor units, also when it came too late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub captured_minor: Option<i64>,
    /// The carrier's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_number: Option<String>,
    /// When the carrier means to deliver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_delivery: Option<DateTime<Utc>>,
    /// How often the present wait has led to asking again.
    pub resends: u32,
    /// The event shipping owes since so long that a person was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overdue: Option<EventType>,
    /// When it was placed, by the database's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed_at: Option<DateTime<Utc>>,
    /// When it was confirmed, by the same clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<DateTime<Utc>>,
    /// From placed to confirmed, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_micros: Option<i64>,
}

/// How far an order came. It only ever moves down this list, and never from a final state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// Never heard of it.
    #[default]
    Unknown,
    /// Placed.
    Pending,
    /// Stock is held.
    InventoryReserved,
    /// A charge is under way.
    PaymentPending,
    /// Paid and held.
    Confirmed,
    /// With the carrier.
    Shipped,
    /// With the customer. Final.
    Delivered,
    /// A step failed. Final.
    Failed,
    /// Somebody wanted out in time. Final.
    Cancelled,
}

impl Progress {
    /// All but `Unknown`: what an order's `status` can be.
    pub const STATUSES: &'static [Self] = &[
        Self::Pending,
        Self::InventoryReserved,
        Self::PaymentPending,
        Self::Confirmed,
        Self::Shipped,
        Self::Delivered,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word of the HTTP API and of the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::InventoryReserved => "inventory_reserved",
            Self::PaymentPending => "payment_pending",
            Self::Confirmed => "confirmed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Where the order is in its life: the question every rule begins with.
    pub(crate) const fn stage(self) -> Stage {
        match self {
            Self::Unknown => Stage::Unknown,
            Self::Pending | Self::InventoryReserved | Self::PaymentPending => Stage::Unconfirmed,
            Self::Confirmed => Stage::Confirmed,
            Self::Shipped => Stage::Shipped,
            Self::Delivered => Stage::Delivered,
            Self::Failed | Self::Cancelled => Stage::Dead,
        }
    }
}

/// The stages of an order's life that rules tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Unknown,
    Unconfirmed,
    Confirmed,
    Shipped,
    Delivered,
    Dead,
}

/// Whether somebody wants out of a confirmed order. Independent of progress: `shipping.dispatched`
/// may come before shipping's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancel {
    /// Nobody asked.
    #[default]
    None,
    /// Shipping was asked and has not answered.
    Requested,
    /// Too late: it was handed over.
    Rejected,
}

/// Who wanted out, and why.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cancellation {
    /// In the words of whoever asked.
    pub reason: String,
    /// Who asked.
    pub requested_by: RequestedBy,
}

/// Whether a person looks at an order before it is charged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// No review.
    #[default]
    None,
    /// Open: the long deadline runs.
    Open,
    /// Decided. A `review` verdict that comes later, overtaken by its own decision, opens nothing.
    Decided,
}

/// Why an order failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Failure {
    /// `inventory`, `payment`, `shipping` or `timeout`.
    pub step: String,
    /// A stable word: `insufficient_stock`, `card_declined`, …
    pub code: String,
    /// A sentence for a person.
    pub reason: String,
}

/// What was ordered, as far as `order.confirmed` must repeat it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Placed {
    /// Who.
    pub customer_id: CustomerId,
    /// What.
    pub items: Vec<Line>,
    /// Sum of the lines, minor units.
    pub total_minor: i64,
    /// Currency of all amounts.
    pub currency: Currency,
    /// Where to.
    pub shipping_address: Address,
}

impl Placed {
    /// The order's total.
    #[must_use]
    pub fn total(&self) -> Money {
        Money::new(self.total_minor, self.currency)
    }
}

impl From<&OrderPlaced> for Placed {
    fn from(order: &OrderPlaced) -> Self {
        Self {
            customer_id: order.customer_id.clone(),
            items: order.items.clone(),
            total_minor: order.total_minor,
            currency: order.currency,
            shipping_address: order.shipping_address.clone(),
        }
    }
}

impl State {
    /// Who still owes an answer to a dead order, by the events that would be one. Empty for an
    /// order that lives or is accounted for.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if self.progress.stage() == Stage::Dead {
            if self.answers.inventory.is_none() {
                missing.push("inventory.released");
            }
            if self.answers.payment.is_none() {
                let owed =
                    self.captured_minor.is_some() || self.answers.trouble == Some(Trouble::RefundFailed);
                missing.push(if owed { "payment.refunded" } else { "payment.voided or payment.refunded" });
            }
        }
        missing
    }

    /// The event whose absence a person was called for, when the saga is stuck; `None` when all
    /// goes well.
    #[must_use]
    pub fn stuck_on(&self) -> Option<String> {
        match (self.compensation, self.overdue) {
            (Compensation::Stuck, _) => Some(self.missing().join(", ")),
            (_, Some(overdue)) => Some(overdue.to_string()),
            (_, None) => None,
        }
    }

    /// The order's last word for those who act on it: confirmed, failed or cancelled.
    pub(crate) fn last_word(&self) -> Option<EventType> {
        match self.progress {
            Progress::Unknown
            | Progress::Pending
            | Progress::InventoryReserved
            | Progress::PaymentPending => None,
            Progress::Confirmed | Progress::Shipped | Progress::Delivered => Some(EventType::OrderConfirmed),
            Progress::Failed => Some(EventType::OrderFailed),
            Progress::Cancelled => Some(EventType::OrderCancelled),
        }
    }
}
