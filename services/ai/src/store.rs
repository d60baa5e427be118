//! Every SQL statement of the AI service.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use ai_domain::{Features, Happened, Memory, Past, ReviewStatus, State};
use chassis::StateTable;
use chrono::{DateTime, Utc};
use shared_events::{CorrelationId, OrderId};
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

static ASSESSMENTS: LazyLock<StateTable> = LazyLock::new(|| StateTable::new("assessments"));

/// Orders of one customer that a new one is compared with, newest first: far more than the last step
/// of any rule, and little enough to be read in a millisecond.
const CUSTOMER_ORDERS_MAX: i64 = 100;
/// Orders behind one device, address or token that are looked at, newest first: the last step of a
/// rule asks for ten different customers.
const LINKED_ORDERS_MAX: i64 = 50;
/// Rows removed in one statement: a short one, so that nobody waits for its locks.
const FORGET_BATCH: i64 = 5_000;

/// `$1` to `$4` are what the new orders have; `$5` and `$6` when the first and the last of them was
/// placed. Each branch reads a few rows of one index.
const REMEMBER: &str = "\
    SELECT found.* FROM UNNEST($1::text[]) AS asked (customer) CROSS JOIN LATERAL ( \
        SELECT * FROM order_features f \
        WHERE f.customer = asked.customer AND f.placed_at > $5 - interval '30 days' AND f.placed_at <= $6 \
        ORDER BY f.placed_at DESC LIMIT $7) AS found \
    UNION ALL \
    SELECT found.* FROM UNNEST($2::uuid[]) AS asked (device) CROSS JOIN LATERAL ( \
        SELECT * FROM order_features f \
        WHERE f.device = asked.device AND f.placed_at > $5 - interval '7 days' AND f.placed_at <= $6 \
        ORDER BY f.placed_at DESC LIMIT $8) AS found \
    UNION ALL \
    SELECT found.* FROM UNNEST($3::uuid[]) AS asked (ip) CROSS JOIN LATERAL ( \
        SELECT * FROM order_features f \
        WHERE f.ip = asked.ip AND f.placed_at > $5 - interval '7 days' AND f.placed_at <= $6 \
        ORDER BY f.placed_at DESC LIMIT $8) AS found \
    UNION ALL \
    SELECT found.* FROM UNNEST($4::uuid[]) AS asked (token) CROSS JOIN LATERAL ( \
        SELECT * FROM order_features f \
        WHERE f.token = asked.token AND f.placed_at > $5 - interval '7 days' AND f.placed_at <= $6 \
        ORDER BY f.placed_at DESC LIMIT $8) AS found";

const SAVE_FEATURES: &str = "\
    INSERT INTO order_features (order_id, customer, placed_at, total_minor, currency, country, device, ip, token, \
        instrument, payment_failed, confirmed, died, delivered) \
    SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[], $5::text[], $6::text[], \
        $7::uuid[], $8::uuid[], $9::uuid[], $10::uuid[], $11::bool[], $12::bool[], $13::bool[], $14::bool[]) \
    ON CONFLICT (order_id) DO UPDATE SET payment_failed = excluded.payment_failed, \
        confirmed = excluded.confirmed, died = excluded.died, delivered = excluded.delivered";

/// A day more than anybody looks back: the clocks of two machines need not agree.
const FORGET: &str = "\
    DELETE FROM order_features WHERE order_id = ANY(ARRAY( \
        SELECT order_id FROM order_features WHERE placed_at < now() - interval '31 days' \
        ORDER BY placed_at LIMIT $1))";

const FIND: &str = "SELECT order_id, state, created_at FROM assessments WHERE order_id = ANY($1)";

const OLDEST: &str = "\
    SELECT order_id, state, created_at FROM assessments \
    WHERE review_status = $1 AND ($2::timestamptz IS NULL OR (created_at, order_id) > ($2, $3)) \
    ORDER BY created_at, order_id LIMIT $4";

const NEWEST: &str = "\
    SELECT order_id, state, created_at FROM assessments \
    WHERE review_status = $1 AND ($2::timestamptz IS NULL OR (created_at, order_id) < ($2, $3)) \
    ORDER BY created_at DESC, order_id DESC LIMIT $4";

/// The log's first row of an order is of the event that its customer's action led to.
const CORRELATIONS: &str = "\
    SELECT DISTINCT ON (order_id) order_id, correlation_id FROM saga_log WHERE order_id = ANY($1) \
    ORDER BY order_id, id";

/// An order as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAssessment {
    /// The order.
    pub order_id: OrderId,
    /// What is known of it.
    pub state: State,
    /// When the AI service first heard of it.
    pub created_at: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct Row {
    order_id: Uuid,
    state: Json<State>,
    created_at: DateTime<Utc>,
}

impl From<Row> for StoredAssessment {
    fn from(row: Row) -> Self {
        Self { order_id: OrderId(row.order_id), state: row.state.0, created_at: row.created_at }
    }
}

#[derive(sqlx::FromRow)]
struct FeatureRow {
    order_id: Uuid,
    customer: Option<String>,
    placed_at: DateTime<Utc>,
    total_minor: i64,
    currency: String,
    country: Option<String>,
    device: Option<Uuid>,
    ip: Option<Uuid>,
    token: Option<Uuid>,
    instrument: Option<Uuid>,
    payment_failed: bool,
    confirmed: bool,
    died: bool,
    delivered: bool,
}

