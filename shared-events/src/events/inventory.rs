//! What the inventory service says.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Currency, ProductId};

/// A quantity of one product.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct HeldLine {
    /// What.
    pub product_id: ProductId,
    /// How many.
    pub quantity: u32,
}

/// A line that is held, and what is left of the product for others.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct ReservedLine {
    /// What.
    pub product_id: ProductId,
    /// How many are held for this order.
    pub quantity: u32,
    /// How many are available to others after this hold.
    pub available_after: i64,
}

/// `inventory.reserved`: the stock is held until `expires_at`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct InventoryReserved {
    /// All lines of the order.
    pub items: Vec<ReservedLine>,
    /// When inventory will ask what became of the order. It goes on holding.
    pub expires_at: DateTime<Utc>,
}

/// Why stock could not be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReserveFailure {
    /// Fewer available than asked for.
    InsufficientStock,
    /// No such product.
    UnknownProduct,
    /// The customer saw another price, or another currency, than the catalogue has.
    PriceMismatch,
}

impl ReserveFailure {
    /// The stable word, as it appears as an order's failure code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InsufficientStock => "insufficient_stock",
            Self::UnknownProduct => "unknown_product",
            Self::PriceMismatch => "price_mismatch",
        }
    }
}

/// One line that could not be held.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct FailedLine {
    /// What.
    pub product_id: ProductId,
    /// Why this line failed.
    pub code: ReserveFailure,
    /// How many were asked for.
    pub asked: u32,
    /// How many were available; 0 for an unknown product.
    pub available: i64,
    /// The price the customer saw, minor units.
    pub asked_price_minor: i64,
    /// The catalogue's price, minor units; absent for an unknown product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_minor: Option<i64>,
}

/// `inventory.reserve.failed`: nothing is held, and nothing will be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct InventoryReserveFailed {
    /// The first failing line's reason, which becomes the order's failure code.
    pub code: ReserveFailure,
    /// A sentence for a person.
    pub reason: String,
    /// Every line that failed.
    pub lines: Vec<FailedLine>,
}

/// `inventory.hold.expired`: the hold's time is up; inventory still holds, and asks. A new event
/// each time it asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct InventoryHoldExpired {
    /// How often it has asked, from 1.
    pub asked: u32,
}

/// What a release found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReleasedFrom {
    /// Nothing was held: a tombstone refuses whatever comes late.
    Nothing,
    /// A hold.
    Held,
    /// A commitment: the stock went back on the shelf.
    Committed,
}

/// `inventory.released`: nothing is held for this order any more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct InventoryReleased {
    /// What had been there.
    pub released_from: ReleasedFrom,
    /// What went back; empty when there was nothing.
    pub items: Vec<HeldLine>,
    /// The event type that caused it.
    pub reason: String,
}

/// `inventory.stock.adjusted`: restock or correction by an operator; `aggregate_id` is the product.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct InventoryStockAdjusted {
    /// What.
    pub product_id: ProductId,
    /// Change of the quantity on hand.
    pub delta: i64,
    /// Quantity on hand afterwards.
    pub on_hand: i64,
    /// Why, in the operator's words.
    pub reason: String,
    /// The product's price at that moment, minor units.
    pub price_minor: i64,
    /// Currency of the price.
    pub currency: Currency,
}
