//! Reservations as people read them; the engine reads and writes them through the state table.

use chrono::{DateTime, Utc};
use inventory_domain::State;
use shared_events::OrderId;
use sqlx::{PgExecutor, types::Json};
use uuid::Uuid;

pub(super) const GET: &str = "SELECT order_id, state, created_at, updated_at FROM reservations WHERE order_id = ANY($1) ORDER BY order_id";

/// One order's reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Whose.
    pub order: OrderId,
    /// What the domain knows.
    pub state: State,
    /// When inventory first heard of the order.
    pub created_at: DateTime<Utc>,
    /// When the reservation last changed.
    pub updated_at: DateTime<Utc>,
}

type Row = (Uuid, Json<State>, DateTime<Utc>, DateTime<Utc>);

/// The reservations of those of these orders that are known.
///
/// # Errors
/// The database's.
pub async fn get(db: impl PgExecutor<'_>, orders: &[OrderId]) -> sqlx::Result<Vec<Reservation>> {
    let ids: Vec<Uuid> = orders.iter().map(|order| order.0).collect();
    let rows: Vec<Row> = sqlx::query_as(GET).bind(ids).fetch_all(db).await?;
    Ok(rows
        .into_iter()
        .map(|(order, Json(state), created_at, updated_at)| Reservation {
            order: OrderId(order),
            state,
            created_at,
            updated_at,
        })
        .collect())
}
