//! What the AI service says about fraud.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What is to be done with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Charge.
    Approve,
    /// Wait for a person.
    Review,
    /// Do not charge.
    Reject,
}

/// What a review ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// Charge.
    Approve,
    /// Do not charge.
    Reject,
}

/// `fraud.assessed`: an order was scored.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct FraudAssessed {
    /// 0 (harmless) to 100.
    pub score: u8,
    /// What follows from it.
    pub verdict: Verdict,
    /// Sentences with figures, most important first.
    pub reasons: Vec<String>,
    /// Which model said so.
    pub model_version: String,
    /// Until when a person may decide; present when the verdict is `review`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_until: Option<DateTime<Utc>>,
}

/// `fraud.reviewed`: a person, or the review's own deadline, decided.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct FraudReviewed {
    /// The decision.
    pub verdict: Ruling,
    /// Who decided: a person's name, or `deadline`.
    pub decided_by: String,
}
