//! Every SQL statement of the payment service.

use std::{collections::HashMap, sync::LazyLock};

use chassis::StateTable;
use chrono::{DateTime, Utc};
use payment_domain::State;
use shared_events::{CorrelationId, OrderId};
use sqlx::{FromRow, PgConnection, PgPool, types::Json};
use uuid::Uuid;

use crate::ledger::Entry;

static TRANSACTIONS: LazyLock<StateTable> = LazyLock::new(|| StateTable::new("transactions"));

const APPEND: &str = "INSERT INTO ledger_entries (order_id, kind, amount_minor, currency, at) \
     SELECT e.order_id, e.kind, e.amount_minor, e.currency, $5 \
     FROM UNNEST($1::uuid[], $2::text[], $3::bigint[], $4::text[]) \
          WITH ORDINALITY AS e (order_id, kind, amount_minor, currency, position) ORDER BY e.position";

const FIND: &str =
    "SELECT order_id, state, created_at, updated_at FROM transactions WHERE order_id = ANY($1)";

/// The log's first row of an order is of the event that its customer's action led to.
const CORRELATIONS: &str = "SELECT DISTINCT ON (order_id) order_id, correlation_id FROM saga_log \
     WHERE order_id = ANY($1) ORDER BY order_id, id";

const LEDGER: &str = "SELECT id, order_id, kind, amount_minor, currency, at FROM ledger_entries \
     WHERE order_id = ANY($1) ORDER BY id LIMIT $2";

/// One statement sees one moment: a transaction and its entries always belong together.
const BOOKS_AFTER: &str = "SELECT t.order_id, t.status, t.amount_minor, t.captured_minor, t.refunded_minor, \
            t.updated_at, l.captured AS ledger_captured, l.refunded AS ledger_refunded \
     FROM transactions t, LATERAL ( \
         SELECT COALESCE(SUM(amount_minor) FILTER (WHERE kind = 'captured'), 0)::bigint AS captured, \
                COALESCE(SUM(amount_minor) FILTER (WHERE kind = 'refunded'), 0)::bigint AS refunded \
         FROM ledger_entries e WHERE e.order_id = t.order_id) l \
     WHERE t.order_id > $1 ORDER BY t.order_id LIMIT $2";

const BOOKS: &str = "SELECT t.order_id, t.status, t.amount_minor, t.captured_minor, t.refunded_minor, \
            t.updated_at, l.captured AS ledger_captured, l.refunded AS ledger_refunded \
     FROM transactions t, LATERAL ( \
         SELECT COALESCE(SUM(amount_minor) FILTER (WHERE kind = 'captured'), 0)::bigint AS captured, \
                COALESCE(SUM(amount_minor) FILTER (WHERE kind = 'refunded'), 0)::bigint AS refunded \
         FROM ledger_entries e WHERE e.order_id = t.order_id) l \
     WHERE t.order_id = ANY($1)";

/// All statements, so that a test can have the database check each of them.
pub const STATEMENTS: &[&str] = &[APPEND, FIND, CORRELATIONS, LEDGER, BOOKS_AFTER, BOOKS];

/// A transaction as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTransaction {
    /// Its order.
    pub order_id: OrderId,
    /// What is known of it.
    pub state: State,
    /// When payment first heard of the order.
    pub created_at: DateTime<Utc>,
    /// When that last changed.
    pub updated_at: DateTime<Utc>,
}

