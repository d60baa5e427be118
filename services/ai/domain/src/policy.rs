//! How the AI service judges, and how long it waits for people (section 3 of the choreography).

use std::time::Duration;

use shared_events::events::fraud::Ruling;

use crate::Scorecard;

/// What an installation may choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What scores new orders.
    pub scorecard: Scorecard,
    /// How long a person has to decide a review.
    pub review_for: Duration,
    /// What a review ends with when nobody decided.
    pub deadline_verdict: Ruling,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            scorecard: Scorecard::default(),
            review_for: Duration::from_secs(24 * 3600),
            deadline_verdict: Ruling::Reject,
        }
    }
}

impl Policy {
    /// The same policy with every wait divided by `time_scale` (development and tests only). The
    /// windows of the scorecard are no waits, and stay.
    #[must_use]
    pub fn scaled(self, time_scale: u32) -> Self {
        Self { review_for: self.review_for / time_scale.max(1), ..self }
    }
}
