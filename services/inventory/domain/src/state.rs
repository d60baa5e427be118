//! What inventory knows of one order.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared_events::{
    EventType,
    events::inventory::{HeldLine, ReleasedFrom, ReserveFailure},
};

/// One order's reservation. Stored as JSON on every change, the variant's name in `status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum State {
    /// Never heard of the order.
    #[default]
    Unknown,
    /// Stock is kept back for the order.
    Held {
        /// What, each product once, in id order.
        items: Vec<HeldLine>,
        /// When inventory asks what became of the order; it goes on holding.
        expires_at: DateTime<Utc>,
        /// How often it has asked already.
        #[serde(default)]
        asked: u32,
    },
    /// The order is confirmed: the stock has left the shelf.
    Committed {
        /// What, each product once, in id order.
        items: Vec<HeldLine>,
    },
    /// Nothing is held any more, and nothing ever will be. Final.
    Released {
        /// What there had been; `Nothing` makes this a tombstone.
        released_from: ReleasedFrom,
        /// The event that ended it.
        reason: EventType,
        /// What went back; empty for a tombstone.
        #[serde(default)]
        items: Vec<HeldLine>,
    },
    /// The lines could not be held. Final.
    Rejected {
        /// Why the first failing line failed.
        code: ReserveFailure,
    },
}

impl State {
    /// The variant's name, as it is stored and shown.
    #[must_use]
    pub const fn status(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Held { .. } => "held",
            Self::Committed { .. } => "committed",
            Self::Released { .. } => "released",
            Self::Rejected { .. } => "rejected",
        }
    }

    /// Whether no event will change this any more.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Released { .. } | Self::Rejected { .. })
    }

    /// The lines this reservation has or had; empty when it never had any.
    #[must_use]
    pub fn items(&self) -> &[HeldLine] {
        match self {
            Self::Held { items, .. } | Self::Committed { items } | Self::Released { items, .. } => items,
            Self::Unknown | Self::Rejected { .. } => &[],
        }
    }
}
