//! Whatever can happen to a payment, and what payment can ask of the gateway.

use shared_events::{Event, Money, OrderId, Timer};

use crate::Silence;

/// What can happen to a payment.
// As with `Event` itself: one large variant, moved a handful of times, never kept in bulk.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A fact somebody published.
    Event(Event),
    /// A deadline has passed.
    Timer(PaymentTimer),
    /// The gateway answered, or did not. May come late, twice, or after the state moved on.
    Answer(Answer),
    /// A person wants something.
    Command(Command),
}

impl From<Event> for Input {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

impl Input {
    /// How the saga log names this input.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Event(event) => event.event_type().as_str().to_owned(),
            Self::Timer(timer) => format!("timer:{}", timer.name()),
            Self::Answer(answer) => format!("gateway:{}", answer.name()),
            Self::Command(command) => format!("command:{}", command.name()),
        }
    }
}

/// The deadlines of payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentTimer {
    /// No verdict came in time (gate mode).
    Verdict,
    /// Ask the gateway, again.
    Ask,
    /// The gateway was asked long enough.
    GiveUp,
}

impl Timer for PaymentTimer {
    const ALL: &'static [Self] = &[Self::Verdict, Self::Ask, Self::GiveUp];

    fn name(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Ask => "ask",
            Self::GiveUp => "give_up",
        }
    }
}

/// What is asked of the gateway, always under the order's one key (rule 2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Capture this amount.
    Charge {
        /// The order's total.
        amount: Money,
        /// Kind of the payment method.
        method: String,
        /// The gateway's own name for the instrument.
        token: Option<String>,
    },
    /// What became of the key?
    Status,
    /// Make a capture under the key impossible, or say what already happened.
    Void,
    /// Send back what was captured.
    Refund {
        /// All of it.
        amount: Money,
    },
}

/// Which question an answer is missing for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// [`Effect::Charge`].
    Charge,
    /// [`Effect::Status`].
    Status,
    /// [`Effect::Void`].
    Void,
    /// [`Effect::Refund`].
    Refund,
}

impl Effect {
    /// Which question this is.
    #[must_use]
    pub const fn asked(&self) -> Asked {
        match self {
            Self::Charge { .. } => Asked::Charge,
            Self::Status => Asked::Status,
            Self::Void => Asked::Void,
            Self::Refund { .. } => Asked::Refund,
        }
    }
}

/// What the gateway says of our key, whichever question it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The money is captured.
    Captured {
        /// The order, from which the transaction's id is derived.
        order_id: OrderId,
        /// The gateway's own id of the capture.
        charge_id: Option<String>,
    },
    /// It will not charge this instrument.
    Declined {
        /// A stable word: `card_declined`, …
        code: String,
        /// A sentence for a person.
        reason: String,
    },
    /// It never got a charge under this key.
    NeverHeardOf,
    /// It is still at it.
    Pending,
    /// A capture under this key has become impossible.
    Voided,
    /// The money went back.
    Refunded {
        /// The gateway's own id of the refund.
        refund_id: String,
    },
    /// It will not send the money back.
    RefundRefused {
        /// A stable word: `refund_refused`, …
        code: String,
        /// A sentence for a person.
        reason: String,
    },
    /// It said nothing we could use; whatever was asked may have happened.
    NoAnswer {
        /// To which question.
        asked: Asked,
        /// In which way.
        silence: Silence,
    },
}

impl Answer {
    /// The stable word in the saga log.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Captured { .. } => "captured",
            Self::Declined { .. } => "declined",
            Self::NeverHeardOf => "never_heard_of",
            Self::Pending => "pending",
            Self::Voided => "voided",
            Self::Refunded { .. } => "refunded",
            Self::RefundRefused { .. } => "refund_refused",
            Self::NoAnswer { .. } => "no_answer",
        }
    }
}

/// What a person may want.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Says what became of an unresolved charge.
    Resolve {
        /// The order, from which the transaction's id is derived.
        order_id: OrderId,
        /// Whether the money was captured. "Not captured" is not believed: it goes through a void.
        captured: bool,
        /// Why, in the person's words.
        note: String,
    },
    /// Asks for a refused or unanswered refund once more.
    RetryRefund,
}

impl Command {
    /// The stable word in the saga log.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Resolve { .. } => "resolve",
            Self::RetryRefund => "retry_refund",
        }
    }
}
