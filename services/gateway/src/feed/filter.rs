//! What of the feed a reader wants.

use shared_events::EventType;
use uuid::Uuid;

use crate::store::FeedRow;

/// Everything, unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this order.
    pub order: Option<Uuid>,
    /// Only these types; empty for all.
    pub types: Vec<EventType>,
}

impl Filter {
    /// Whether the reader wants that row.
    #[must_use]
    pub fn wants(&self, row: &FeedRow) -> bool {
        let of_order = self.order.is_none_or(|order| order == row.order_id);
        of_order && (self.types.is_empty() || self.types.iter().any(|kind| kind.as_str() == row.event_type))
    }
}
