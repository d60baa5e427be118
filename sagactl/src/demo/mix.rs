//! How many orders end otherwise than well.

use super::dice::Dice;

/// Shares of orders that end otherwise than well, each between 0 and 1; what the cards leave over pays with `tok_ok`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutcomeMix {
    /// `tok_declined`
    pub declined: f64,
    /// `tok_insufficient_funds`
    pub insufficient_funds: f64,
    /// `tok_timeout`: the gateway never answers and never captures.
    pub timeout: f64,
    /// `tok_timeout_captured`: the gateway never answers, but captured.
    pub timeout_captured: f64,
    /// `tok_error_twice`
    pub error_twice: f64,
    /// `tok_slow`
    pub slow: f64,
    /// `tok_refund_refused`: a debt for a person whenever such an order is undone, hence none by default.
    pub refund_refused: f64,
    /// Sent to country `XX`, which the carrier refuses.
    pub carrier_refused: f64,
    /// Cancelled shortly after they were placed.
    pub cancelled: f64,
}

impl OutcomeMix {
    /// Every order is paid and delivered.
    pub const ALL_WELL: Self = Self {
        declined: 0.0,
        insufficient_funds: 0.0,
        timeout: 0.0,
        timeout_captured: 0.0,
        error_twice: 0.0,
        slow: 0.0,
        refund_refused: 0.0,
        carrier_refused: 0.0,
        cancelled: 0.0,
    };

    /// The token of the next card.
    pub(super) fn token(&self, dice: &mut Dice) -> &'static str {
        let cards = [
            ("tok_declined", self.declined),
            ("tok_insufficient_funds", self.insufficient_funds),
            ("tok_timeout", self.timeout),
            ("tok_timeout_captured", self.timeout_captured),
            ("tok_error_twice", self.error_twice),
            ("tok_slow", self.slow),
            ("tok_refund_refused", self.refund_refused),
        ];
        let mut left = dice.unit();
        for (token, share) in cards {
            left -= share;
            if left < 0.0 {
                return token;
            }
        }
        "tok_ok"
    }
}

impl Default for OutcomeMix {
    /// 92 % of the cards are good.
    fn default() -> Self {
        Self {
            declined: 0.025,
            insufficient_funds: 0.015,
            timeout: 0.005,
            timeout_captured: 0.01,
            error_twice: 0.015,
            slow: 0.01,
            refund_refused: 0.0,
            carrier_refused: 0.01,
            cancelled: 0.02,
        }
    }
}
