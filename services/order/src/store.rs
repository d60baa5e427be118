//! Every SQL statement of the order service. What is written takes many orders at once.

use std::{collections::HashMap, sync::LazyLock};

use chassis::StateTable;
use chrono::{DateTime, Utc};
use order_domain::{Place, Progress, State};
use serde::Serialize;
use shared_events::{OrderId, events::order::PaymentMethod};
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

static ORDERS: LazyLock<StateTable> = LazyLock::new(|| StateTable::new("orders"));

const INSERT_DETAILS: &str = "\
    INSERT INTO order_details (order_id, correlation_id, body_sha256, payment_method, customer, client, created_at) \
    SELECT placed.*, $7 \
    FROM UNNEST($1::uuid[], $2::uuid[], $3::bytea[], $4::jsonb[], $5::jsonb[], $6::jsonb[]) AS placed";

// Without ON CONFLICT on purpose: a key that made another order in the meantime must not make a
// second one, so the whole placing fails and the request is answered from the key's row.
const INSERT_KEYS: &str = "\
    INSERT INTO idempotency_keys (key, order_id, body_sha256, created_at) \
    SELECT used.*, $4 FROM UNNEST($1::text[], $2::uuid[], $3::bytea[]) AS used";

const FIND: &str = "\
    SELECT o.order_id, o.state, o.created_at, o.updated_at, d.correlation_id, d.body_sha256, d.payment_method \
    FROM orders o JOIN order_details d USING (order_id) WHERE o.order_id = $1";

const FIND_KEY: &str = "SELECT order_id FROM idempotency_keys WHERE key = $1";

const LIST: &str = "\
    SELECT o.order_id, o.state, o.created_at, o.updated_at, d.correlation_id, d.body_sha256, d.payment_method \
    FROM orders o JOIN order_details d USING (order_id) WHERE TRUE";

const COUNT: &str = "\
    SELECT status, count(*) AS orders, count(processing_micros) AS confirmed, \
           coalesce(sum(processing_micros), 0)::double precision AS micros \
    FROM orders GROUP BY status";

/// The states of those of these orders that are known; the caller holds their locks.
///
/// # Errors
/// The database's.
pub async fn load(tx: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, State>> {
    ORDERS.load(tx, orders).await
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
    ORDERS.save(tx, states, at).await
}

/// A new order and the request that made it.
#[derive(Clone, Copy, Debug)]
pub struct Placing<'a> {
    /// The order.
    pub order_id: OrderId,
    /// The request.
    pub place: &'a Place,
}

