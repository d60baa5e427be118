//! Every SQL statement of the AI service.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::LazyLock,
};

use ai_domain::{Features, Happened, Memory, Past, ReviewStatus, State};
use chassis::StateTable;
use chrono::{DateTime, Utc};
use shared_events::{CorrelationId, OrderId};
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

static ASSESSMENTS: LazyLock<StateTable> = LazyLock::new(|| StateTable::new("assessments"));

/// Rows removed in one statement: a short one, so that nobody waits for its locks.
const FORGET_BATCH: i64 = 5_000;
/// What the domain looks at, and one more: the order that is asked about may be stored already.
const CUSTOMER_ORDERS: i64 = Memory::CUSTOMER_ORDERS_MAX as i64 + 1;
/// What the domain counts, and one more: the customer who asks is found as well.
const LINKED_CUSTOMERS: i64 = Memory::OTHERS_MAX as i64 + 1;
/// Customers of a month that are visited behind one device, address or token to find those of the
/// week: in an even month a quarter of them, which is as many as are counted. It bounds the walk to
/// well below a millisecond.
const LINKED_VISITS_MAX: i32 = 100;

/// One branch of [`REMEMBER`].
macro_rules! linked_by {
    ($column:literal) => {
        concat!(
            "SELECT found.* FROM UNNEST($4::text[], $5::uuid[], $6::timestamptz[]) AS asked (kind, print, placed_at) \
             CROSS JOIN LATERAL ( \
                WITH RECURSIVE walk (customer, visits) AS ( \
                    (SELECT f.customer, 1 FROM order_features f \
                     WHERE f.", $column, " = asked.print ORDER BY f.customer LIMIT 1) \
                    UNION ALL \
                    SELECT (SELECT f.customer FROM order_features f \
                            WHERE f.", $column, " = asked.print AND f.customer > walk.customer \
                            ORDER BY f.customer LIMIT 1), walk.visits + 1 \
                    FROM walk WHERE walk.customer IS NOT NULL AND walk.visits < $9) \
                SELECT newest.* FROM walk CROSS JOIN LATERAL ( \
                    SELECT * FROM order_features f \
                    WHERE f.", $column, " = asked.print AND f.customer = walk.customer \
                        AND f.placed_at <= asked.placed_at \
                    ORDER BY f.placed_at DESC LIMIT 1) AS newest \
                WHERE newest.placed_at > asked.placed_at - interval '7 days' LIMIT $8) AS found \
             WHERE asked.kind = '", $column, "'"
        )
    };
}

/// A row of `$1` to `$3` is a stretch of a customer's time; one of `$4` to `$6` is what a new order
/// may have in common with others', and when it was placed.
///
/// Behind a device, an address or a token the customers are walked one by one (two descents of an
/// index for each), because one busy customer's orders would hide all others' among the newest. Every
/// limit is per order: what is found for an order does not depend on those it shares a batch with.
///
/// `LIMIT (SELECT …)` keeps the number from the planner. If it knew that a hundred are more than an
/// average customer has, it would fetch all orders of a busy one and sort them.
pub const REMEMBER: &str = concat!(
    "SELECT found.* FROM UNNEST($1::text[], $2::timestamptz[], $3::timestamptz[]) AS asked (customer, after, until) \
     CROSS JOIN LATERAL ( \
        SELECT * FROM order_features f \
        WHERE f.customer = asked.customer AND f.placed_at > asked.after AND f.placed_at <= asked.until \
        ORDER BY f.placed_at DESC, f.order_id DESC LIMIT (SELECT $7)) AS found \
     UNION ALL ",
    linked_by!("device"),
    " UNION ALL ",
    linked_by!("ip"),
    " UNION ALL ",
    linked_by!("token"),
);

/// Two numbers, so that it can never be the lock of an order, which is one.
const TAKE_TURNS: &str = "WITH keys AS MATERIALIZED \
        (SELECT DISTINCT hashtext(name) AS key FROM UNNEST($1::text[]) AS name ORDER BY key), \
     locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(1717921125, key) FROM keys) \
     SELECT count(*) FROM locked";

const SAVE_FEATURES: &str = "\
    INSERT INTO order_features (order_id, customer, placed_at, total_minor, currency, country, device, ip, token, \
        instrument, payment_failed, confirmed, died, delivered) \
    SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::timestamptz[], $4::bigint[], $5::text[], $6::text[], \
        $7::uuid[], $8::uuid[], $9::uuid[], $10::uuid[], $11::bool[], $12::bool[], $13::bool[], $14::bool[]) \
    ON CONFLICT (order_id) DO UPDATE SET payment_failed = excluded.payment_failed, \
        confirmed = excluded.confirmed, died = excluded.died, delivered = excluded.delivered";

