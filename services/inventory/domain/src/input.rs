//! What can happen to a reservation, and what a decision asks for besides events.

use shared_events::{Event, Timer};

use crate::StockChange;

/// Whatever can happen to an order here. People change products, never reservations, so there are
/// no commands; there is no outside world either.
// Boxing the event would cost an allocation for each delivery and save nothing: inputs are moved a
// handful of times and never kept in bulk.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A fact somebody published.
    Event(Event),
    /// A deadline of ours.
    Timer(InventoryTimer),
}

impl From<Event> for Input {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

/// The timers of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InventoryTimer {
    /// The hold's time is up: ask what became of the order.
    Hold,
}

impl Timer for InventoryTimer {
    const ALL: &'static [Self] = &[Self::Hold];

    fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
        }
    }
}

/// What a decision changes besides the order itself. Written in the decision's own transaction:
/// unlike an effect on the outside world, it cannot be lost.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Moves stock.
    Stock(StockChange),
}
