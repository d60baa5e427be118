//! What was sent, for those who hold it against what was heard; and saying it again.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, types::Uuid};

/// Older events are not said again: a consumer forgets after 120 days what it has handled
/// (reliability, section 3) and would take them for new.
pub const RESEND_AGE_MAX_DAYS: i32 = 90;

/// From a place on, in the order of sending; the first time from so many seconds ago. `now()`, and not
/// `clock_timestamp()`, because an index cannot be searched by what changes from row to row.
const SENT: &str = "SELECT event_id, event_type, aggregate_id AS order_id, published_at, resends FROM outbox \
     WHERE (published_at, event_id) > (COALESCE($1, now() - make_interval(secs => $3)), $2) \
         AND published_at < now() - make_interval(secs => $4) \
     ORDER BY published_at, event_id LIMIT $5";

/// Of these, whatever was sent and not given up. The rows are locked in one order for everyone.
const RESEND_EVENTS: &str = "UPDATE outbox SET published_at = NULL, claimed_until = NULL, resends = resends + 1 \
     WHERE seq IN (SELECT seq FROM outbox WHERE event_id = ANY($1) \
                   AND published_at < COALESCE($2, 'infinity') AND dead_at IS NULL \
                   AND created_at > now() - make_interval(days => $3) ORDER BY seq FOR UPDATE) \
     RETURNING event_id";

/// An event that the broker has confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sqlx::FromRow, utoipa::ToSchema)]
pub struct SentEvent {
    /// Its id.
    pub event_id: Uuid,
    /// Its type.
    #[schema(example = "order.placed")]
    pub event_type: String,
    /// The order (or product) it is about.
    pub order_id: Uuid,
    /// When the broker confirmed it, the last time it was sent.
    pub published_at: DateTime<Utc>,
    /// How often it was said again.
    pub resends: i32,
}

/// Sent events, in the order of sending.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SentPage {
    /// The events.
    pub items: Vec<SentEvent>,
    /// Pass it as `cursor` to go on behind these, at once or any time later; null when there are none.
    pub next_cursor: Option<String>,
    /// The clock by which `published_at` is told.
    pub now: DateTime<Utc>,
}

/// Which of the sent events are asked for. What was sent in the last `older_than` seconds is left out:
/// the marks of rows that were sent at about the same time may still become visible in any order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) after: Option<(DateTime<Utc>, Uuid)>,
    pub(crate) within_seconds: f64,
    pub(crate) older_than_seconds: f64,
    pub(crate) limit: i64,
}

/// The next sent events of a stretch, and the database's clock.
pub(crate) async fn sent(pool: &PgPool, stretch: Stretch) -> sqlx::Result<(Vec<SentEvent>, DateTime<Utc>)> {
    let now = sqlx::query_scalar("SELECT now()").fetch_one(pool).await?;
    let (at, id) = stretch.after.map_or((None, Uuid::nil()), |(at, id)| (Some(at), id));
    let items = sqlx::query_as(SENT)
        .bind(at)
        .bind(id)
        .bind(stretch.within_seconds)
        .bind(stretch.older_than_seconds)
        .bind(stretch.limit)
        .fetch_all(pool)
        .await?;
    Ok((items, now))
}

/// Has these events sent again under their ids by the relay's next sweep, unless they were sent at or
/// after `before` (somebody else was faster), wait to be sent anyway, or are too old; says which.
pub(crate) async fn resend_events(
    pool: &PgPool,
    events: &[Uuid],
    before: Option<DateTime<Utc>>,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar(RESEND_EVENTS)
        .bind(events)
        .bind(before)
        .bind(RESEND_AGE_MAX_DAYS)
        .fetch_all(pool)
        .await
}
