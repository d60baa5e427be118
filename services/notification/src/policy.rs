//! How long notification waits for what, and how often it tries.

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Below this, a scaled-down deadline would measure how busy the machine is, and a message that is
/// only waiting its turn would be sent twice.
const ANSWER_WITHIN_MIN: Duration = Duration::from_secs(5);

/// Deadlines and attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long a message waits for `order.placed`, which says whom to write to. Events of one
    /// order come seconds apart at most; a minute means that the event is lost or dead-lettered.
    pub recipient_within: Duration,
    /// How long a sending may stay unheard of before it is done again: longer than any sender takes
    /// to give up by itself, so that it finds only what a crash swallowed.
    pub answer_within: Duration,
    /// The pause after the first failure; doubles each time.
    pub retry_first_after: Duration,
    /// The longest pause between two attempts.
    pub retry_at_most_every: Duration,
    /// Attempts altogether. Ten take eight and a half minutes, enough for a mail server's restart
    /// and for greylisting.
    pub attempts_max: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            recipient_within: MINUTE,
            answer_within: MINUTE,
            retry_first_after: SECOND,
            retry_at_most_every: 5 * MINUTE,
            attempts_max: 10,
        }
    }
}

impl Policy {
    /// The same policy with every wait divided by `time_scale` (development and tests only).
    #[must_use]
    pub fn scaled(self, time_scale: u32) -> Self {
        let scale = time_scale.max(1);
        Self {
            recipient_within: self.recipient_within / scale,
            answer_within: (self.answer_within / scale).max(ANSWER_WITHIN_MIN),
            retry_first_after: self.retry_first_after / scale,
            retry_at_most_every: self.retry_at_most_every / scale,
            attempts_max: self.attempts_max,
        }
    }

    /// The pause after that many attempts, of which the last one failed.
    #[must_use]
    pub fn pause_after(&self, attempts: u32) -> Duration {
        // 2^20 times any sensible first pause is past the cap; more would overflow.
        let doublings = attempts.saturating_sub(1).min(20);
        self.retry_first_after.saturating_mul(1 << doublings).min(self.retry_at_most_every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_from_a_second_to_five_minutes_and_never_overflows() {
        let policy = Policy::default();
        let seconds: Vec<_> = (1..12).map(|attempts| policy.pause_after(attempts).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(policy.pause_after(u32::MAX), 5 * MINUTE);
        assert_eq!(policy.pause_after(0), SECOND);
    }

    #[test]
    fn a_time_scale_divides_every_wait_but_leaves_a_sender_time_to_answer() {
        let scaled = Policy::default().scaled(60);
        assert_eq!(scaled.recipient_within, SECOND);
        assert_eq!(scaled.answer_within, ANSWER_WITHIN_MIN);
        assert_eq!(scaled.retry_at_most_every, 5 * SECOND);
        assert_eq!(scaled.attempts_max, 10);
        assert_eq!(Policy::default().scaled(0), Policy::default());
    }
}
