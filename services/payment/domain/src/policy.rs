//! How long payment waits for what, and how often it tries: section 3 of the choreography.

use std::{str::FromStr, time::Duration};

/// Every deadline and limit of payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether a charge waits for the fraud verdict.
    pub fraud_mode: FraudMode,
    /// What happens in gate mode when no verdict comes in time.
    pub fraud_fallback: FraudFallback,
    /// How long a payment that may otherwise charge waits for a verdict (gate mode).
    pub verdict_deadline: Duration,
    /// How long a question to the gateway may stay open before it is asked about. Longer than the
    /// HTTP client's own limit: it only fires for a question that a crash has swallowed.
    pub answer_deadline: Duration,
    /// The first pause after a question that was not answered; it doubles each time.
    pub backoff_first: Duration,
    /// The longest pause between two questions.
    pub backoff_longest: Duration,
    /// How long the gateway is asked before a person is.
    pub give_up_after: Duration,
    /// How many charges are sent, all under one key, to a gateway that says it never heard of them.
    pub charges_max: u8,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            fraud_mode: FraudMode::Observe,
            fraud_fallback: FraudFallback::FailOpen,
            verdict_deadline: Duration::from_secs(2),
            answer_deadline: Duration::from_secs(30),
            backoff_first: Duration::from_secs(1),
            backoff_longest: Duration::from_secs(5 * 60),
            give_up_after: Duration::from_secs(60 * 60),
            charges_max: 3,
        }
    }
}

impl Policy {
    /// The same policy with every deadline divided by `time_scale` (development and tests); 0 counts
    /// as 1.
    #[must_use]
    pub fn scaled(self, time_scale: u32) -> Self {
        let scale = time_scale.max(1);
        Self {
            verdict_deadline: self.verdict_deadline / scale,
            answer_deadline: self.answer_deadline / scale,
            backoff_first: self.backoff_first / scale,
            backoff_longest: self.backoff_longest / scale,
            give_up_after: self.give_up_after / scale,
            ..self
        }
    }

    /// The pause after `unanswered` questions in a row went unanswered before this one.
    pub(crate) fn backoff(&self, unanswered: u16) -> Duration {
        // 2^16 seconds are far beyond any sensible longest pause, and cannot overflow.
        let factor = 1_u32 << unanswered.min(16);
        self.backoff_first.saturating_mul(factor).min(self.backoff_longest)
    }
}

/// Whether a charge waits for the fraud verdict (rule 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FraudMode {
    /// Payment does not wait; verdicts are noted.
    Observe,
    /// No charge before a verdict, or before its deadline.
    Gate,
}

/// What happens in gate mode when no verdict comes in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FraudFallback {
    /// Charge, marked as not assessed.
    FailOpen,
    /// Fail with code `fraud_unavailable`.
    FailClosed,
}

/// A configuration word that means nothing here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownWord {
    word: String,
    expected: &'static str,
}

impl std::fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is not one of {}", self.word, self.expected)
    }
}

impl std::error::Error for UnknownWord {}

impl FromStr for FraudMode {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "observe" => Ok(Self::Observe),
            "gate" => Ok(Self::Gate),
            other => Err(UnknownWord { word: other.to_owned(), expected: "observe, gate" }),
        }
    }
}

impl FromStr for FraudFallback {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "fail_open" => Ok(Self::FailOpen),
            "fail_closed" => Ok(Self::FailClosed),
            other => Err(UnknownWord { word: other.to_owned(), expected: "fail_open, fail_closed" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_from_one_second_to_five_minutes() {
        let policy = Policy::default();
        let pauses: Vec<_> = (0..11).map(|tries| policy.backoff(tries).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(policy.backoff(u16::MAX).as_secs(), 300);
    }

    #[test]
    fn a_time_scale_divides_every_deadline_and_leaves_the_counts_alone() {
        let scaled = Policy::default().scaled(10);
        assert_eq!(scaled.verdict_deadline, Duration::from_millis(200));
        assert_eq!(scaled.answer_deadline, Duration::from_secs(3));
        assert_eq!(scaled.backoff_first, Duration::from_millis(100));
        assert_eq!(scaled.backoff_longest, Duration::from_secs(30));
        assert_eq!(scaled.give_up_after, Duration::from_secs(360));
        assert_eq!(scaled.charges_max, 3);
        assert_eq!(Policy::default().scaled(0), Policy::default());
    }

    #[test]
    fn configuration_words_are_read_exactly() {
        assert_eq!("gate".parse(), Ok(FraudMode::Gate));
        assert_eq!("fail_closed".parse(), Ok(FraudFallback::FailClosed));
        let error = "Gate".parse::<FraudMode>().unwrap_err();
        assert_eq!(error.to_string(), "`Gate` is not one of observe, gate");
    }
}
