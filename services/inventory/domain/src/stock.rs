//! The stock that all orders share: levels, movements, and whether a request can be held.

use std::collections::BTreeMap;

use shared_events::{
    Currency, Money, ProductId,
    events::{
        inventory::{FailedLine, HeldLine, InventoryReserveFailed, ReserveFailure, ReservedLine},
        order::{InventoryReserveRequested, Line},
    },
};

/// One product as a decision sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StockLevel {
    /// On the shelf, held ones included.
    pub on_hand: i64,
    /// Of these, kept back for orders; never more than `on_hand`.
    pub reserved: i64,
    /// The catalogue's price of one, minor units.
    pub price_minor: i64,
    /// Currency of the price.
    pub currency: Currency,
}

impl StockLevel {
    /// How many another order could have.
    #[must_use]
    pub const fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }
}

/// The products a batch of decisions may touch, read and locked beforehand. A product that is
/// missing here does not exist.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stock(BTreeMap<ProductId, StockLevel>);

impl FromIterator<(ProductId, StockLevel)> for Stock {
    fn from_iter<I: IntoIterator<Item = (ProductId, StockLevel)>>(levels: I) -> Self {
        Self(levels.into_iter().collect())
    }
}

impl Stock {
    /// The level of one product.
    #[must_use]
    pub fn get(&self, product: ProductId) -> Option<&StockLevel> {
        self.0.get(&product)
    }

    /// All levels, in id order.
    pub fn iter(&self) -> impl Iterator<Item = (ProductId, &StockLevel)> {
        self.0.iter().map(|(product, level)| (*product, level))
    }

    /// Lets a decision's movement be seen by the next decision. Products out of view are left
    /// alone: their movement is written all the same.
    pub fn apply(&mut self, change: &StockChange) {
        for (product, delta) in change.deltas() {
            if let Some(level) = self.0.get_mut(&product) {
                level.on_hand += delta.on_hand;
                level.reserved += delta.reserved;
            }
        }
    }
}

/// The four ways in which an order moves stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Movement {
    /// Keep back for an order.
    Hold,
    /// A held quantity leaves the shelf.
    Commit,
    /// A held quantity is free again.
    Release,
    /// A committed quantity goes back on the shelf.
    Return,
}

/// What a movement does to one product's two figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Delta {
    /// Change of the quantity on hand.
    pub on_hand: i64,
    /// Change of the reserved quantity.
    pub reserved: i64,
}

/// One movement of the lines of one order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StockChange {
    /// Which way.
    pub movement: Movement,
    /// What.
    pub items: Vec<HeldLine>,
}

impl StockChange {
    /// What this does to each product.
    pub fn deltas(&self) -> impl Iterator<Item = (ProductId, Delta)> {
        self.items.iter().map(|line| {
            let quantity = i64::from(line.quantity);
            let delta = match self.movement {
                Movement::Hold => Delta { on_hand: 0, reserved: quantity },
                Movement::Commit => Delta { on_hand: -quantity, reserved: -quantity },
                Movement::Release => Delta { on_hand: 0, reserved: -quantity },
                Movement::Return => Delta { on_hand: quantity, reserved: 0 },
            };
            (line.product_id, delta)
        })
    }
}

/// Whether all lines can be held: each product once with what is left of it afterwards, or why not.
pub(crate) fn holdable(
    stock: &Stock,
    request: &InventoryReserveRequested,
) -> Result<Vec<ReservedLine>, InventoryReserveFailed> {
    // The order API merges lines of one product; a stranger's event may not have done so, and two
    // lines that fit one by one may not fit together.
    let mut asked: BTreeMap<ProductId, u64> = BTreeMap::new();
    for line in &request.items {
        *asked.entry(line.product_id).or_default() += u64::from(line.quantity);
    }
    let lines: Vec<FailedLine> =
        request.items.iter().filter_map(|line| failure(stock, request.currency, line, &asked)).collect();
    if let Some(first) = lines.first() {
        let reason = reason(first, request.currency, stock, lines.len());
        return Err(InventoryReserveFailed { code: first.code, reason, lines });
    }
    Ok(asked.into_iter().filter_map(|(product_id, quantity)| reserved(stock, product_id, quantity)).collect())
}

fn failure(
    stock: &Stock,
    currency: Currency,
    line: &Line,
    asked: &BTreeMap<ProductId, u64>,
) -> Option<FailedLine> {
    let level = stock.get(line.product_id);
    let together = asked.get(&line.product_id).copied().unwrap_or(0);
    let code = match level {
        None => ReserveFailure::UnknownProduct,
        Some(level) if level.price_minor != line.unit_price_minor || level.currency != currency => {
            ReserveFailure::PriceMismatch
        }
        // What does not fit into a held line's quantity cannot be held, however much there is.
        Some(level) => match u32::try_from(together) {
            Ok(quantity) if i64::from(quantity) <= level.available() => return None,
            Ok(_) | Err(_) => ReserveFailure::InsufficientStock,
        },
    };
    Some(FailedLine {
        product_id: line.product_id,
        code,
        asked: line.quantity,
        available: level.map_or(0, StockLevel::available),
        asked_price_minor: line.unit_price_minor,
        price_minor: level.map(|level| level.price_minor),
    })
}

fn reserved(stock: &Stock, product_id: ProductId, quantity: u64) -> Option<ReservedLine> {
    let quantity = u32::try_from(quantity).ok().filter(|quantity| *quantity > 0)?;
    let available_after = stock.get(product_id)?.available() - i64::from(quantity);
    Some(ReservedLine { product_id, quantity, available_after })
}

fn reason(first: &FailedLine, currency: Currency, stock: &Stock, failing: usize) -> String {
    let product = first.product_id;
    let why = match first.code {
        ReserveFailure::UnknownProduct => format!("there is no product {product}"),
        ReserveFailure::PriceMismatch => {
            let seen = Money::new(first.asked_price_minor, currency);
            let catalogue = stock.get(product).map(|level| Money::new(level.price_minor, level.currency));
            match catalogue {
                Some(price) => format!(
                    "product {product} was ordered at {seen} {currency}, its price is {price} {}",
                    price.currency
                ),
                None => format!("product {product} was ordered at {seen} {currency}"),
            }
        }
        ReserveFailure::InsufficientStock => {
            format!("{} asked, {} available of product {product}", first.asked, first.available)
        }
    };
    match failing {
        0 | 1 => why,
        2 => format!("{why}; 1 more line failed"),
        more => format!("{why}; {} more lines failed", more - 1),
    }
}