/// A day more than anybody looks back, in whole days: the clocks of two machines need not agree.
pub const FORGET: &str = "\
    DELETE FROM order_features WHERE order_id = ANY(ARRAY( \
        SELECT order_id FROM order_features \
        WHERE (placed_at AT TIME ZONE 'UTC')::date < ((now() - interval '31 days') AT TIME ZONE 'UTC')::date \
        ORDER BY (placed_at AT TIME ZONE 'UTC')::date LIMIT $1))";

const FIND: &str = "SELECT order_id, state, created_at FROM assessments WHERE order_id = ANY($1)";

/// Where a list begins is a condition of the index, also on the first page: there it lies before, or
/// behind, everything. (`$2 IS NULL OR …` would be a filter over all reviews that were ever listed.)
pub const OLDEST: &str = "\
    SELECT order_id, state, created_at FROM assessments \
    WHERE review_status = $1 AND (created_at, order_id) > (COALESCE($2::timestamptz, '-infinity'), \
        COALESCE($3::uuid, '00000000-0000-0000-0000-000000000000')) \
    ORDER BY created_at, order_id LIMIT $4";

/// Like [`OLDEST`], from the other end.
pub const NEWEST: &str = "\
    SELECT order_id, state, created_at FROM assessments \
    WHERE review_status = $1 AND (created_at, order_id) < (COALESCE($2::timestamptz, 'infinity'), \
        COALESCE($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')) \
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

/// Makes batches of several replicas that have a customer, a device, an address or a token in common wait
/// for each other: compared at the same moment, their orders would not see each other, and a burst that is
/// spread over the replicas would look like single orders. Held to the end of the transaction. The
/// orders' own locks were taken before, and these are taken in one order by everybody, so nobody waits in
/// a circle.
///
/// # Errors
/// The database's.
pub async fn take_turns(connection: &mut PgConnection, new: &[Features]) -> sqlx::Result<()> {
    let customers = new.iter().filter_map(|features| features.customer.as_ref());
    let mut shared: BTreeSet<String> =
        customers.map(|customer| format!("customer {}", customer.as_str())).collect();
    shared.extend(links(new).into_iter().map(|(kind, print, _)| format!("{kind} {print}")));
    if !shared.is_empty() {
        sqlx::query(TAKE_TURNS).bind(shared.into_iter().collect::<Vec<_>>()).execute(connection).await?;
    }
    Ok(())
}

/// Earlier orders with which these new ones are compared.
///
/// # Errors
/// The database's.
pub async fn remember(connection: &mut PgConnection, new: &[Features]) -> sqlx::Result<Memory> {
    let mut memory = Memory::default();
    if new.is_empty() {
        return Ok(memory);
    }
    let (stretches, links) = (stretches(new), links(new));
    let rows: Vec<FeatureRow> = sqlx::query_as(REMEMBER)
        .bind(stretches.iter().map(|stretch| stretch.customer).collect::<Vec<_>>())
        .bind(stretches.iter().map(|stretch| stretch.after).collect::<Vec<_>>())
        .bind(stretches.iter().map(|stretch| stretch.until).collect::<Vec<_>>())
        .bind(links.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>())
        .bind(links.iter().map(|(_, print, _)| *print).collect::<Vec<_>>())
        .bind(links.iter().map(|(.., at)| *at).collect::<Vec<_>>())
        .bind(CUSTOMER_ORDERS)
        .bind(LINKED_CUSTOMERS)
        .bind(LINKED_VISITS_MAX)
        .fetch_all(connection)
        .await?;
    // A row that several branches have found is the same row each time.
    for row in rows {
        let (order, past) = row.past()?;
        memory.remember(order, past);
    }
    Ok(memory)
}

/// Time of a customer: after the one moment, until the other.
struct Stretch<'a> {
    customer: &'a str,
    after: DateTime<Utc>,
    until: DateTime<Utc>,
}

/// Of several new orders of one customer each later one only asks for what came after the earlier
/// one: the newest before both are among the newest before the first, or lie between the two.
fn stretches(new: &[Features]) -> Vec<Stretch<'_>> {
    let mut times: BTreeMap<&str, BTreeSet<DateTime<Utc>>> = BTreeMap::new();
    for features in new {
        if let Some(customer) = &features.customer {
            times.entry(customer.as_str()).or_default().insert(features.placed_at);
        }
    }
    let mut stretches = Vec::new();
    for (customer, times) in times {
        let mut before: Option<DateTime<Utc>> = None;
        for until in times {
            let window = until - Memory::WINDOW;
            let after = before.map_or(window, |before| before.max(window));
            stretches.push(Stretch { customer, after, until });
            before = Some(until);
        }
    }
    stretches
}

/// What links the new orders to other customers' ones: kind, fingerprint, and when each was placed.
fn links(new: &[Features]) -> BTreeSet<(&'static str, Uuid, DateTime<Utc>)> {
    let of = |features: &Features| {
        [("device", features.device), ("ip", features.ip), ("token", features.token)]
            .map(|(kind, print)| print.map(|print| (kind, print, features.placed_at)))
    };
    new.iter().flat_map(of).flatten().collect()
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