#[derive(FromRow)]
struct TransactionRow {
    order_id: Uuid,
    state: Json<State>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<TransactionRow> for StoredTransaction {
    fn from(row: TransactionRow) -> Self {
        let TransactionRow { order_id, state: Json(state), created_at, updated_at } = row;
        Self { order_id: OrderId(order_id), state, created_at, updated_at }
    }
}

/// A ledger entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct LedgerRow {
    /// Ascending with time.
    pub id: i64,
    /// The order.
    pub order_id: Uuid,
    /// What happened.
    pub kind: String,
    /// To how much, minor units.
    pub amount_minor: i64,
    /// Of this currency.
    pub currency: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// What our books say about one order's money.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Book {
    /// The order.
    pub order_id: Uuid,
    /// Where its payment stands; a word of [`payment_domain::Status`].
    pub status: String,
    /// What was to be charged.
    pub amount_minor: Option<i64>,
    /// Captured, as the transaction says.
    pub captured_minor: i64,
    /// Refunded, as the transaction says.
    pub refunded_minor: i64,
    /// When the transaction last changed.
    pub updated_at: DateTime<Utc>,
    /// Captured, as the ledger adds up.
    pub ledger_captured: i64,
    /// Refunded, as the ledger adds up.
    pub ledger_refunded: i64,
}

/// The states of those of these orders that are known; the caller holds their locks.
///
/// # Errors
/// The database's, or a document that no longer fits.
pub async fn load(tx: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, State>> {
    TRANSACTIONS.load(tx, orders).await
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
    TRANSACTIONS.save(tx, states, at).await
}

/// Adds these entries to the ledger, in this sequence.
///
/// # Errors
/// The database's; among them a second capture or refund of one order, which its index refuses.
pub async fn append_to_ledger(
    tx: &mut PgConnection,
    entries: &[(OrderId, Entry)],
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let orders: Vec<Uuid> = entries.iter().map(|(order, _)| order.0).collect();
    let kinds: Vec<&str> = entries.iter().map(|(_, entry)| entry.kind.as_str()).collect();
    let amounts: Vec<i64> = entries.iter().map(|(_, entry)| entry.amount.minor).collect();
    let currencies: Vec<&str> = entries.iter().map(|(_, entry)| entry.amount.currency.as_str()).collect();
    sqlx::query(APPEND).bind(orders).bind(kinds).bind(amounts).bind(currencies).bind(at).execute(tx).await?;
    Ok(())
}

/// The transactions of those of these orders that are known, in no particular order.
///
/// # Errors
/// The database's, or a document that no longer fits.
pub async fn find(pool: &PgPool, orders: &[OrderId]) -> sqlx::Result<Vec<StoredTransaction>> {
    let rows: Vec<TransactionRow> = sqlx::query_as(FIND).bind(ids(orders)).fetch_all(pool).await?;
    Ok(rows.into_iter().map(StoredTransaction::from).collect())
}

/// The correlation ids of those of these orders that are known: what their events carry, also when
/// an operator moves them on.
///
/// # Errors
/// The database's.
pub async fn correlations(
    pool: &PgPool,
    orders: &[OrderId],
) -> sqlx::Result<HashMap<OrderId, CorrelationId>> {
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(CORRELATIONS).bind(ids(orders)).fetch_all(pool).await?;
    Ok(rows.into_iter().map(|(order, correlation)| (OrderId(order), CorrelationId(correlation))).collect())
}

/// The ledger of these orders, oldest first, up to `limit` entries.
///
/// # Errors
/// The database's.
pub async fn ledger(pool: &PgPool, orders: &[OrderId], limit: i64) -> sqlx::Result<Vec<LedgerRow>> {
    sqlx::query_as(LEDGER).bind(ids(orders)).bind(limit).fetch_all(pool).await
}

/// Our books of up to `limit` orders whose ids follow `after`.
///
/// # Errors
/// The database's.
pub async fn books_after(pool: &PgPool, after: Uuid, limit: i64) -> sqlx::Result<Vec<Book>> {
    sqlx::query_as(BOOKS_AFTER).bind(after).bind(limit).fetch_all(pool).await
}

/// Our books of those of these orders that are known, in no particular order.
///
/// # Errors
/// The database's.
pub async fn books(pool: &PgPool, orders: &[Uuid]) -> sqlx::Result<Vec<Book>> {
    sqlx::query_as(BOOKS).bind(orders).fetch_all(pool).await
}

fn ids(orders: &[OrderId]) -> Vec<Uuid> {
    orders.iter().map(|order| order.0).collect()
}
