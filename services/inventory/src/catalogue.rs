//! What people change: products, prices and stock. Each change is one transaction that also records
//! the adjustment and announces it as `inventory.stock.adjusted`.

use chassis::{in_transaction, outbox};
use chrono::{DateTime, Utc};
use shared_events::{
    CorrelationId, Draft, Envelope, EventId, ProductId, Rejection, events::inventory::InventoryStockAdjusted,
};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::store::{
    self,
    products::{self, Description, NewProduct, Product},
    stock::{self, Adjustment},
};

/// The most units of one product. Far above any warehouse, and sums of a hundred thousand of them
/// still fit into 64 bits.
pub const ON_HAND_MAX: i64 = 1_000_000_000;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It does not exist.
    #[error("there is no product {0}")]
    Unknown(ProductId),
    /// A business no.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// The database's fault.
    #[error("the database did not do it")]
    Database(#[from] sqlx::Error),
}

/// How an operator changes stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockCommand {
    /// By so many.
    Delta(i64),
    /// To so many: the result of a count. Safe to repeat.
    OnHand(i64),
}

/// Creates those that do not exist yet; returns the ids of these, in the given order.
///
/// # Errors
/// The database's.
pub async fn create(
    pool: &PgPool,
    new: Vec<NewProduct>,
    correlation: CorrelationId,
) -> sqlx::Result<Vec<ProductId>> {
    in_transaction(pool, move |tx| {
        Box::pin(async move {
            let at = products::begin_creation(tx).await?;
            let created = products::insert(tx, &new, at).await?;
            let opened: Vec<_> = new
                .iter()
                .filter(|product| created.contains(&product.id))
                .map(|product| {
                    let adjustment = Adjustment {
                        product: product.id,
                        delta: product.quantity,
                        on_hand: product.quantity,
                        reason: "opening quantity".to_owned(),
                    };
                    (adjustment, &product.what)
                })
                .collect();
            announce(tx, &opened, correlation, at).await?;
            Ok(created)
        })
    })
    .await
}

/// Changes what a product is. A new price or currency is announced; stock stays.
///
/// # Errors
/// [`ChangeError`].
pub async fn describe<F>(
    pool: &PgPool,
    id: ProductId,
    correlation: CorrelationId,
    change: F,
) -> Result<Product, ChangeError>
where
    F: FnOnce(Description) -> Description + Send + 'static,
{
    in_transaction(pool, move |tx| {
        Box::pin(async move {
            let mut product = locked(tx, id).await?;
            let before = product.what.clone();
            product.what = change(before.clone());
            if product.what == before {
                return Ok(product);
            }
            let at = store::now(tx).await?;
            products::describe(tx, &[(id, product.what.clone())], at).await?;
            product.updated_at = at;
            let repriced =
                (before.price_minor, before.currency) != (product.what.price_minor, product.what.currency);
            if repriced {
                let adjustment = Adjustment {
                    product: id,
                    delta: 0,
                    on_hand: product.on_hand,
                    reason: "price changed".to_owned(),
                };
                announce(tx, &[(adjustment, &product.what)], correlation, at).await?;
            }
            Ok(product)
        })
    })
    .await
}

/// Changes how many there are.
///
/// # Errors
/// [`ChangeError`]: refused when fewer would be left than orders hold.
pub async fn restock(
    pool: &PgPool,
    id: ProductId,
    command: StockCommand,
    reason: String,
    correlation: CorrelationId,
) -> Result<Product, ChangeError> {
    in_transaction(pool, move |tx| {
        Box::pin(async move {
            let mut product = locked(tx, id).await?;
            let on_hand =
                on_hand_after(product.on_hand, product.reserved, command).map_err(ChangeError::Refused)?;
            let delta = on_hand - product.on_hand;
            if delta == 0 {
                return Ok(product);
            }
            let at = store::now(tx).await?;
            stock::set(tx, &[(id, on_hand)], at).await?;
            (product.on_hand, product.updated_at) = (on_hand, at);
            let adjustment = Adjustment { product: id, delta, on_hand, reason };
            announce(tx, &[(adjustment, &product.what)], correlation, at).await?;
            Ok(product)
        })
    })
    .await
}

/// How many there will be. What orders hold cannot be taken from under them.
fn on_hand_after(on_hand: i64, reserved: i64, command: StockCommand) -> Result<i64, Rejection> {
    let after = match command {
        StockCommand::Delta(delta) => on_hand.saturating_add(delta),
        StockCommand::OnHand(count) => count,
    };
    if after < reserved {
        let detail =
            format!("{after} would be left on hand, but orders hold {reserved}; cancel them or keep more");
        return Err(Rejection::new("stock_reserved", detail));
    }
    if after > ON_HAND_MAX {
        let detail = format!("{after} would be on hand; a product has at most {ON_HAND_MAX}");
        return Err(Rejection::new("stock_too_large", detail));
    }
    Ok(after)
}

async fn locked(tx: &mut PgConnection, id: ProductId) -> Result<Product, ChangeError> {
    products::lock(tx, &[id]).await?.pop().ok_or(ChangeError::Unknown(id))
}

/// Records adjustments and writes their events into the outbox.
async fn announce(
    tx: &mut PgConnection,
    adjusted: &[(Adjustment, &Description)],
    correlation_id: CorrelationId,
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    let adjustments: Vec<Adjustment> = adjusted.iter().map(|(adjustment, _)| adjustment.clone()).collect();
    stock::record(tx, &adjustments, at).await?;
    let envelopes: Vec<Envelope> = adjusted
        .iter()
        .map(|(adjustment, what)| {
            let draft = Draft {
                event_id: EventId(Uuid::now_v7()),
                aggregate_id: adjustment.product.0,
                correlation_id,
                // A person's command is the cause.
                causation_id: None,
                timestamp: at,
            };
            let event = InventoryStockAdjusted {
                product_id: adjustment.product,
                delta: adjustment.delta,
                on_hand: adjustment.on_hand,
                reason: adjustment.reason.clone(),
                price_minor: what.price_minor,
                currency: what.currency,
            };
            Envelope::new(draft, event.into())
        })
        .collect();
    outbox::append(tx, &envelopes).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_orders_hold_cannot_be_taken_from_under_them() {
        assert_eq!(on_hand_after(10, 4, StockCommand::Delta(-6)), Ok(4));
        assert_eq!(on_hand_after(10, 4, StockCommand::Delta(-7)).unwrap_err().code, "stock_reserved");
        assert_eq!(on_hand_after(10, 4, StockCommand::OnHand(4)), Ok(4));
        assert_eq!(on_hand_after(10, 4, StockCommand::OnHand(3)).unwrap_err().code, "stock_reserved");
        assert_eq!(on_hand_after(10, 0, StockCommand::Delta(-11)).unwrap_err().code, "stock_reserved");
    }

    #[test]
    fn a_product_has_at_most_a_thousand_million_units() {
        assert_eq!(on_hand_after(1, 0, StockCommand::Delta(ON_HAND_MAX - 1)), Ok(ON_HAND_MAX));
        for command in [StockCommand::Delta(ON_HAND_MAX), StockCommand::Delta(i64::MAX)] {
            assert_eq!(on_hand_after(1, 0, command).unwrap_err().code, "stock_too_large");
        }
    }
}
