//! Every event as one enum, so that a participant must say what it does with each of them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

use crate::events::{fraud, inventory, notification, order, payment, shipping};

/// A text that names no event type of this release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown event type `{0}`")]
pub struct UnknownEventType(pub String);

macro_rules! events {
    ($($variant:ident($payload:path) = $name:literal v $version:literal),+ $(,)?) => {
        /// A fact, at the newest version of its payload.
        // Boxing the one large payload would cost an allocation for each order and save nothing:
        // events are moved a handful of times and never kept in bulk.
        #[allow(clippy::large_enum_variant)]
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Event {
            $(
                #[doc = concat!("`", $name, "`, version ", $version, ".")]
                $variant($payload),
            )+
        }

        /// The type of an event; its text is the routing key.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType {
            $(
                #[doc = concat!("`", $name, "`.")]
                $variant,
            )+
        }

        impl EventType {
            /// All types, in the order of the choreography.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name on the wire, equal to the routing key.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The newest version of the payload, the one that is written.
            #[must_use]
            pub const fn version(self) -> u32 {
                match self { $(Self::$variant => $version),+ }
            }

            /// The golden file of the newest version: a complete, believable message body.
            #[must_use]
            pub const fn example(self) -> &'static str {
                match self {
                    $(Self::$variant => {
                        include_str!(concat!("../golden/", $name, ".v", $version, ".json"))
                    })+
                }
            }
        }

        #[cfg(feature = "schemas")]
        impl EventType {
            /// The JSON Schema of the newest version's payload, from its Rust type.
            pub(crate) fn payload_schema(self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                match self { $(Self::$variant => generator.subschema_for::<$payload>()),+ }
            }
        }

        impl FromStr for EventType {
            type Err = UnknownEventType;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    other => Err(UnknownEventType(other.to_owned())),
                }
            }
        }

        impl Event {
            /// The type of this event.
            #[must_use]
            pub const fn event_type(&self) -> EventType {
                match self { $(Self::$variant(_) => EventType::$variant),+ }
            }

            /// Reads a payload of the newest version.
            pub(crate) fn from_json(event_type: EventType, data: &str) -> Result<Self, serde_json::Error> {
                match event_type {
                    $(EventType::$variant => serde_json::from_str(data).map(Self::$variant)),+
                }
            }
        }

        /// The payload alone, without a tag: the envelope carries the type.
        impl Serialize for Event {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$variant(payload) => payload.serialize(serializer)),+ }
            }
        }

        $(
            impl From<$payload> for Event {
                fn from(payload: $payload) -> Self {
                    Self::$variant(payload)
                }
            }
        )+
    };
}

events! {
    OrderPlaced(order::OrderPlaced) = "order.placed" v 2,
    InventoryReserveRequested(order::InventoryReserveRequested) = "inventory.reserve.requested" v 1,
    InventoryReserved(inventory::InventoryReserved) = "inventory.reserved" v 1,
    InventoryReserveFailed(inventory::InventoryReserveFailed) = "inventory.reserve.failed" v 1,
    InventoryHoldExpired(inventory::InventoryHoldExpired) = "inventory.hold.expired" v 1,
    InventoryReleased(inventory::InventoryReleased) = "inventory.released" v 1,
    FraudAssessed(fraud::FraudAssessed) = "fraud.assessed" v 1,
    FraudReviewed(fraud::FraudReviewed) = "fraud.reviewed" v 1,
    PaymentRequested(payment::PaymentRequested) = "payment.requested" v 1,
    PaymentProcessed(payment::PaymentProcessed) = "payment.processed" v 1,
    PaymentFailed(payment::PaymentFailed) = "payment.failed" v 1,
    PaymentVoided(payment::PaymentVoided) = "payment.voided" v 1,
    PaymentRefunded(payment::PaymentRefunded) = "payment.refunded" v 1,
    PaymentRefundFailed(payment::PaymentRefundFailed) = "payment.refund.failed" v 1,
    PaymentUnresolved(payment::PaymentUnresolved) = "payment.unresolved" v 1,
    OrderConfirmed(order::OrderConfirmed) = "order.confirmed" v 1,
    OrderCancelRequested(order::OrderCancelRequested) = "order.cancel.requested" v 1,
    ShippingScheduled(shipping::ShippingScheduled) = "shipping.scheduled" v 1,
    ShippingDispatched(shipping::ShippingDispatched) = "shipping.dispatched" v 1,
    ShippingDelivered(shipping::ShippingDelivered) = "shipping.delivered" v 1,
    ShippingFailed(shipping::ShippingFailed) = "shipping.failed" v 1,
    ShippingCancelled(shipping::ShippingCancelled) = "shipping.cancelled" v 1,
    ShippingCancelRejected(shipping::ShippingCancelRejected) = "shipping.cancel.rejected" v 1,
    OrderCancelled(order::OrderCancelled) = "order.cancelled" v 1,
    OrderFailed(order::OrderFailed) = "order.failed" v 1,
    OrderCompleted(order::OrderCompleted) = "order.completed" v 1,
    InventoryStockAdjusted(inventory::InventoryStockAdjusted) = "inventory.stock.adjusted" v 1,
    NotificationSent(notification::NotificationSent) = "notification.sent" v 1,
    NotificationFailed(notification::NotificationFailed) = "notification.failed" v 1,
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
