//! Stock levels: locked in id order, moved by sums, and every change that is not an order's recorded.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use inventory_domain::{Delta, Stock, StockLevel};
use shared_events::{OrderId, ProductId};
use sqlx::PgConnection;
use uuid::Uuid;

/// What a batch does to each product.
pub type Deltas = BTreeMap<ProductId, Delta>;

/// The rows are sorted before they are locked, so everyone takes the locks in one order. No key is
/// changed, so that new adjustment rows, which refer to a product, need not wait.
pub(crate) const LOCK: &str = "WITH wanted AS MATERIALIZED ( \
         SELECT id FROM UNNEST($1::uuid[]) AS asked (id) \
         UNION \
         SELECT (item ->> 'product_id')::uuid FROM reservations, jsonb_array_elements(state -> 'items') AS item \
         WHERE order_id = ANY($2) AND status IN ('held', 'committed')) \
     SELECT p.id, p.on_hand, p.reserved, p.price_minor, p.currency \
     FROM products AS p JOIN wanted ON wanted.id = p.id \
     ORDER BY p.id FOR NO KEY UPDATE OF p";

pub(super) const SHIFT: &str = "UPDATE products AS p \
     SET on_hand = p.on_hand + d.on_hand, reserved = p.reserved + d.reserved, updated_at = $4 \
     FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[]) AS d (id, on_hand, reserved) WHERE p.id = d.id";

pub(super) const SET: &str = "UPDATE products AS p SET on_hand = s.on_hand, updated_at = $3 \
     FROM UNNEST($1::uuid[], $2::bigint[]) AS s (id, on_hand) WHERE p.id = s.id";

pub(super) const RECORD: &str = "INSERT INTO stock_adjustments (product_id, delta, on_hand_after, reason, created_at) \
     SELECT a.*, $5 FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[], $4::text[]) AS a";

/// Locks these products, and those that these orders hold, in id order; returns their levels.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &mut PgConnection, products: &[ProductId], holders: &[OrderId]) -> sqlx::Result<Stock> {
    levels(tx, LOCK, products, holders).await
}

/// The levels that this statement reads.
pub(crate) async fn levels(
    tx: &mut PgConnection,
    statement: &'static str,
    products: &[ProductId],
    holders: &[OrderId],
) -> sqlx::Result<Stock> {
    let rows: Vec<(Uuid, i64, i64, i64, String)> = sqlx::query_as(statement)
        .bind(products.iter().map(|product| product.0).collect::<Vec<_>>())
        .bind(holders.iter().map(|order| order.0).collect::<Vec<_>>())
        .fetch_all(tx)
        .await?;
    rows.into_iter()
        .map(|(id, on_hand, reserved, price_minor, currency)| {
            let currency = super::products::currency(&currency)?;
            Ok((ProductId(id), StockLevel { on_hand, reserved, price_minor, currency }))
        })
        .collect()
}

/// Adds these deltas in one statement. The check constraints refuse what would go below zero.
///
/// # Errors
/// The database's; `RowNotFound` when a product is gone, which nobody but a person with SQL can do.
pub async fn shift(tx: &mut PgConnection, deltas: &Deltas, at: DateTime<Utc>) -> sqlx::Result<()> {
    if deltas.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(SHIFT)
        .bind(deltas.keys().map(|product| product.0).collect::<Vec<_>>())
        .bind(deltas.values().map(|delta| delta.on_hand).collect::<Vec<_>>())
        .bind(deltas.values().map(|delta| delta.reserved).collect::<Vec<_>>())
        .bind(at)
        .execute(tx)
        .await?;
    if done.rows_affected() == deltas.len() as u64 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// Sets the quantity on hand of products whose rows the caller has locked.
///
/// # Errors
/// The database's.
pub async fn set(tx: &mut PgConnection, levels: &[(ProductId, i64)], at: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query(SET)
        .bind(levels.iter().map(|(product, _)| product.0).collect::<Vec<_>>())
        .bind(levels.iter().map(|(_, on_hand)| *on_hand).collect::<Vec<_>>())
        .bind(at)
        .execute(tx)
        .await?;
    Ok(())
}

/// A change of stock that was not an order's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// What.
    pub product: ProductId,
    /// Change of the quantity on hand; 0 when only the price changed.
    pub delta: i64,
    /// Quantity on hand afterwards.
    pub on_hand: i64,
    /// Why, in the operator's words.
    pub reason: String,
}

/// Writes down why stock changed.
///
/// # Errors
/// The database's.
pub async fn record(
    tx: &mut PgConnection,
    adjustments: &[Adjustment],
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    if adjustments.is_empty() {
        return Ok(());
    }
    sqlx::query(RECORD)
        .bind(adjustments.iter().map(|a| a.product.0).collect::<Vec<_>>())
        .bind(adjustments.iter().map(|a| a.delta).collect::<Vec<_>>())
        .bind(adjustments.iter().map(|a| a.on_hand).collect::<Vec<_>>())
        .bind(adjustments.iter().map(|a| a.reason.as_str()).collect::<Vec<_>>())
        .bind(at)
        .execute(tx)
        .await?;
    Ok(())
}
