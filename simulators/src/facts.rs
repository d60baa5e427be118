//! The facts of the outside world, as they stand in the journal, one JSON line each.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One line of the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// When it happened, by the simulators' own clock.
    pub(crate) at: DateTime<Utc>,
    /// The order it concerns; `None` when the key did not say and nobody told.
    pub(crate) order_id: Option<Uuid>,
    #[serde(flatten)]
    pub(crate) fact: Fact,
}

/// What happened. Tokens, cards and addresses never get here: the journal holds outcomes only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub(crate) enum Fact {
    ChargeCaptured {
        key: String,
        charge_id: String,
        amount_minor: i64,
        currency: String,
        /// The bank behind this card refuses refunds until someone allows them.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        refunds_refused: bool,
    },
    ChargeDeclined {
        key: String,
        amount_minor: i64,
        currency: String,
        code: DeclineCode,
    },
    /// Also for a key never heard of: from then on nothing can be captured under it.
    ChargeVoided {
        key: String,
    },
    /// The request was swallowed; nothing was captured.
    ChargeUnanswered {
        key: String,
    },
    /// A server error was answered; nothing was captured.
    ChargeErrored {
        key: String,
    },
    RefundMade {
        key: String,
        refund_key: String,
        refund_id: String,
        amount_minor: i64,
    },
    RefundRefused {
        key: String,
        refund_key: String,
        amount_minor: i64,
    },
    /// For the order of the entry; without one, for every order known at that moment.
    RefundsAllowed {},
    BookingMade {
        key: String,
        tracking_number: String,
        estimated_delivery: DateTime<Utc>,
    },
    BookingRefused {
        key: String,
    },
    /// Also for a key never heard of: from then on nothing can be booked under it.
    BookingCancelled {
        key: String,
    },
    HandedOver {
        key: String,
    },
    Delivered {
        key: String,
    },
    /// The shipping service has been told, and this is how it answered.
    ShippingTold {
        key: String,
        milestone: Milestone,
        http_status: u16,
    },
}

/// Why a charge was declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeclineCode {
    CardDeclined,
    InsufficientFunds,
    UnknownToken,
}

impl DeclineCode {
    /// A sentence for people; never repeats what was sent.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::CardDeclined => "The card was declined.",
            Self::InsufficientFunds => "The account does not cover the amount.",
            Self::UnknownToken => "The payment token is not known here.",
        }
    }
}

/// The two things the carrier reports by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Milestone {
    Dispatch,
    Deliver,
}

impl Milestone {
    /// The last segment of the call that reports it.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Dispatch => "dispatch",
            Self::Deliver => "deliver",
        }
    }
}

/// The order a key like `payment:<order_id>` speaks of, if it is of that form.
pub(crate) fn order_of_key(key: &str) -> Option<Uuid> {
    let (_, id) = key.split_once(':')?;
    Uuid::try_parse(id).ok()
}
