//! How long notification waits for what, and how often it tries.

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Below these, a scaled-down deadline would measure how busy the machine is: mail would be put off
/// that could have begun at once, …
const START_WITHIN_MIN: Duration = Duration::from_secs(1);
/// … and sent a second time while the report of the first waits for its commit.
const REPORT_WITHIN_MIN: Duration = Duration::from_secs(4);

/// Deadlines and attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long a message waits for `order.placed`, which says whom to write to. Longer than the
    /// chassis's own ladder of retries (almost six minutes): after that the event is dead-lettered,
    /// and before it an address must not be assumed.
    pub recipient_within: Duration,
    /// How long an attempt may wait for its turn, counted from its decision. One that has not begun by
    /// then is put off: it does not begin any more, and comes back at once to be decided anew.
    pub start_within: Duration,
    /// How long a sender takes at most, by its own word; never scaled, as a mail server is not.
    pub send_within: Duration,
    /// How long the report of an attempt may take until it is decided about.
    pub report_within: Duration,
    /// The pause after the first failure; doubles each time.
    pub retry_first_after: Duration,
    /// The longest pause between two attempts.
    pub retry_at_most_every: Duration,
    /// The longest pause before another try for a turn. A minute: thousands that wait for a mail
    /// server which hangs must not keep the database busy.
    pub turn_at_most_every: Duration,
    /// Attempts altogether. Ten take eight and a half minutes, enough for a mail server's restart
    /// and for greylisting.
    pub attempts_max: u32,
    /// The pause after an attempt of which nobody knows whether the message left.
    pub unknown_again_after: Duration,
    /// How many such attempts a message may have: each but the last is repeated, and each repetition
    /// may be a copy in the customer's mailbox.
    pub unknown_max: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            recipient_within: 10 * MINUTE,
            start_within: 30 * SECOND,
            send_within: 2 * SECOND,
            report_within: 30 * SECOND,
            retry_first_after: SECOND,
            retry_at_most_every: 5 * MINUTE,
            turn_at_most_every: MINUTE,
            attempts_max: 10,
            unknown_again_after: 30 * MINUTE,
            unknown_max: 3,
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
            start_within: (self.start_within / scale).max(START_WITHIN_MIN),
            send_within: self.send_within,
            report_within: (self.report_within / scale).max(REPORT_WITHIN_MIN),
            retry_first_after: self.retry_first_after / scale,
            retry_at_most_every: self.retry_at_most_every / scale,
            turn_at_most_every: self.turn_at_most_every / scale,
            attempts_max: self.attempts_max,
            unknown_again_after: self.unknown_again_after / scale,
            unknown_max: self.unknown_max,
        }
    }

    /// The same policy with a sender that takes so long at most.
    #[must_use]
    pub fn sending_within(self, send_within: Duration) -> Self {
        Self { send_within, ..self }
    }

    /// How long an attempt may stay unheard of before it is made again. An attempt begins within
    /// `start_within` or is put off, ends within `send_within`, and is decided about soon after; so
    /// this finds only what a crash swallowed.
    #[must_use]
    pub fn answer_within(&self) -> Duration {
        self.start_within + self.send_within + self.report_within
    }

    /// The pause after that many attempts, of which the last one failed.
    #[must_use]
    pub fn pause_after(&self, attempts: u32) -> Duration {
        self.doubling(attempts).min(self.retry_at_most_every)
    }

    /// The pause after waiting that often in vain for a turn.
    #[must_use]
    pub fn pause_after_waiting(&self, put_off: u32) -> Duration {
        self.doubling(put_off).min(self.turn_at_most_every)
    }

    fn doubling(&self, times: u32) -> Duration {
        // 2^20 times any sensible first pause is past every cap; more would overflow.
        let doublings = times.saturating_sub(1).min(20);
        self.retry_first_after.saturating_mul(1 << doublings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_from_a_second_to_its_cap_and_never_overflows() {
        let policy = Policy::default();
        let seconds: Vec<_> = (1..12).map(|attempts| policy.pause_after(attempts).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(policy.pause_after(u32::MAX), 5 * MINUTE);
        assert_eq!(policy.pause_after(0), SECOND);
        assert_eq!(policy.pause_after_waiting(1), SECOND);
        assert_eq!(policy.pause_after_waiting(u32::MAX), MINUTE);
    }

    #[test]
    fn a_time_scale_divides_every_wait_but_leaves_a_sender_time_to_answer() {
        let policy = Policy::default().sending_within(11 * MINUTE);
        for scale in [1, 60, 10_000] {
            let scaled = policy.scaled(scale);
            assert_eq!(scaled.send_within, 11 * MINUTE);
            assert!(scaled.answer_within() >= 11 * MINUTE + START_WITHIN_MIN + REPORT_WITHIN_MIN);
        }
        let scaled = policy.scaled(60);
        assert_eq!(scaled.recipient_within, 10 * SECOND);
        assert_eq!(scaled.retry_at_most_every, 5 * SECOND);
        assert_eq!(scaled.unknown_again_after, 30 * SECOND);
        assert_eq!((scaled.attempts_max, scaled.unknown_max), (10, 3));
        assert_eq!(policy.scaled(0), policy);
    }

    #[test]
    fn no_address_is_assumed_while_the_event_that_tells_it_may_still_be_retried() {
        let ladder: Duration = chassis::topology::LADDER.iter().map(|rung| rung.delay).sum();
        // Each of the six tries takes its time as well.
        assert!(Policy::default().recipient_within > ladder + 6 * 30 * SECOND, "{ladder:?}");
    }
}