/// Remembers the requests that made new orders, and their keys.
///
/// # Errors
/// The database's; a unique violation when a key made another order in the meantime.
pub async fn save_placings(
    tx: &mut PgConnection,
    placings: &[Placing<'_>],
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    if placings.is_empty() {
        return Ok(());
    }
    let orders = placings.iter().map(|placing| &placing.place.order);
    sqlx::query(INSERT_DETAILS)
        .bind(placings.iter().map(|placing| placing.order_id.0).collect::<Vec<_>>())
        .bind(placings.iter().map(|placing| placing.place.receipt.correlation_id.0).collect::<Vec<_>>())
        .bind(placings.iter().map(|placing| placing.place.receipt.body_sha256.to_vec()).collect::<Vec<_>>())
        .bind(orders.clone().map(|order| document(&order.payment_method)).collect::<sqlx::Result<Vec<_>>>()?)
        .bind(
            orders
                .clone()
                .map(|order| optional(order.customer.as_ref()))
                .collect::<sqlx::Result<Vec<_>>>()?,
        )
        .bind(orders.map(|order| optional(order.client.as_ref())).collect::<sqlx::Result<Vec<_>>>()?)
        .bind(at)
        .execute(&mut *tx)
        .await?;

    let keyed: Vec<_> = placings
        .iter()
        .filter_map(|placing| placing.place.receipt.idempotency_key.as_deref().map(|key| (key, placing)))
        .collect();
    if keyed.is_empty() {
        return Ok(());
    }
    sqlx::query(INSERT_KEYS)
        .bind(keyed.iter().map(|(key, _)| *key).collect::<Vec<_>>())
        .bind(keyed.iter().map(|(_, placing)| placing.order_id.0).collect::<Vec<_>>())
        .bind(keyed.iter().map(|(_, placing)| placing.place.receipt.body_sha256.to_vec()).collect::<Vec<_>>())
        .bind(at)
        .execute(tx)
        .await?;
    Ok(())
}

fn document<T: Serialize>(value: &T) -> sqlx::Result<serde_json::Value> {
    serde_json::to_value(value).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

fn optional<T: Serialize>(value: Option<&T>) -> sqlx::Result<Option<serde_json::Value>> {
    value.map(document).transpose()
}

/// An order with what was asked.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredOrder {
    /// The order.
    #[sqlx(rename = "order_id")]
    pub id: Uuid,
    /// What the saga knows of it.
    #[sqlx(json)]
    pub state: State,
    /// When it was placed.
    pub created_at: DateTime<Utc>,
    /// When its state changed last.
    pub updated_at: DateTime<Utc>,
    /// Correlation of the request that placed it.
    pub correlation_id: Uuid,
    /// SHA-256 of the normalized order.
    pub body_sha256: Vec<u8>,
    /// How it is paid.
    #[sqlx(json)]
    pub payment_method: PaymentMethod,
}

/// One order.
///
/// # Errors
/// The database's.
pub async fn find(pool: &PgPool, order: OrderId) -> sqlx::Result<Option<StoredOrder>> {
    sqlx::query_as(FIND).bind(order.0).fetch_optional(pool).await
}

/// The order that an idempotency key made.
///
/// # Errors
/// The database's.
pub async fn find_key(pool: &PgPool, key: &str) -> sqlx::Result<Option<OrderId>> {
    let found: Option<Uuid> = sqlx::query_scalar(FIND_KEY).bind(key).fetch_optional(pool).await?;
    Ok(found.map(OrderId))
}

/// Which orders a list shows; newest first.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only of this status.
    pub status: Option<Progress>,
    /// Only of this customer.
    pub customer_id: Option<String>,
    /// Only placed then or later.
    pub from: Option<DateTime<Utc>>,
    /// Only placed before.
    pub to: Option<DateTime<Utc>>,
    /// Only those that a list in this order shows after this one.
    pub after: Option<(DateTime<Utc>, Uuid)>,
}

/// At most `limit` orders, newest first.
///
/// The statement is put together from fixed pieces, because one with all filters optional would
/// have a single plan that serves none of them.
///
/// # Errors
/// The database's.
pub async fn list(pool: &PgPool, filter: &Filter, limit: i64) -> sqlx::Result<Vec<StoredOrder>> {
    let mut query = QueryBuilder::<Postgres>::new(LIST);
    if let Some(status) = filter.status {
        query.push(" AND o.status = ").push_bind(status.as_str());
    }
    if let Some(customer_id) = &filter.customer_id {
        query.push(" AND o.customer_id = ").push_bind(customer_id);
    }
    if let Some(from) = filter.from {
        query.push(" AND o.created_at >= ").push_bind(from);
    }
    if let Some(to) = filter.to {
        query.push(" AND o.created_at < ").push_bind(to);
    }
    if let Some((at, id)) = filter.after {
        query.push(" AND (o.created_at, o.order_id) < (").push_bind(at).push(", ").push_bind(id).push(")");
    }
    query.push(" ORDER BY o.created_at DESC, o.order_id DESC LIMIT ").push_bind(limit);
    query.build_query_as().fetch_all(pool).await
}

/// How many orders are in one status, and how long their confirmations took.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct StatusCount {
    /// The status.
    pub status: String,
    /// How many orders.
    pub orders: i64,
    /// How many of them were confirmed at some time.
    pub confirmed: i64,
    /// Sum of the times from placed to confirmed, microseconds.
    pub micros: f64,
}

/// Every status that occurs.
///
/// # Errors
/// The database's.
pub async fn count(pool: &PgPool) -> sqlx::Result<Vec<StatusCount>> {
    sqlx::query_as(COUNT).fetch_all(pool).await
}
