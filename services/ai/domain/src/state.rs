//! All that the AI service knows of one order.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared_events::events::fraud::Ruling;

use crate::{Assessment, Features};

/// One order's assessment; `Default` is "never heard of the order".
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// What the order told about itself, once `order.placed` has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed: Option<Features>,
    /// Its score. Never changed: what a newer model would say is of no interest to this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assessment: Option<Assessment>,
    /// The review, if the verdict asked for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// What became of it, for the orders that come later.
    pub happened: Happened,
}

/// What is known of an order's way. Each fact is only ever added, so that the order in which events
/// arrive does not matter; they may come before `order.placed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Happened {
    /// The instrument was declined. A failure of the gateway, or one that fraud assessment itself
    /// caused, is not counted: neither is the customer's attempt.
    pub payment_failed: bool,
    /// It was confirmed.
    pub confirmed: bool,
    /// It ended cancelled or failed.
    pub died: bool,
    /// It was delivered.
    pub delivered: bool,
}

impl Happened {
    /// Whether the customer's money is known to be captured, and the order on its way: a verdict
    /// cannot keep it from being charged any more.
    #[must_use]
    pub const fn is_charged(self) -> bool {
        self.confirmed || self.delivered
    }
}

/// A person is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Review {
    /// How far it is.
    pub status: ReviewStatus,
    /// When the deadline decides.
    pub until: DateTime<Utc>,
    /// What was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<ReviewDecision>,
    /// Why it was closed without a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_because: Option<Closing>,
}

/// How far a review is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewStatus {
    /// Somebody has to decide.
    Open,
    /// Somebody, or the deadline, has decided. Final.
    Decided,
    /// Nobody decided, and nobody has to any more. Final.
    Closed,
}

/// Why a review was closed without a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// The order died: nothing is charged, or it goes back anyway.
    OrderDied,
    /// The order was confirmed meanwhile, and until the deadline nobody looked at it: a verdict that
    /// no person stands behind says nothing about money that is captured.
    OrderConfirmed,
}

impl ReviewStatus {
    /// Every status.
    pub const ALL: &'static [Self] = &[Self::Open, Self::Decided, Self::Closed];

    /// The word in storage and on the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Decided => "decided",
            Self::Closed => "closed",
        }
    }
}

/// The end of a review.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReviewDecision {
    /// What.
    pub verdict: Ruling,
    /// A person's name, or `deadline`.
    pub decided_by: String,
    /// When.
    pub decided_at: DateTime<Utc>,
    /// Why, in that person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
