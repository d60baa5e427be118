//! All that notification knows of one order: whom to write to, and every message about it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared_events::{
    CustomerId, EventId, EventType, Money,
    events::{notification::Channel, order::RequestedBy},
};
use uuid::Uuid;

/// One order's correspondence; `Default` is "never heard of the order".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Whom to write to; known from `order.placed`, or assumed when that did not come in time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// Who ordered, by `order.confirmed`: enough for an assumed address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// What was ordered, as far as a message tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchase: Option<Purchase>,
    /// The parcel, from `shipping.scheduled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parcel: Option<Parcel>,
    /// News that came before anybody knew whom to tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Heard>,
    /// Every message, in the order of creation; two for each of seven events at most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
}

impl State {
    /// Whether something was made of that event already.
    #[must_use]
    pub fn knows(&self, event: EventId) -> bool {
        self.waiting.iter().any(|heard| heard.event_id == event)
            || self.messages.iter().any(|message| message.event_id == event)
    }

    /// The next moment at which a message has to be sent (again).
    #[must_use]
    pub fn next_due(&self) -> Option<DateTime<Utc>> {
        self.messages.iter().filter_map(|message| message.due_at).min()
    }
}

/// Whom to write to, as the shop told it; whether it can be used is seen when a message is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// For the greeting: one line of printable characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// E-mail address.
    pub email: String,
    /// Phone number; without one there are no text messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// What was ordered, as far as a message tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The order's total.
    pub total: Money,
    /// How many pieces.
    pub pieces: u64,
}

/// The parcel as the carrier announced it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// The carrier's number.
    pub tracking_number: String,
    /// When the carrier expects to deliver.
    pub estimated_delivery: DateTime<Utc>,
}

/// An event worth telling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Its id; with the channel, the identity of the message.
    pub event_id: EventId,
    /// Its type.
    pub event_type: EventType,
    /// What it tells.
    pub news: News,
}

/// What a message tells; one template each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum News {
    /// The order exists.
    Received,
    /// It is paid and held.
    Confirmed,
    /// The carrier has the parcel.
    Shipped {
        /// The carrier's number.
        tracking_number: String,
    },
    /// The customer has the parcel.
    Delivered {
        /// The carrier's number.
        tracking_number: String,
    },
    /// It will not happen, because a step failed.
    Failed {
        /// Which step.
        step: String,
        /// The stable word for the reason; the wording is ours.
        code: String,
    },
    /// It will not happen, because someone asked for that.
    Cancelled {
        /// Who asked.
        by: RequestedBy,
        /// Why, in the words of whoever asked; one line.
        reason: String,
    },
    /// Money went back.
    Refunded {
        /// How much.
        amount: Money,
    },
}

impl News {
    /// The name of its template, in events and in the audit log.
    #[must_use]
    pub const fn template(&self) -> &'static str {
        match self {
            Self::Received => "order_received",
            Self::Confirmed => "order_confirmed",
            Self::Shipped { .. } => "order_shipped",
            Self::Delivered { .. } => "order_delivered",
            Self::Failed { .. } => "order_failed",
            Self::Cancelled { .. } => "order_cancelled",
            Self::Refunded { .. } => "order_refunded",
        }
    }
}

/// Everything a message says; fixed when it is queued, so that a repetition says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// What it tells.
    pub news: News,
    /// Whom it greets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What was ordered, when that was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchase: Option<Purchase>,
    /// When the parcel is expected, when that was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimated_delivery: Option<DateTime<Utc>>,
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// To be sent, or to be sent again.
    Queued,
    /// It left. Final.
    Sent,
    /// It was given up. Final.
    Failed,
}

impl Status {
    /// Every status.
    pub const ALL: &'static [Self] = &[Self::Queued, Self::Sent, Self::Failed];

    /// The word in storage and on the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

/// The word for a channel in storage, on the API and in the ids of messages.
#[must_use]
pub const fn channel_word(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Sms => "sms",
    }
}

/// One message to one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The event it tells of.
    pub event_id: EventId,
    /// That event's type.
    pub event_type: EventType,
    /// How it travels.
    pub channel: Channel,
    /// Address or number; `None` while none is known, which is past the deadline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// What it says.
    pub letter: Letter,
    /// How far it is.
    pub status: Status,
    /// How often a sender began with it, or may have.
    pub attempts: u32,
    /// Of these, how many ended so that nobody knows whether it left.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown: u32,
    /// How often in a row it waited in vain for its turn.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub put_off: u32,
    /// What went wrong last; names no recipient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it is sent (again) unless something is heard before; set while it is queued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<DateTime<Utc>>,
    /// When it was queued; the `Date` of the e-mail.
    pub created_at: DateTime<Utc>,
    /// When it left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<DateTime<Utc>>,
}

impl Message {
    /// UUIDv5 of event and channel: the same on every replay, and the key under which a receiver
    /// recognizes a repetition.
    #[must_use]
    pub fn id(&self) -> Uuid {
        message_id(self.event_id, self.channel)
    }
}

// By reference, as serde wants it.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// The id of the message that tells of this event by this channel.
#[must_use]
pub fn message_id(event: EventId, channel: Channel) -> Uuid {
    Uuid::new_v5(&event.0, channel_word(channel).as_bytes())
}
