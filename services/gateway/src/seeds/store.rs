//! Every SQL statement of the adapters: the words in which an order was asked for.

use std::time::Duration;

use serde_json::Value;
use sqlx::PgPool;
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

const INTEND: &str = "INSERT INTO seed_orders (order_id, system, asked) VALUES ($1, $2, $3) \
     ON CONFLICT (order_id) DO UPDATE SET created_at = now() WHERE NOT seed_orders.accepted";

/// Remembers that an order is about to be placed. Whoever was first is not overwritten, but counts
/// as asked for just now: it must not expire while this one is on its way.
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

const FORGET: &str = "DELETE FROM seed_orders WHERE order_id = $1 AND asked = $2 AND NOT accepted";

/// The order service refused the order that was asked for in these words.
pub(super) async fn forget(pool: &PgPool, order_id: Uuid, asked: &Value) -> sqlx::Result<()> {
    sqlx::query(FORGET).bind(order_id).bind(asked).execute(pool).await.map(drop)
}

const EXPIRE: &str = "DELETE FROM seed_orders WHERE order_id = ANY($1) AND NOT accepted \
     AND created_at < now() - make_interval(secs => $2)";

/// The order service does not have the orders; those asked for before `age` never became any.
pub(super) async fn expire(pool: &PgPool, orders: &[Uuid], age: Duration) -> sqlx::Result<()> {
    sqlx::query(EXPIRE).bind(orders).bind(age.as_secs_f64()).execute(pool).await.map(drop)
}

/// What was asked when the order was placed, if it was placed here.
pub(super) async fn find(pool: &PgPool, order_id: Uuid) -> sqlx::Result<Option<Value>> {
    let statement = sqlx::query_scalar("SELECT asked FROM seed_orders WHERE order_id = $1");
    statement.bind(order_id).fetch_optional(pool).await
}

const NEWEST: &str = "SELECT asked FROM seed_orders WHERE system = $1 AND accepted \
     ORDER BY position DESC LIMIT $2";

/// What was asked for the last orders, newest first.
pub(super) async fn newest(pool: &PgPool, system: System, limit: i64) -> sqlx::Result<Vec<Value>> {
    sqlx::query_scalar(NEWEST).bind(system.name()).bind(limit).fetch_all(pool).await
}

/// The oldest first, so that each is asked for at last.
const UNSETTLED: &str = "SELECT order_id FROM seed_orders WHERE system = $1 AND NOT accepted \
     ORDER BY position LIMIT $2";

/// Orders that were asked for without an answer.
pub(super) async fn unsettled(pool: &PgPool, system: System, limit: i64) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(UNSETTLED).bind(system.name()).bind(limit).fetch_all(pool).await
}
