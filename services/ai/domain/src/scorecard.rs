//! From the points of the rules to a score, a verdict and the reasons for it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared_events::events::fraud::Verdict;

use crate::{
    Features, History,
    rules::{Facts, RULES},
};

/// The version of [`RULES`]; a change of any figure in them is a new version.
pub const MODEL_VERSION: &str = "scorecard-1";

/// What scores an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scorecard {
    /// Under which name.
    pub version: String,
    /// What follows from a score.
    pub thresholds: Thresholds,
}

impl Default for Scorecard {
    fn default() -> Self {
        Self { version: MODEL_VERSION.to_owned(), thresholds: Thresholds::default() }
    }
}

/// From which score on what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// A person decides.
    pub review: u8,
    /// The order is rejected.
    pub reject: u8,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { review: 60, reject: 85 }
    }
}

impl Thresholds {
    /// What follows from this score.
    #[must_use]
    pub const fn verdict(self, score: u8) -> Verdict {
        if score >= self.reject {
            Verdict::Reject
        } else if score >= self.review {
            Verdict::Review
        } else {
            Verdict::Approve
        }
    }
}

/// Why some of the points.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// Of which rule.
    pub code: String,
    /// How many; below zero they speak for the order.
    pub points: i64,
    /// A sentence with figures.
    pub sentence: String,
}

/// How an order was judged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Assessment {
    /// 0 (harmless) to 100.
    pub score: u8,
    /// What follows.
    pub verdict: Verdict,
    /// What the score is made of, most important first.
    pub reasons: Vec<Reason>,
    /// Which model said so.
    pub model_version: String,
    /// Share of the inputs that were known, in per cent; how much the score could know, and no
    /// probability.
    pub known_percent: u8,
    /// When.
    pub assessed_at: DateTime<Utc>,
}

impl Assessment {
    /// The reasons as sentences, most important first; never empty.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        if self.reasons.is_empty() {
            return vec!["Nothing speaks against this order.".to_owned()];
        }
        self.reasons.iter().map(|reason| reason.sentence.clone()).collect()
    }
}

impl Scorecard {
    /// Judges an order by itself and by what was before.
    #[must_use]
    pub fn assess(&self, features: &Features, history: &History, at: DateTime<Utc>) -> Assessment {
        let facts = Facts { features, history };
        let mut reasons: Vec<Reason> = RULES
            .iter()
            .filter_map(|rule| {
                let figure = (rule.figure)(&facts)?;
                let points = rule.steps.points(figure);
                let sentence = || (rule.sentence)(&facts, figure);
                (points != 0).then(|| Reason { code: rule.code.to_owned(), points, sentence: sentence() })
            })
            .collect();
        let sum: i64 = reasons.iter().map(|reason| reason.points).sum();
        // Stable: of equal points the rule that stands higher in the table comes first.
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.points));
        let score = u8::try_from(sum.clamp(0, 100)).unwrap_or(100);
        Assessment {
            score,
            verdict: self.thresholds.verdict(score),
            reasons,
            model_version: self.version.clone(),
            known_percent: known_percent(&facts),
            assessed_at: at,
        }
    }
}

/// The inputs a shop may leave out, and whether there is anything to compare with.
fn known_percent(facts: &Facts<'_>) -> u8 {
    let features = facts.features;
    let inputs = [
        features.customer.is_some(),
        features.account_opened.is_some(),
        features.disposable_mail.is_some(),
        features.device.is_some(),
        features.ip.is_some(),
        features.instrument.is_some(),
        features.country.is_some(),
        facts.history.orders > 0,
    ];
    let known = inputs.iter().filter(|known| **known).count();
    u8::try_from(known * 100 / inputs.len()).unwrap_or(100)
}
