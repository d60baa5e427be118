//! The choreography as one table: who emits what, and who reacts how.
//!
//! Broker bindings, the definitions file, the events page and the diagram are made from it. A
//! service whose handler and this table disagree does not start.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::EventType;

/// A service of the platform; its name names its database, its exchange, its queues and its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Takes orders and keeps their progress.
    Order,
    /// Holds stock.
    Inventory,
    /// Charges and refunds.
    Payment,
    /// Books the carrier.
    Shipping,
    /// Scores fraud.
    Ai,
    /// Writes to customers.
    Notification,
    /// Counts.
    Analytics,
    /// The front door; shows events live.
    Gateway,
}

impl Service {
    /// All services, in the order in which an order meets them.
    pub const ALL: &'static [Self] = &[
        Self::Order,
        Self::Inventory,
        Self::Payment,
        Self::Shipping,
        Self::Ai,
        Self::Notification,
        Self::Analytics,
        Self::Gateway,
    ];

    /// The name everything of this service begins with.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Inventory => "inventory",
            Self::Payment => "payment",
            Self::Shipping => "shipping",
            Self::Ai => "ai",
            Self::Notification => "notification",
            Self::Analytics => "analytics",
            Self::Gateway => "gateway",
        }
    }

    /// The topic exchange this service publishes to.
    #[must_use]
    pub fn exchange(self) -> String {
        format!("{}.events", self.name())
    }

    /// The queue this service consumes from.
    #[must_use]
    pub fn inbox(self) -> String {
        format!("{}.inbox", self.name())
    }

    /// Whether any event is bound to this service's inbox.
    #[must_use]
    pub fn consumes(self) -> bool {
        CATALOGUE.iter().any(|entry| entry.is_consumed_by(self))
    }

    /// Whether it says anything at all.
    #[must_use]
    pub fn produces(self) -> bool {
        CATALOGUE.iter().any(|entry| entry.producer == self)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no service of this platform")]
pub struct UnknownService(pub String);

impl FromStr for Service {
    type Err = UnknownService;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|service| service.name() == text)
            .ok_or_else(|| UnknownService(text.to_owned()))
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The event.
    pub event_type: EventType,
    /// Who says it.
    pub producer: Service,
    /// What it means, a clause in the present tense.
    pub meaning: &'static str,
    /// Who reacts, and how.
    pub consumers: &'static [Consumer],
}

/// One participant's reaction.
#[derive(Clone, Copy, Debug)]
pub struct Consumer {
    /// Who.
    pub service: Service,
    /// How, a clause in the imperative or present tense.
    pub reaction: &'static str,
}

impl Entry {
    /// Everyone this event is delivered to: who reacts to it, then [`OBSERVERS`].
    pub fn heard_by(&self) -> impl Iterator<Item = &'static Consumer> + use<> {
        self.consumers.iter().chain(OBSERVERS)
    }

    /// Whether this event is bound to that service's inbox.
    #[must_use]
    pub fn is_consumed_by(&self, service: Service) -> bool {
        self.heard_by().any(|consumer| consumer.service == service)
    }
}

impl EventType {
    /// This type's line of the table.
    ///
    /// # Panics
    /// Never: a test holds that every type has its line.
    #[must_use]
    pub fn entry(self) -> &'static Entry {
        CATALOGUE
            .iter()
            .find(|entry| entry.event_type == self)
            .expect("every event type has a line in the catalogue")
    }

    /// Who says it.
    #[must_use]
    pub fn producer(self) -> Service {
        self.entry().producer
    }
}

/// Who hears every event and says nothing: a line for each in the table would only hide who reacts.
pub const OBSERVERS: &[Consumer] = &[
    Consumer { service: Service::Analytics, reaction: "counts" },
    Consumer { service: Service::Gateway, reaction: "shows it live" },
];

macro_rules! catalogue {
    ($($event:ident by $producer:ident: $meaning:literal => [$($service:ident: $reaction:literal),* $(,)?]),+ $(,)?) => {
        /// The table, in the order of the choreography.
        pub const CATALOGUE: &[Entry] = &[$(
            Entry {
                event_type: EventType::$event,
                producer: Service::$producer,
                meaning: $meaning,
                consumers: &[$(Consumer { service: Service::$service, reaction: $reaction }),*],
            },
        )+];
    };
}

