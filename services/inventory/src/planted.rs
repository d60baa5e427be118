//! Planted bugs of inventory (`chassis::faults`): nothing of this is reached without the feature.

use chrono::{DateTime, Utc};
use inventory_domain::{State, Stock};
use shared_events::{OrderId, ProductId, events::inventory::ReleasedFrom};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::store::stock::{Deltas, LOCK, levels};

/// The statement that locks ends with its lock.
const ITS_LOCK: &str = " FOR NO KEY UPDATE OF p";
const WRITE: &str = "UPDATE products AS p SET on_hand = s.on_hand, reserved = s.reserved, updated_at = $4 \
     FROM UNNEST($1::uuid[], $2::bigint[], $3::bigint[]) AS s (id, on_hand, reserved) WHERE p.id = s.id";

/// `Bug::NoTombstone`: what was never held is not worth a row.
pub(crate) fn is_tombstone(state: &State) -> bool {
    matches!(state, State::Released { released_from: ReleasedFrom::Nothing, .. })
}

/// `Bug::ReadThenWriteStock`, first half: the levels, without a lock.
pub(crate) async fn read(
    tx: &mut PgConnection,
    products: &[ProductId],
    holders: &[OrderId],
) -> sqlx::Result<Stock> {
    let statement = LOCK.strip_suffix(ITS_LOCK).expect("the statement that locks ends with its lock");
    levels(tx, statement, products, holders).await
}

/// Second half: what was read and what the batch did to it, as numbers.
pub(crate) async fn write(
    tx: &mut PgConnection,
    deltas: &Deltas,
    stock: &Stock,
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    let written: Vec<_> = stock.iter().filter(|(product, _)| deltas.contains_key(product)).collect();
    sqlx::query(WRITE)
        .bind(written.iter().map(|(product, _)| product.0).collect::<Vec<Uuid>>())
        .bind(written.iter().map(|(_, level)| level.on_hand).collect::<Vec<_>>())
        .bind(written.iter().map(|(_, level)| level.reserved).collect::<Vec<_>>())
        .bind(at)
        .execute(tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_that_locks_ends_with_its_lock() {
        assert!(LOCK.ends_with(ITS_LOCK));
    }
}
