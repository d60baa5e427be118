//! How long the order waits, and how often it asks again (`docs/choreography.md`, section 3).

use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Every deadline and limit of the order; [`Default`] gives the choreography's figures.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// From placing (or from a review's decision) to confirmation.
    pub confirm_within: Duration,
    /// From a verdict `review` to confirmation: the reviewer's 24 hours and time to charge.
    pub confirm_within_review: Duration,
    /// Between asking shipping again for an order that is confirmed.
    pub shipping_resend: Duration,
    /// Between asking shipping again about a cancellation.
    pub cancel_resend: Duration,
    /// Asked that often without an answer, shipping is reported as stuck.
    pub asks_before_alarm: u32,
    /// How late a delivery may be before somebody is called.
    pub delivery_grace: Duration,
    /// The longest estimate of a carrier that is believed; a nonsensical date must not disarm the watch.
    pub transit_max: Duration,
    /// The first wait for the answers to a dead order; each further one is twice as long.
    pub compensation_first: Duration,
    /// The longest of these waits.
    pub compensation_max: Duration,
    /// After this long compensation is stuck. Longer than payment's own hour of asking the gateway,
    /// so that an order is not reported while payment is still finding out.
    pub compensation_give_up: Duration,
    /// Between asking again while stuck: a lost answer still heals without a person, at a rate that
    /// costs nothing.
    pub stuck_resend: Duration,
    /// What the carrier's estimates are divided by, as all other times are.
    pub time_scale: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            confirm_within: 5 * MINUTE,
            confirm_within_review: 24 * HOUR + 30 * MINUTE,
            shipping_resend: 2 * MINUTE,
            cancel_resend: 2 * MINUTE,
            asks_before_alarm: 3,
            delivery_grace: 24 * HOUR,
            transit_max: 60 * 24 * HOUR,
            compensation_first: 2 * MINUTE,
            compensation_max: 15 * MINUTE,
            compensation_give_up: 75 * MINUTE,
            stuck_resend: HOUR,
            time_scale: 1,
        }
    }
}

impl Policy {
    /// The same policy with every time divided by `time_scale` (development and tests).
    #[must_use]
    pub fn scaled(self, time_scale: u32) -> Self {
        let by = time_scale.max(1);
        Self {
            confirm_within: self.confirm_within / by,
            confirm_within_review: self.confirm_within_review / by,
            shipping_resend: self.shipping_resend / by,
            cancel_resend: self.cancel_resend / by,
            asks_before_alarm: self.asks_before_alarm,
            delivery_grace: self.delivery_grace / by,
            transit_max: self.transit_max / by,
            compensation_first: self.compensation_first / by,
            compensation_max: self.compensation_max / by,
            compensation_give_up: self.compensation_give_up / by,
            stuck_resend: self.stuck_resend / by,
            time_scale: self.time_scale.saturating_mul(by),
        }
    }

    /// How long to wait after having asked `resends` times about a dead order; `None` when the
    /// time is up. The last wait is cut so that the sum is exactly `compensation_give_up`.
    #[must_use]
    pub fn compensation_wait(&self, resends: u32) -> Option<Duration> {
        let mut waited = Duration::ZERO;
        let mut wait = self.compensation_first;
        for _ in 0..resends {
            waited += wait;
            wait = (wait * 2).min(self.compensation_max);
            if waited >= self.compensation_give_up {
                return None;
            }
        }
        Some(wait.min(self.compensation_give_up - waited))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compensation_waits_double_to_fifteen_minutes_and_end_after_seventy_five() {
        let policy = Policy::default();
        let waits: Vec<u64> =
            (0..).map_while(|n| policy.compensation_wait(n)).map(|wait| wait.as_secs() / 60).collect();
        assert_eq!(waits, [2, 4, 8, 15, 15, 15, 15, 1]);
        assert_eq!(waits.iter().sum::<u64>(), 75);
    }

    #[test]
    fn a_scaled_policy_keeps_the_number_of_waits_and_divides_their_length() {
        let scaled = Policy::default().scaled(60);
        assert_eq!(scaled.confirm_within, Duration::from_secs(5));
        assert_eq!(scaled.compensation_wait(0), Some(Duration::from_secs(2)));
        assert_eq!((0..).map_while(|n| scaled.compensation_wait(n)).count(), 8);
        assert_eq!(Policy::default().scaled(0), Policy::default(), "a scale of 0 means unscaled");
    }
}