catalogue! {
    OrderPlaced by Order: "an order exists" => [
        Payment: "keeps the intent: amount, method, customer",
        Ai: "scores it",
        Notification: "keeps where to write to; tells that the order was received",
    ],
    InventoryReserveRequested by Order: "please hold these lines, all or none" => [
        Inventory: "holds all lines or none",
    ],
    InventoryReserved by Inventory: "stock is held until `expires_at`" => [
        Payment: "may charge",
        Order: "notes that stock is held",
    ],
    InventoryReserveFailed by Inventory: "not enough stock, unknown product or another price" => [
        Order: "fails",
        Payment: "voids",
    ],
    InventoryHoldExpired by Inventory: "the hold's time is up; it still holds, and asks" => [
        Order: "answers with its last word",
    ],
    InventoryReleased by Inventory: "nothing is held for this order any more" => [
        Order: "ticks off inventory's compensation",
    ],
    FraudAssessed by Ai: "the order was scored: approve, review or reject" => [
        Payment: "gate before charging",
        Order: "notes it; on review extends its deadline",
        Inventory: "on review extends the hold",
    ],
    FraudReviewed by Ai: "a person, or the review's own deadline, decided" => [
        Payment: "gate before charging",
        Order: "goes back to the normal deadline",
    ],
    PaymentRequested by Payment: "a charge is about to be sent to the gateway" => [
        Order: "notes that payment is under way",
    ],
    PaymentProcessed by Payment: "the money is captured" => [
        Order: "confirms, or notes a late capture",
    ],
    PaymentFailed by Payment: "nothing is captured and nothing will be" => [
        Inventory: "releases (compensation)",
        Order: "fails",
        Ai: "counts a failed attempt of this customer",
    ],
    PaymentVoided by Payment: "never charged, and never will be" => [
        Order: "ticks off payment's compensation",
    ],
    PaymentRefunded by Payment: "captured money went back" => [
        Order: "ticks off payment's compensation",
        Notification: "tells that the money is on its way back",
    ],
    PaymentRefundFailed by Payment: "the gateway refuses the refund; a person must act" => [
        Order: "compensation is stuck",
    ],
    PaymentUnresolved by Payment: "the gateway does not say what became of the charge; a person must act" => [
        Order: "compensation is stuck, or noted before the order has failed",
    ],
    OrderConfirmed by Order: "paid and held" => [
        Shipping: "books the carrier",
        Inventory: "commits the hold",
        Ai: "counts a good order of this customer",
        Notification: "tells that the order is confirmed",
    ],
    OrderCancelRequested by Order: "someone wants out after confirmation" => [
        Shipping: "cancels or rejects",
    ],
    ShippingScheduled by Shipping: "the carrier is booked" => [
        Order: "notes tracking number and estimated delivery",
        Notification: "keeps the tracking number",
    ],
    ShippingDispatched by Shipping: "handed over to the carrier" => [
        Order: "is shipped",
        Notification: "tells that the parcel is on its way",
    ],
    ShippingDelivered by Shipping: "the customer has it" => [
        Order: "is delivered",
        Notification: "tells that the parcel has arrived",
    ],
    ShippingFailed by Shipping: "the carrier cannot take it" => [
        Order: "fails",
    ],
    ShippingCancelled by Shipping: "stopped in time, or never booked" => [
        Order: "is cancelled",
    ],
    ShippingCancelRejected by Shipping: "already handed over" => [
        Order: "goes on",
    ],
    OrderCancelled by Order: "it will not happen, because someone asked for that" => [
        Inventory: "releases, answers once",
        Payment: "voids or refunds, answers once",
        Shipping: "tombstone",
        Ai: "closes an open review",
        Notification: "tells that the order is cancelled",
    ],
    OrderFailed by Order: "it will not happen, because a step failed" => [
        Inventory: "releases, answers once",
        Payment: "voids or refunds, answers once",
        Shipping: "tombstone",
        Ai: "closes an open review",
        Notification: "tells that the order failed, and why",
    ],
    OrderCompleted by Order: "delivered; or failed or cancelled with every compensation accounted for" => [
        Ai: "remembers how the order ended",
    ],
    InventoryStockAdjusted by Inventory: "an operator restocked or corrected" => [],
    NotificationSent by Notification: "a message left" => [],
    NotificationFailed by Notification: "a message was given up" => [],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_type_has_exactly_one_line() {
        let listed: Vec<_> = CATALOGUE.iter().map(|entry| entry.event_type).collect();
        assert_eq!(listed, EventType::ALL);
    }

    #[test]
    fn a_type_name_begins_with_a_service_or_with_fraud() {
        for event_type in EventType::ALL {
            let first = event_type.as_str().split('.').next().unwrap();
            let known = first == "fraud" || first.parse::<Service>().is_ok();
            assert!(known || first == "notification", "{event_type}");
        }
    }
}
