//! All that shipping knows of one order.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared_events::events::order::Address;

/// One order's shipment; `Default` is "never heard of the order".
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// How far it is.
    pub status: Status,
    /// What the carrier has to fetch. Kept only while a booking may have to be repeated: an
    /// address is personal data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parcel: Option<Parcel>,
    /// What the carrier called it; known from the moment `shipping.scheduled` was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consignment: Option<Consignment>,
    /// Why it must not go out any more; set while a cancel waits or is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// How often the carrier was asked about the key since the last change of status.
    #[serde(skip_serializing_if = "is_zero")]
    pub asks: u32,
    /// What `order.cancel.requested` was answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_answer: Option<CancelAnswer>,
    /// Why the carrier does not take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// How far a shipment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Never heard of the order.
    #[default]
    Unknown,
    /// The carrier was asked to take it; what became of that is not known yet.
    Booking,
    /// The carrier is booked.
    Scheduled,
    /// Handed over to the carrier.
    Dispatched,
    /// The customer has it. Final.
    Delivered,
    /// The carrier was asked to cancel the key; what became of that is not known yet.
    Cancelling,
    /// It will not go out: the carrier confirmed, or was never asked (a tombstone). Final.
    Cancelled,
    /// The carrier cannot take it. Final.
    Failed,
}

impl Status {
    /// Every status.
    pub const ALL: &'static [Self] = &[
        Self::Unknown,
        Self::Booking,
        Self::Scheduled,
        Self::Dispatched,
        Self::Delivered,
        Self::Cancelling,
        Self::Cancelled,
        Self::Failed,
    ];

    /// The word in storage and on the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Booking => "booking",
            Self::Scheduled => "scheduled",
            Self::Dispatched => "dispatched",
            Self::Delivered => "delivered",
            Self::Cancelling => "cancelling",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing can move it any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Delivered | Self::Cancelled | Self::Failed => true,
            Self::Unknown | Self::Booking | Self::Scheduled | Self::Dispatched | Self::Cancelling => false,
        }
    }
}

/// What the carrier has to fetch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Parcel {
    /// Where it goes.
    pub address: Address,
    /// How many pieces are in it.
    pub items: u32,
}

/// A parcel as the carrier knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Consignment {
    /// The carrier's number.
    pub tracking_number: String,
    /// When the carrier expects to deliver.
    pub estimated_delivery: DateTime<Utc>,
}

/// Why a shipment must not go out any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The carrier did not say for too long what became of the booking. Ends in `shipping.failed`.
    GaveUp,
    /// `order.cancel.requested`: somebody waits for an answer.
    Requested,
    /// The order itself ended cancelled or failed.
    OrderDied,
}

/// What `order.cancel.requested` was answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelAnswer {
    /// `shipping.cancelled`.
    Cancelled,
    /// `shipping.cancel.rejected`.
    Rejected,
}

/// Why the carrier does not take it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Failure {
    /// A stable word: `address_unserviceable`, `carrier_unavailable`, …
    pub code: String,
    /// A sentence for a person.
    pub reason: String,
}

// Serde hands the field over by reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(asks: &u32) -> bool {
    *asks == 0
}
