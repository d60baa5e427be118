//! Every SQL statement of the gateway: the feed.

use chrono::{DateTime, Utc};
use shared_events::{Envelope, EventType};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// Two numbers, so that it can never be the lock of an order, which is one.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1717921124, 1)";

/// The identity numbers rows in the order of the `SELECT`.
const APPEND: &str = "INSERT INTO feed (event_id, event_type, order_id, correlation_id, body, received_at) \
     SELECT event_id, event_type, order_id, correlation_id, body, clock_timestamp() \
     FROM UNNEST($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[]) \
          WITH ORDINALITY AS heard (event_id, event_type, order_id, correlation_id, body, place) \
     ORDER BY place";

const AFTER: &str = "SELECT position, event_type, order_id, body, received_at FROM feed \
     WHERE position > $1 ORDER BY position LIMIT $2";

const AFTER_OF_ORDER: &str = "SELECT position, event_type, order_id, body, received_at FROM feed \
     WHERE order_id = $3 AND position > $1 AND (cardinality($4::text[]) = 0 OR event_type = ANY($4)) \
     ORDER BY position LIMIT $2";

/// Each type's next positions out of its own index, and of all these the first. The bounds and the
/// order are those of that index and of no other: asked for by `event_type = …`, the planner, which
/// cannot know how rare a type is, walks the primary key instead, and may meet a million other rows.
const AFTER_OF_TYPES: &str = "SELECT position, event_type, order_id, body, received_at FROM feed \
     WHERE position IN (\
         SELECT found.position FROM (SELECT DISTINCT UNNEST($3::text[])) AS wanted (event_type), \
             LATERAL (SELECT position FROM feed \
                 WHERE (feed.event_type, position) > (wanted.event_type, $1) \
                     AND feed.event_type <= wanted.event_type \
                 ORDER BY feed.event_type, position LIMIT $2) AS found \
         ORDER BY found.position LIMIT $2) \
     ORDER BY position";

const LAST: &str = "SELECT position, event_type, order_id, body, received_at FROM feed \
     ORDER BY position DESC LIMIT $1";

const LAST_OF_ORDER: &str = "SELECT position, event_type, order_id, body, received_at FROM feed \
     WHERE order_id = $2 ORDER BY position DESC LIMIT $1";

const REMOVED_THROUGH: &str = "SELECT through FROM feed_removed";

const EXTENT: &str = "SELECT through, (SELECT min(position) FROM feed), \
     greatest(through, (SELECT max(position) FROM feed)) FROM feed_removed";

/// Positions and times ascend together, so the oldest rows are looked at and no others.
const REMOVE: &str = "WITH oldest AS (SELECT position, received_at FROM feed ORDER BY position LIMIT $3), \
     removed AS (DELETE FROM feed WHERE position IN (\
         SELECT position FROM oldest WHERE received_at < $1 \
             OR position <= (SELECT max(position) FROM feed) - $2) RETURNING position), \
     noted AS (UPDATE feed_removed SET through = greatest(through, (SELECT max(position) FROM removed)) \
         WHERE EXISTS (SELECT FROM removed)) \
     SELECT count(*) FROM removed";

/// A row of the feed.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct FeedRow {
    /// Ascends with the moment a row becomes visible.
    pub position: i64,
    /// The event's type.
    pub event_type: String,
    /// The order (or product) it is about.
    pub order_id: Uuid,
    /// The envelope as JSON.
    pub body: String,
    /// When the gateway heard it.
    pub received_at: DateTime<Utc>,
}

/// What the table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Everything up to here may have been removed.
    pub removed_through: i64,
    /// The oldest row.
    pub oldest: Option<i64>,
    /// The newest position that was ever visible; 0 when none was.
    pub newest: i64,
}

/// Writes what was heard, in this order, behind everything that is there.
///
/// The lock is held to the end of the transaction: no row becomes visible while one with a smaller
/// position is still to come, whoever else writes. It is the last lock the batch takes, and its
/// holder waits for nothing but its commit.
///
/// # Errors
/// The database's.
pub async fn append(tx: &mut PgConnection, heard: &[&Envelope]) -> sqlx::Result<()> {
    if heard.is_empty() {
        return Ok(());
    }
    sqlx::query(LOCK).execute(&mut *tx).await?;
    sqlx::query(APPEND)
        .bind(heard.iter().map(|envelope| envelope.event_id.0).collect::<Vec<_>>())
        .bind(heard.iter().map(|envelope| envelope.event_type().as_str()).collect::<Vec<_>>())
        .bind(heard.iter().map(|envelope| envelope.aggregate_id).collect::<Vec<_>>())
        .bind(heard.iter().map(|envelope| envelope.correlation_id.0).collect::<Vec<_>>())
        .bind(heard.iter().map(|envelope| envelope.encode()).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// The next rows after a position, ascending; of one order, if it is named, and of these types, if
/// there are any.
///
/// # Errors
/// The database's.
pub async fn after(
    pool: &PgPool,
    position: i64,
    order: Option<Uuid>,
    types: &[EventType],
    rows_max: i64,
) -> sqlx::Result<Vec<FeedRow>> {
    let names: Vec<&str> = types.iter().map(|kind| kind.as_str()).collect();
    let query = match order {
        None if types.is_empty() => sqlx::query_as(AFTER).bind(position).bind(rows_max),
        None => sqlx::query_as(AFTER_OF_TYPES).bind(position).bind(rows_max).bind(names),
        Some(order) => sqlx::query_as(AFTER_OF_ORDER).bind(position).bind(rows_max).bind(order).bind(names),
    };
    query.fetch_all(pool).await
}

/// The newest rows, ascending; of one order, if it is named.
///
/// # Errors
/// The database's.
pub async fn last(pool: &PgPool, order: Option<Uuid>, rows_max: i64) -> sqlx::Result<Vec<FeedRow>> {
    let mut rows: Vec<FeedRow> = match order {
        None => sqlx::query_as(LAST).bind(rows_max).fetch_all(pool).await?,
        Some(order) => sqlx::query_as(LAST_OF_ORDER).bind(rows_max).bind(order).fetch_all(pool).await?,
    };
    rows.reverse();
    Ok(rows)
}

/// Up to where rows may have been removed.
///
/// # Errors
/// The database's.
pub async fn removed_through(pool: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar(REMOVED_THROUGH).fetch_one(pool).await
}

/// What the table holds now.
///
/// # Errors
/// The database's.
pub async fn extent(pool: &PgPool) -> sqlx::Result<Extent> {
    let (removed_through, oldest, newest) = sqlx::query_as(EXTENT).fetch_one(pool).await?;
    Ok(Extent { removed_through, oldest, newest })
}

/// Removes up to `rows_max` of the oldest rows that came before `before` or are more than `keep`
/// positions behind the newest, and says how many.
///
/// # Errors
/// The database's.
pub async fn remove(pool: &PgPool, before: DateTime<Utc>, keep: i64, rows_max: i64) -> sqlx::Result<u64> {
    let removed: i64 =
        sqlx::query_scalar(REMOVE).bind(before).bind(keep).bind(rows_max).fetch_one(pool).await?;
    Ok(removed.unsigned_abs())
}
