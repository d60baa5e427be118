//! Every SQL statement of the loyalty service.

use std::{collections::HashMap, sync::LazyLock};

use chassis::StateTable;
use chrono::{DateTime, Utc};
use shared_events::{CustomerId, OrderId};
use sqlx::{PgConnection, PgPool};

use crate::rule::State;

static REWARDS: LazyLock<StateTable> = LazyLock::new(|| StateTable::new("rewards"));

const BALANCE: &str = "SELECT coalesce(sum(points), 0)::bigint AS points, count(*) AS orders \
                       FROM rewards WHERE customer_id = $1 AND points > 0";

/// What a customer has earned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Balance {
    /// All points together.
    pub points: i64,
    /// How many orders earned them.
    pub orders: i64,
}

/// The states of those of these orders that are known; the caller holds their locks.
///
/// # Errors
/// The database's, or a document that no longer fits.
pub async fn load(tx: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, State>> {
    REWARDS.load(tx, orders).await
}

/// Writes these states, new or changed.
///
/// # Errors
/// The database's.
pub async fn save(
    tx: &mut PgConnection,
    states: &[(OrderId, &State)],
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    REWARDS.save(tx, states, at).await
}

/// What this customer has earned; nothing, if nobody has heard of them.
///
/// # Errors
/// The database's.
pub async fn balance(pool: &PgPool, customer: &CustomerId) -> sqlx::Result<Balance> {
    sqlx::query_as(BALANCE).bind(customer.as_str()).fetch_one(pool).await
}
