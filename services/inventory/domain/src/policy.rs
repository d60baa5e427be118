//! How long inventory waits, and how often it asks.

use std::time::Duration;

/// The deadlines of a reservation (`docs/choreography.md`, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// How long stock is held before inventory asks what became of the order. Three times the
    /// order's own five minutes, so that the question is asked only when something was lost.
    pub hold: Duration,
    /// The same while a person reviews the order: longer than the review's 24 h and the order's
    /// 24 h 30 min, so that no hold is questioned during a review.
    pub hold_under_review: Duration,
    /// How long after the first `inventory.hold.expired` it is said again; doubles each time.
    pub ask_again_first: Duration,
    /// The longest pause between two questions.
    pub ask_again_max: Duration,
    /// From this many unanswered questions on, each further one also calls a person: by then
    /// about half an hour has passed in which a running order service would have answered.
    pub asks_before_alarm: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            hold: Duration::from_secs(15 * 60),
            hold_under_review: Duration::from_secs(25 * 60 * 60),
            ask_again_first: Duration::from_secs(60),
            ask_again_max: Duration::from_secs(15 * 60),
            asks_before_alarm: 6,
        }
    }
}

impl Policy {
    /// The same rules in a faster world: every deadline divided by `time_scale` (development and
    /// tests only; 0 counts as 1).
    #[must_use]
    pub fn scaled(self, time_scale: u32) -> Self {
        let scale = time_scale.max(1);
        Self {
            hold: self.hold / scale,
            hold_under_review: self.hold_under_review / scale,
            ask_again_first: self.ask_again_first / scale,
            ask_again_max: self.ask_again_max / scale,
            asks_before_alarm: self.asks_before_alarm,
        }
    }

    /// The pause after the `asked`-th question, counted from 1.
    #[must_use]
    pub fn ask_again_after(&self, asked: u32) -> Duration {
        let doublings = asked.saturating_sub(1);
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.ask_again_first.saturating_mul(factor).min(self.ask_again_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_figures_are_those_of_the_choreography() {
        let policy = Policy::default();
        assert_eq!(policy.hold, Duration::from_secs(900));
        assert_eq!(policy.hold_under_review, Duration::from_secs(90_000));
        assert_eq!(policy.ask_again_max, Duration::from_secs(900));
    }

    #[test]
    fn questions_are_repeated_with_doubling_pauses_up_to_fifteen_minutes() {
        let policy = Policy::default();
        let minutes: Vec<_> = (1..=7).map(|asked| policy.ask_again_after(asked).as_secs() / 60).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 15, 15, 15]);
        for asked in [0, 31, 32, 33, 64, u32::MAX] {
            assert!(policy.ask_again_after(asked) <= policy.ask_again_max, "{asked}");
        }
        assert_eq!(policy.ask_again_after(u32::MAX), policy.ask_again_max);
    }

    #[test]
    fn a_time_scale_divides_every_deadline_and_zero_counts_as_one() {
        let fast = Policy::default().scaled(60);
        assert_eq!(fast.hold, Duration::from_secs(15));
        assert_eq!(fast.hold_under_review, Duration::from_secs(1500));
        assert_eq!(fast.ask_again_first, Duration::from_secs(1));
        assert_eq!(fast.ask_again_max, Duration::from_secs(15));
        assert_eq!(Policy::default().scaled(0), Policy::default());
    }
}