impl FeatureRow {
    fn past(self) -> sqlx::Result<(OrderId, Past)> {
        let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
        let currency = self.currency.parse().map_err(|error| unreadable(Box::new(error)))?;
        let customer =
            self.customer.map(TryInto::try_into).transpose().map_err(|error| unreadable(Box::new(error)))?;
        let features = Features {
            customer,
            country: self.country,
            device: self.device,
            ip: self.ip,
            token: self.token,
            instrument: self.instrument,
            ..Features::bare(self.total_minor, currency, self.placed_at)
        };
        let happened = Happened {
            payment_failed: self.payment_failed,
            confirmed: self.confirmed,
            died: self.died,
            delivered: self.delivered,
        };
        Ok((OrderId(self.order_id), Past { features, happened }))
    }
}

/// The states of those of these orders that are known; the caller holds their locks.
///
/// # Errors
/// The database's, or a document that no longer fits.
pub async fn load(tx: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, State>> {
    ASSESSMENTS.load(tx, orders).await
}

/// Earlier orders with which these new ones are compared.
///
/// # Errors
/// The database's.
pub async fn remember(connection: &mut PgConnection, new: &[Features]) -> sqlx::Result<Memory> {
    let mut memory = Memory::default();
    let times = || new.iter().map(|features| features.placed_at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return Ok(memory) };
    let customers = new.iter().filter_map(|f| f.customer.as_ref()).map(|id| id.as_str().to_owned());
    let rows: Vec<FeatureRow> = sqlx::query_as(REMEMBER)
        .bind(distinct(customers))
        .bind(distinct(new.iter().filter_map(|features| features.device)))
        .bind(distinct(new.iter().filter_map(|features| features.ip)))
        .bind(distinct(new.iter().filter_map(|features| features.token)))
        .bind(first)
        .bind(last)
        .bind(CUSTOMER_ORDERS_MAX)
        .bind(LINKED_ORDERS_MAX)
        .fetch_all(connection)
        .await?;
    // A row that several branches have found is the same row each time.
    for row in rows {
        let (order, past) = row.past()?;
        memory.remember(order, past);
    }
    Ok(memory)
}

fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    values.map(|value| (value, ())).collect::<BTreeMap<_, _>>().into_keys().collect()
}

/// Writes these states, new or changed, and what later orders are compared with.
///
/// # Errors
/// The database's.
pub async fn save(
    tx: &mut PgConnection,
    states: &[(OrderId, &State)],
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    ASSESSMENTS.save(tx, states, at).await?;
    let placed: Vec<_> = states
        .iter()
        .filter_map(|(order, state)| state.placed.as_ref().map(|features| (*order, features, state.happened)))
        .collect();
    if placed.is_empty() {
        return Ok(());
    }
    sqlx::query(SAVE_FEATURES)
        .bind(column(&placed, |(order, _, _)| order.0))
        .bind(column(&placed, |(_, f, _)| f.customer.as_ref().map(|id| id.as_str().to_owned())))
        .bind(column(&placed, |(_, f, _)| f.placed_at))
        .bind(column(&placed, |(_, f, _)| f.total_minor))
        .bind(column(&placed, |(_, f, _)| f.currency.as_str().to_owned()))
        .bind(column(&placed, |(_, f, _)| f.country.clone()))
        .bind(column(&placed, |(_, f, _)| f.device))
        .bind(column(&placed, |(_, f, _)| f.ip))
        .bind(column(&placed, |(_, f, _)| f.token))
        .bind(column(&placed, |(_, f, _)| f.instrument))
        .bind(column(&placed, |(_, _, happened)| happened.payment_failed))
        .bind(column(&placed, |(_, _, happened)| happened.confirmed))
        .bind(column(&placed, |(_, _, happened)| happened.died))
        .bind(column(&placed, |(_, _, happened)| happened.delivered))
        .execute(tx)
        .await?;
    Ok(())
}

type Placed<'a> = (OrderId, &'a Features, Happened);

fn column<'a, T>(placed: &[Placed<'a>], value: impl Fn(&Placed<'a>) -> T) -> Vec<T> {
    placed.iter().map(value).collect()
}

/// Removes what nobody looks back at any more, and says how many rows that was.
///
/// # Errors
/// The database's.
pub async fn forget(pool: &PgPool) -> sqlx::Result<u64> {
    let mut forgotten = 0;
    loop {
        let removed = sqlx::query(FORGET).bind(FORGET_BATCH).execute(pool).await?.rows_affected();
        forgotten += removed;
        if removed < FORGET_BATCH.unsigned_abs() {
            return Ok(forgotten);
        }
    }
}

/// What is known of those of these orders that are known, in no particular order.
///
/// # Errors
/// The database's, or a document that no longer fits.
pub async fn find(pool: &PgPool, orders: &[OrderId]) -> sqlx::Result<Vec<StoredAssessment>> {
    let rows: Vec<Row> = sqlx::query_as(FIND).bind(ids(orders)).fetch_all(pool).await?;
    Ok(rows.into_iter().map(StoredAssessment::from).collect())
}

/// Reviews of one status behind a position of the list: open ones oldest first, for they wait; the
/// others newest first.
///
/// # Errors
/// The database's, or a document that no longer fits.
pub async fn reviews(
    pool: &PgPool,
    status: ReviewStatus,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<StoredAssessment>> {
    let list = match status {
        ReviewStatus::Open => OLDEST,
        ReviewStatus::Decided | ReviewStatus::Closed => NEWEST,
    };
    let (at, id) = after.unzip();
    let rows: Vec<Row> =
        sqlx::query_as(list).bind(status.as_str()).bind(at).bind(id).bind(limit).fetch_all(pool).await?;
    Ok(rows.into_iter().map(StoredAssessment::from).collect())
}

/// The correlations of these orders' sagas.
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

fn ids(orders: &[OrderId]) -> Vec<Uuid> {
    orders.iter().map(|order| order.0).collect()
}
