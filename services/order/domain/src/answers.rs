//! What a dead order is waiting for: one answer per participant, and how far that has come.

use serde::{Deserialize, Serialize};
use shared_events::EventType;

/// How far the making good of a dead order has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compensation {
    /// The order lives, or was delivered.
    #[default]
    None,
    /// Somebody still has to answer.
    Pending,
    /// Both have answered. Final.
    Complete,
    /// Somebody cannot answer without a person, or has not for too long. Ends when the answer comes.
    Stuck,
}

impl Compensation {
    /// The word of the HTTP API and of the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Complete => "complete",
            Self::Stuck => "stuck",
        }
    }
}

/// One answer per participant: what closed its account of this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Answers {
    /// Inventory's.
    pub inventory: Option<InventoryAnswer>,
    /// Payment's.
    pub payment: Option<PaymentAnswer>,
    /// What keeps payment from answering.
    pub trouble: Option<Trouble>,
}

/// What closes inventory's account: nothing is held any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InventoryAnswer {
    /// `inventory.reserve.failed`: nothing ever was.
    ReserveFailed,
    /// `inventory.released`.
    Released,
}

impl InventoryAnswer {
    /// The event that says so.
    #[must_use]
    pub const fn event_type(self) -> EventType {
        match self {
            Self::ReserveFailed => EventType::InventoryReserveFailed,
            Self::Released => EventType::InventoryReleased,
        }
    }
}

/// What closes payment's account: no money of this order is with us any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentAnswer {
    /// `payment.failed`: never captured.
    Failed,
    /// `payment.voided`: never charged.
    Voided,
    /// `payment.refunded`: captured and given back.
    Refunded,
}

impl PaymentAnswer {
    /// The event that says so.
    #[must_use]
    pub const fn event_type(self) -> EventType {
        match self {
            Self::Failed => EventType::PaymentFailed,
            Self::Voided => EventType::PaymentVoided,
            Self::Refunded => EventType::PaymentRefunded,
        }
    }
}

/// Why payment cannot close its account without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// `payment.unresolved`: the gateway does not say what became of the charge.
    Unresolved,
    /// `payment.refund.failed`: the gateway refuses the refund.
    RefundFailed,
}

impl Trouble {
    /// The event that says so.
    #[must_use]
    pub const fn event_type(self) -> EventType {
        match self {
            Self::Unresolved => EventType::PaymentUnresolved,
            Self::RefundFailed => EventType::PaymentRefundFailed,
        }
    }
}
