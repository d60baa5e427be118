//! What the payment service says.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Currency, Money};

macro_rules! amount {
    ($($payload:ident),+) => {$(
        impl $payload {
            /// The amount this is about.
            #[must_use]
            pub fn amount(&self) -> Money {
                Money::new(self.amount_minor, self.currency)
            }
        }
    )+};
}

/// `payment.requested`: a charge is about to be sent to the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct PaymentRequested {
    /// The order's total, minor units.
    pub amount_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// Kind of the payment method: `credit_card`, …
    pub method: String,
    /// False when fraud was to be assessed first and no verdict came in time.
    pub assessed: bool,
}

/// `payment.processed`: the money is captured. Precedes any refund.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct PaymentProcessed {
    /// Our id of the transaction.
    pub transaction_id: Uuid,
    /// What was captured, minor units.
    pub amount_minor: i64,
    /// Its currency.
    pub currency: Currency,
}

/// `payment.failed`: nothing is captured and nothing will be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct PaymentFailed {
    /// A stable word: `card_declined`, `insufficient_funds`, `fraud_rejected`, `fraud_unavailable`,
    /// `gateway_timeout`, …
    pub code: String,
    /// A sentence for a person.
    pub reason: String,
}

/// `payment.voided`: never charged, and never will be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct PaymentVoided {
    /// The event type that caused it.
    pub reason: String,
}

/// `payment.refunded`: captured money went back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct PaymentRefunded {
    /// The gateway's id of the refund.
    pub refund_id: String,
    /// What went back, minor units.
    pub amount_minor: i64,
    /// Its currency.
    pub currency: Currency,
}

/// `payment.refund.failed`: the gateway refuses the refund; a person must act. The debt stays.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct PaymentRefundFailed {
    /// What is owed, minor units.
    pub amount_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// A stable word.
    pub code: String,
    /// A sentence for a person.
    pub reason: String,
}

/// `payment.unresolved`: the gateway does not say what became of the charge; a person must act.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct PaymentUnresolved {
    /// What may have been captured, minor units.
    pub amount_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// A sentence for a person.
    pub reason: String,
}

amount!(PaymentRequested, PaymentProcessed, PaymentRefunded, PaymentRefundFailed, PaymentUnresolved);
