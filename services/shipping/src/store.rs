//! Every SQL statement of the shipping service.

use std::{collections::HashMap, sync::LazyLock};

use chassis::StateTable;
use chrono::{DateTime, Utc};
use shared_events::OrderId;
use shipping_domain::State;
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

static SHIPMENTS: LazyLock<StateTable> = LazyLock::new(|| StateTable::new("shipments"));

const FIND: &str = "SELECT order_id, state, created_at, updated_at FROM shipments WHERE order_id = ANY($1)";

/// The log's first row of an order is of the event that its customer's action led to.
/// A shipment as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredShipment {
    /// Its order.
    pub order_id: OrderId,
    /// What is known of it.
    pub state: State,
    /// When shipping first heard of the order.
    pub created_at: DateTime<Utc>,
    /// When that last changed.
    pub updated_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct Row {
    order_id: Uuid,
    state: Json<State>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for StoredShipment {
    fn from(row: Row) -> Self {
        Self {
            order_id: OrderId(row.order_id),
            state: row.state.0,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The states of those of these orders that are known; the caller holds their locks.
///
/// # Errors
/// The database's, or a document that no longer fits.
pub async fn load(tx: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, State>> {
    SHIPMENTS.load(tx, orders).await
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
    SHIPMENTS.save(tx, states, at).await
}

/// The shipments of those of these orders that are known, in no particular order.
///
/// # Errors
/// The database's, or a document that no longer fits.
pub async fn find(pool: &PgPool, orders: &[OrderId]) -> sqlx::Result<Vec<StoredShipment>> {
    let ids: Vec<Uuid> = orders.iter().map(|order| order.0).collect();
    let rows: Vec<Row> = sqlx::query_as(FIND).bind(ids).fetch_all(pool).await?;
    Ok(rows.into_iter().map(StoredShipment::from).collect())
}
