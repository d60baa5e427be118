//! The five participants: each domain's own rule, with constant times and texts.
//!
//! What only grows and what only people read is made constant after each decision, so that states
//! with equal futures are equal: back-off counters, reasons, codes. No rule looks at any of them.

mod fraud;
mod inventory;
mod orders;
mod payments;
mod shipments;

use chrono::{DateTime, Utc};
use shared_events::{Event, OrderId, Timer};
use uuid::Uuid;

use crate::cast::place;

pub(crate) use fraud::Fraud;
pub(crate) use inventory::{Inventory, Shelf};
pub(crate) use orders::Orders;
pub(crate) use payments::Payments;
pub(crate) use shipments::Shipments;

/// The order's total, minor units.
const TOTAL_MINOR: i64 = 2_500;

const ORDER: OrderId = OrderId(Uuid::from_u128(1));
const PRODUCT: shared_events::ProductId = shared_events::ProductId(Uuid::from_u128(2));

/// Time stands still: no rule of the saga compares times, and deadlines may pass at any moment.
const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn timer_names<T: Timer>() -> Vec<&'static str> {
    T::ALL.iter().map(|timer| timer.name()).collect()
}

fn timer<T: Timer>(number: u8) -> T {
    T::ALL[usize::from(number)]
}

/// An event without the words that only people read.
pub(crate) fn plain(mut event: Event) -> Event {
    if let Event::OrderFailed(said) = &mut event {
        said.code.clear();
        said.reason.clear();
    } else if let Event::PaymentFailed(said) = &mut event {
        // The code stays: the fraud assessment looks at it.
        said.reason.clear();
    } else if let Event::PaymentVoided(said) = &mut event {
        said.reason.clear();
    } else if let Event::PaymentUnresolved(said) = &mut event {
        said.reason.clear();
    } else if let Event::PaymentRefundFailed(said) = &mut event {
        said.code.clear();
        said.reason.clear();
    } else if let Event::InventoryReleased(said) = &mut event {
        said.reason.clear();
    } else if let Event::ShippingFailed(said) = &mut event {
        said.code.clear();
        said.reason.clear();
    } else if let Event::FraudReviewed(said) = &mut event {
        said.decided_by.clear();
    }
    event
}

/// The bit of a timer, for the planted faults.
pub(crate) fn bit<T: Timer>(timer: T) -> u8 {
    1 << place(timer)
}
