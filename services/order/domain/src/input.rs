//! Whatever can happen to an order here.

use shared_events::{CorrelationId, Event, Timer, events::order::OrderPlaced, events::order::RequestedBy};

/// One thing that happens to an order.
// Events dominate by number and are the large variant; boxing them would cost each an allocation.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// Another service, or this one, said something.
    Event(Event),
    /// A wait is over.
    Timer(OrderTimer),
    /// A person wants something.
    Command(Command),
}

impl Input {
    /// How the saga log names it: the event's type, `timer:confirmation`, `command:place`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Event(event) => event.event_type().to_string(),
            Self::Timer(timer) => format!("timer:{}", timer.name()),
            Self::Command(Command::Place(_)) => "command:place".to_owned(),
            Self::Command(Command::Cancel { .. }) => "command:cancel".to_owned(),
        }
    }
}

impl From<Event> for Input {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

impl From<OrderTimer> for Input {
    fn from(timer: OrderTimer) -> Self {
        Self::Timer(timer)
    }
}

impl From<Command> for Input {
    fn from(command: Command) -> Self {
        Self::Command(command)
    }
}

/// What people ask for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Let there be this order.
    Place(Box<Place>),
    /// Out of it.
    Cancel {
        /// Why, in the words of whoever asks.
        reason: String,
        /// Who asks.
        by: RequestedBy,
    },
}

/// An order to be placed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The order, checked and normalized.
    pub order: OrderPlaced,
    /// What is stored beside it.
    pub receipt: Receipt,
}

/// What the service remembers of the request itself, so that a repeated request is recognized. No
/// decision depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Receipt {
    /// Correlation of everything this order causes.
    pub correlation_id: CorrelationId,
    /// SHA-256 of the normalized order.
    pub body_sha256: [u8; 32],
    /// The client's idempotency key.
    pub idempotency_key: Option<String>,
}

/// The order service asks nothing of the outside world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {}

/// What the order waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderTimer {
    /// The order should have been confirmed by now.
    Confirmation,
    /// Shipping should have said something about a confirmed order.
    Shipping,
    /// The order should have arrived.
    Delivery,
    /// Shipping should have answered a cancellation.
    Cancel,
    /// Inventory and payment should have accounted for a dead order.
    Compensation,
}

impl Timer for OrderTimer {
    const ALL: &'static [Self] =
        &[Self::Confirmation, Self::Shipping, Self::Delivery, Self::Cancel, Self::Compensation];

    fn name(self) -> &'static str {
        match self {
            Self::Confirmation => "confirmation",
            Self::Shipping => "shipping",
            Self::Delivery => "delivery",
            Self::Cancel => "cancel",
            Self::Compensation => "compensation",
        }
    }
}
