//! What the shipping service says.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// `shipping.scheduled`: the carrier is booked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ShippingScheduled {
    /// The carrier's number.
    pub tracking_number: String,
    /// When the carrier expects to deliver.
    pub estimated_delivery: DateTime<Utc>,
}

/// `shipping.dispatched`: handed over to the carrier.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ShippingDispatched {
    /// The carrier's number.
    pub tracking_number: String,
}

/// `shipping.delivered`: the customer has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ShippingDelivered {
    /// The carrier's number.
    pub tracking_number: String,
}

/// `shipping.failed`: the carrier cannot take it, and will not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ShippingFailed {
    /// A stable word: `address_unserviceable`, `carrier_unavailable`, …
    pub code: String,
    /// A sentence for a person.
    pub reason: String,
}

/// `shipping.cancelled`: stopped in time, or never booked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ShippingCancelled {
    /// Whether a booking had existed.
    pub was_booked: bool,
}

/// `shipping.cancel.rejected`: already handed over.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ShippingCancelRejected {
    /// A sentence for a person.
    pub reason: String,
}
