//! What can happen to a shipment, and what it asks of the carrier.

use shared_events::Event;

use crate::{Consignment, Parcel, ShipmentTimer};

/// Anything that can happen to an order here.
// Inputs are moved a handful of times and never kept in bulk; a box would cost an allocation each.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// An event of another service.
    Event(Event),
    /// A wait is over.
    Timer(ShipmentTimer),
    /// The carrier answered, or did not.
    Reply(Reply),
    /// An operator, or the carrier's own clock, reports progress.
    Command(Command),
}

impl From<Event> for Input {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

impl Input {
    /// How the saga log names it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Event(event) => event.event_type().as_str().to_owned(),
            Self::Timer(timer) => format!("timer:{}", shared_events::Timer::name(*timer)),
            Self::Reply(reply) => format!("carrier:{}", reply.name()),
            Self::Command(command) => format!("command:{}", command.name()),
        }
    }
}

/// What the carrier says about the key, to whichever question. It may come late, twice, or after
/// the state moved on. `Refused`, `Cancelled` and `Delivered` are final at the carrier and so stay
/// true however late they come; the others were true when they were said.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// It will fetch the parcel.
    Booked(Consignment),
    /// It has the parcel.
    Dispatched(Consignment),
    /// It has delivered the parcel.
    Delivered(Consignment),
    /// It cannot take the parcel.
    Refused {
        /// A stable word: `address_unserviceable`, …
        code: String,
        /// A sentence for a person.
        reason: String,
    },
    /// The key is cancelled, and no later booking under it is possible.
    Cancelled,
    /// It knows nothing of the key.
    NeverHeardOf,
    /// No answer, or none that can be understood: the call may or may not have had its effect.
    NoAnswer {
        /// What happened, for the saga log.
        what: String,
    },
}

impl Reply {
    /// The word in the saga log.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Booked(_) => "booked",
            Self::Dispatched(_) => "dispatched",
            Self::Delivered(_) => "delivered",
            Self::Refused { .. } => "refused",
            Self::Cancelled => "cancelled",
            Self::NeverHeardOf => "never_heard_of",
            Self::NoAnswer { .. } => "no_answer",
        }
    }
}

/// Progress that is reported to us over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// The carrier has the parcel.
    Dispatch,
    /// The customer has the parcel.
    Deliver,
}

impl Command {
    /// The word in the saga log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dispatch => "dispatch",
            Self::Deliver => "deliver",
        }
    }
}

/// A call to the carrier, under the order's one key and harmless when repeated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Book this parcel.
    Book(Parcel),
    /// What became of the key?
    Status,
    /// Cancel the key, and make a later booking under it impossible.
    Cancel,
}
