//! What the notification service says.

use serde::{Deserialize, Serialize};

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// E-mail.
    Email,
    /// Text message.
    Sms,
}

/// `notification.sent`: a message left. Names no recipient: events hold no personal data beyond
/// `order.placed`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct NotificationSent {
    /// How.
    pub channel: Channel,
    /// Which text: `order_received`, `order_shipped`, …
    pub template: String,
}

/// `notification.failed`: a message was given up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct NotificationFailed {
    /// How.
    pub channel: Channel,
    /// Which text.
    pub template: String,
    /// A sentence for a person.
    pub reason: String,
}
