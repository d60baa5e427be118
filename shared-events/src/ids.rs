//! Identities. Each is a type of its own, so that an order id can never be passed for an event id.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    };
}

uuid_id! {
    /// Identity of an order and so of its saga; the `aggregate_id` of every saga event.
    OrderId
}
uuid_id! {
    /// Identity of one event: the same on every redelivery, retry, redrive and resend.
    EventId
}
uuid_id! {
    /// One per action of a customer, copied to everything that action causes.
    CorrelationId
}
uuid_id! {
    /// Identity of a product in the inventory.
    ProductId
}

impl OrderId {
    /// The id of something this order owns at most one of (`"reservation"`, `"transaction"`,
    /// `"shipment"`): UUIDv5 of the order id and the word, so that it needs no storage and is the
    /// same on every replay.
    #[must_use]
    pub fn derived(self, what: &str) -> Uuid {
        Uuid::new_v5(&self.0, what.as_bytes())
    }
}

/// A shop's own name for its customer: 1 to 128 printable characters, opaque to us.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemas", schemars(extend("minLength" = 1, "maxLength" = 128)))]
#[serde(try_from = "String", into = "String")]
pub struct CustomerId(String);

/// Why a text is no customer id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a customer id has 1 to 128 characters, none of them a control character")]
pub struct InvalidCustomerId;

impl CustomerId {
    /// The id as the shop wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CustomerId {
    type Error = InvalidCustomerId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let long = text.chars().count() > 128;
        if text.trim().is_empty() || long || text.chars().any(char::is_control) {
            return Err(InvalidCustomerId);
        }
        Ok(Self(text))
    }
}

impl From<CustomerId> for String {
    fn from(id: CustomerId) -> Self {
        id.0
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
