//! What payment knows of one order. Stored as JSON on every change, so it is small, and a field that
//! an older row lacks takes its default.

use serde::{Deserialize, Serialize};
use shared_events::{Currency, CustomerId, EventType, Money};

/// All that payment knows of one order; the default is "never heard of it".
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Where it stands.
    pub status: Status,
    /// What is to be charged; from `order.placed`.
    pub intent: Option<Intent>,
    /// Whether the stock is held; from `inventory.reserved`.
    pub reserved: bool,
    /// What fraud assessment says; a review never overwrites a decision.
    pub fraud: Opinion,
    /// The event that ended the order, once one has; from then on nothing captured is kept.
    pub dead: Option<EventType>,
    /// What the gateway is known to have done with our one key.
    pub fate: Fate,
    /// How many charges were sent, all under the same key.
    pub charges_sent: u8,
    /// How often the present question went unanswered: the exponent of the back-off.
    pub unanswered: u16,
    /// How the gateway last failed to answer a charge, or a refund once one is under way.
    pub silence: Option<Silence>,
    /// What was captured, minor units.
    pub captured_minor: i64,
    /// What went back, minor units.
    pub refunded_minor: i64,
    /// The gateway's own id of the capture.
    pub charge_id: Option<String>,
    /// The gateway's own id of the refund.
    pub refund_id: Option<String>,
    /// Why it was declined, failed, or cannot be refunded.
    pub failure: Option<Failure>,
    /// Whether `payment.unresolved` was said. It is said once; alarms may repeat.
    pub unresolved_said: bool,
    /// Whether `payment.refund.failed` was said. It is said once (rule 3).
    pub refund_failed_said: bool,
}

impl State {
    /// The order's total, once known.
    #[must_use]
    pub fn amount(&self) -> Option<Money> {
        self.intent.as_ref().map(Intent::amount)
    }
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for the facts it needs before it may charge: intent, reservation, in gate mode a verdict.
    #[default]
    Collecting,
    /// The first charge was sent and is not answered yet.
    Charging,
    /// A charge went unanswered; the gateway is asked what became of it.
    Unknown,
    /// The gateway was asked to make a capture impossible, and has not confirmed it yet.
    Voiding,
    /// The gateway did not say for too long what became of the charge; waits for a person.
    Unresolved,
    /// The money is ours. Final unless the order dies.
    Captured,
    /// Nothing is captured and nothing will be. Final.
    Failed,
    /// The order died and nothing is captured, nor will be. Final.
    Voided,
    /// The order died, the money is on its way back.
    Refunding,
    /// The gateway refuses the refund, or did not answer for too long; waits for a person.
    RefundStuck,
    /// The money went back. Final.
    Refunded,
}

impl Status {
    /// All of them, in the order of a payment's life.
    pub const ALL: &'static [Self] = &[
        Self::Collecting,
        Self::Charging,
        Self::Unknown,
        Self::Voiding,
        Self::Unresolved,
        Self::Captured,
        Self::Failed,
        Self::Voided,
        Self::Refunding,
        Self::RefundStuck,
        Self::Refunded,
    ];

    /// The stored word, equal to its JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Collecting => "collecting",
            Self::Charging => "charging",
            Self::Unknown => "unknown",
            Self::Voiding => "voiding",
            Self::Unresolved => "unresolved",
            Self::Captured => "captured",
            Self::Failed => "failed",
            Self::Voided => "voided",
            Self::Refunding => "refunding",
            Self::RefundStuck => "refund_stuck",
            Self::Refunded => "refunded",
        }
    }

    /// Whether the gateway may be doing something about this order that we do not know of yet, so
    /// that its books and ours may rightly differ.
    #[must_use]
    pub const fn is_in_flight(self) -> bool {
        match self {
            Self::Charging | Self::Unknown | Self::Voiding | Self::Unresolved | Self::Refunding => true,
            Self::Collecting
            | Self::Captured
            | Self::Failed
            | Self::Voided
            | Self::RefundStuck
            | Self::Refunded => false,
        }
    }
}

/// What is to be charged, to whom, and by which means.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Intent {
    /// Who pays.
    pub customer_id: CustomerId,
    /// The order's total, minor units.
    pub amount_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// Kind of the payment method: `credit_card`, …
    pub method: String,
    /// The gateway's own name for the instrument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Brand of the card, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_brand: Option<String>,
    /// Last four digits of the card, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_last_four: Option<String>,
}

impl Intent {
    /// The order's total.
    #[must_use]
    pub const fn amount(&self) -> Money {
        Money::new(self.amount_minor, self.currency)
    }
}

/// What is known of the fraud assessment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opinion {
    /// No verdict yet.
    #[default]
    Unheard,
    /// A person is asked.
    Review,
    /// May be charged.
    Approve,
    /// Must not be charged.
    Reject,
}

/// What the gateway is known to have done with our key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The key was never used.
    #[default]
    Unused,
    /// It was used, and we do not know what came of it.
    Open,
    /// Captured.
    Captured,
    /// Declined.
    Declined,
    /// Voided: a capture under this key has become impossible.
    Voided,
}

/// How the gateway fails to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// It took the question and said nothing within our limit.
    Timeout,
    /// It could not be reached, or answered with an error of its own.
    Unavailable,
}

impl Silence {
    /// The stable word in `payment.failed` and `payment.refund.failed`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Timeout => "gateway_timeout",
            Self::Unavailable => "gateway_unavailable",
        }
    }
}

/// Why something did not work out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Failure {
    /// A stable word: `card_declined`, `fraud_rejected`, `gateway_timeout`, …
    pub code: String,
    /// A sentence for a person.
    pub reason: String,
}

impl Failure {
    /// A failure with its code and its sentence.
    pub(crate) fn new(code: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { code: code.into(), reason: reason.into() }
    }
}
