//! What can happen to an order's correspondence, and what it asks of the outside world.

use chrono::{DateTime, Utc};
use shared_events::{Envelope, Timer, events::notification::Channel};
use uuid::Uuid;

use crate::state::Letter;

/// Anything that can happen to an order here.
#[derive(Clone, Debug)]
pub enum Input {
    /// An event of another service; its id becomes part of the message's.
    Event(Box<Envelope>),
    /// A wait is over.
    Timer(NotificationTimer),
    /// A sender came back.
    Report(Report),
}

impl Input {
    /// How the saga log names it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Event(envelope) => envelope.event_type().as_str().to_owned(),
            Self::Timer(timer) => format!("timer:{}", timer.name()),
            Self::Report(report) => format!("delivery:{}", report.delivery.name()),
        }
    }
}

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which message.
    pub message: Uuid,
    /// Which attempt, from 1: a late failure of an earlier one says nothing about the current one.
    /// One that never began gives its number to the next.
    pub attempt: u32,
    /// What became of it.
    pub delivery: Delivery,
}

/// What a sender achieved. "Sent" means: the mail server, the provider or the folder has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It left.
    Sent,
    /// Not now; another attempt may succeed.
    Later {
        /// Why, for a person.
        why: String,
    },
    /// Never to this recipient.
    Never {
        /// Why, for a person.
        why: String,
    },
    /// It may have left or not: whether, nobody can tell any more.
    Unknown {
        /// Why, for a person.
        why: String,
    },
    /// It did not even begin: too many others were on their way.
    PutOff,
}

impl Delivery {
    /// The word in the saga log.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Later { .. } => "later",
            Self::Never { .. } => "never",
            Self::Unknown { .. } => "unknown",
            Self::PutOff => "put_off",
        }
    }
}

/// Work for the outside world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Lets a message go.
    Send(Box<Post>),
}

/// A message on its way out; the order's id travels beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The message's id, the same on every attempt.
    pub message: Uuid,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How it travels.
    pub channel: Channel,
    /// Address or number, checked.
    pub recipient: String,
    /// What it says.
    pub letter: Letter,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
}

/// The waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotificationTimer {
    /// For whoever is to be told: `order.placed` has not come.
    Recipient,
    /// For the earliest queued message: it is to be sent (again).
    Send,
}

impl Timer for NotificationTimer {
    const ALL: &'static [Self] = &[Self::Recipient, Self::Send];

    fn name(self) -> &'static str {
        match self {
            Self::Recipient => "recipient",
            Self::Send => "send",
        }
    }
}
