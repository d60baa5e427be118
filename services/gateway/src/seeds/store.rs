//! Every SQL statement of the adapters: the words in which an order was asked for.

use serde_json::Value;
use sqlx::{PgPool, Row as _, postgres::PgRow};
use uuid::Uuid;

/// Whose call placed an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Carts,
    SingleItems,
}

impl System {
    const fn name(self) -> &'static str {
        match self {
            Self::Carts => "carts",
            Self::SingleItems => "single_items",
        }
    }
}

/// What was asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) order_id: Uuid,
    pub(super) asked: Value,
    /// The order service has the order.
    pub(super) accepted: bool,
}

fn asked(row: &PgRow) -> sqlx::Result<Asked> {
    Ok(Asked {
        order_id: row.try_get("order_id")?,
        asked: row.try_get("asked")?,
        accepted: row.try_get("accepted")?,
    })
}

const INTEND: &str = "INSERT INTO seed_orders (order_id, system, asked) VALUES ($1, $2, $3) \
     ON CONFLICT (order_id) DO NOTHING";

/// Remembers that an order is about to be placed. Whoever was first is not overwritten.
pub(super) async fn intend(pool: &PgPool, system: System, order_id: Uuid, asked: &Value) -> sqlx::Result<()> {
    let statement = sqlx::query(INTEND).bind(order_id).bind(system.name()).bind(asked);
    statement.execute(pool).await.map(drop)
}

/// The words of the accepted request replace those of one that was refused before under the same id.
const ACCEPT: &str = "INSERT INTO seed_orders (order_id, system, asked, accepted) VALUES ($1, $2, $3, true) \
     ON CONFLICT (order_id) DO UPDATE SET system = EXCLUDED.system, asked = EXCLUDED.asked, accepted = true \
     WHERE NOT seed_orders.accepted";

/// The order service has the order.
pub(super) async fn accept(pool: &PgPool, system: System, order_id: Uuid, asked: &Value) -> sqlx::Result<()> {
    let statement = sqlx::query(ACCEPT).bind(order_id).bind(system.name()).bind(asked);
    statement.execute(pool).await.map(drop)
}

/// The order service has the orders after all; what was asked stays.
pub(super) async fn found(pool: &PgPool, orders: &[Uuid]) -> sqlx::Result<()> {
    let statement =
        sqlx::query("UPDATE seed_orders SET accepted = true WHERE order_id = ANY($1)").bind(orders);
    statement.execute(pool).await.map(drop)
}

/// The order service refused the order.
pub(super) async fn forget(pool: &PgPool, order_id: Uuid) -> sqlx::Result<()> {
    let statement =
        sqlx::query("DELETE FROM seed_orders WHERE order_id = $1 AND NOT accepted").bind(order_id);
    statement.execute(pool).await.map(drop)
}

/// What was asked when the order was placed, if it was placed here.
pub(super) async fn find(pool: &PgPool, order_id: Uuid) -> sqlx::Result<Option<Asked>> {
    let statement = sqlx::query("SELECT order_id, asked, accepted FROM seed_orders WHERE order_id = $1");
    statement.bind(order_id).fetch_optional(pool).await?.as_ref().map(asked).transpose()
}

const NEWEST: &str = "SELECT order_id, asked, accepted FROM seed_orders WHERE system = $1 \
     ORDER BY position DESC LIMIT $2";

/// The last ones asked for, newest first.
pub(super) async fn newest(pool: &PgPool, system: System, limit: i64) -> sqlx::Result<Vec<Asked>> {
    let rows = sqlx::query(NEWEST).bind(system.name()).bind(limit).fetch_all(pool).await?;
    rows.iter().map(asked).collect()
}
