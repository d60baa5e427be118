//! Shipping's deadlines (section 3 of the choreography).

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// How long shipping waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long a call to the carrier may stay unheard of before the carrier is asked about the
    /// key; finds the calls that a crash swallowed.
    pub answer_within: Duration,
    /// How soon the carrier is asked after it gave no answer, the first time; doubles each time.
    pub ask_first_after: Duration,
    /// The longest pause between two questions.
    pub ask_at_most_every: Duration,
    /// How long a booking may stay unclear before it is cancelled by its key, and how often an
    /// unconfirmed cancel raises the alarm.
    pub give_up_after: Duration,
    /// How often the carrier is asked how far a booked parcel is. Normally its callbacks tell; this
    /// finds the ones that were lost for ever.
    pub poll_every: Duration,
    /// How long after the estimated delivery it is asked at once.
    pub overdue_after: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            answer_within: 30 * SECOND,
            ask_first_after: SECOND,
            ask_at_most_every: 5 * MINUTE,
            give_up_after: HOUR,
            poll_every: 10 * MINUTE,
            overdue_after: HOUR,
        }
    }
}

impl Policy {
    /// The same policy with every wait divided by `time_scale` (development and tests only).
    #[must_use]
    pub fn scaled(self, time_scale: u32) -> Self {
        let scale = time_scale.max(1);
        Self {
            answer_within: self.answer_within / scale,
            ask_first_after: self.ask_first_after / scale,
            ask_at_most_every: self.ask_at_most_every / scale,
            give_up_after: self.give_up_after / scale,
            poll_every: self.poll_every / scale,
            overdue_after: self.overdue_after / scale,
        }
    }

    /// The pause before the next question when `asks` were asked already.
    #[must_use]
    pub fn pause_after(&self, asks: u32) -> Duration {
        // 2^20 times any sensible first pause is past the cap; more would overflow.
        self.ask_first_after.saturating_mul(1 << asks.min(20)).min(self.ask_at_most_every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_from_a_second_to_five_minutes_and_never_overflows() {
        let policy = Policy::default();
        let seconds: Vec<_> = (0..11).map(|asks| policy.pause_after(asks).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(policy.pause_after(u32::MAX), 5 * MINUTE);
    }

    #[test]
    fn a_time_scale_divides_every_wait_and_zero_counts_as_one() {
        let scaled = Policy::default().scaled(60);
        assert_eq!(scaled.answer_within, SECOND / 2);
        assert_eq!(scaled.give_up_after, MINUTE);
        assert_eq!(scaled.poll_every, 10 * SECOND);
        assert_eq!(scaled.overdue_after, MINUTE);
        assert_eq!(scaled.ask_at_most_every, 5 * SECOND);
        assert_eq!(Policy::default().scaled(0), Policy::default());
    }
}
