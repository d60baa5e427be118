//! The saga log: one row per input handled. It is also the inbox of the idempotent consumer.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared_events::{CorrelationId, EventId, EventType, OrderId, Outcome};
use sqlx::{PgConnection, PgPool, Row, postgres::PgRow};
use uuid::Uuid;

/// What is written about one input.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) order: OrderId,
    pub(crate) event: Option<EventId>,
    pub(crate) input: String,
    pub(crate) outcome: Outcome,
    pub(crate) note: String,
    pub(crate) correlation: CorrelationId,
    pub(crate) causation: Option<EventId>,
    pub(crate) emitted: Vec<Emitted>,
}

/// An event that a decision emitted or said again.
#[derive(Clone, Debug, Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Emitted {
    /// Its id; absent when a resend names only the type.
    #[schema(value_type = Option<Uuid>)]
    pub event_id: Option<EventId>,
    /// Its type.
    #[schema(value_type = String, example = "inventory.reserved")]
    pub event_type: EventType,
    /// True when it had been said before.
    #[serde(default)]
    pub resent: bool,
}

/// A row as `GET /saga-logs/{order_id}` shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SagaLogRow {
    /// Ascending with time within one service.
    pub id: i64,
    /// The order.
    pub order_id: Uuid,
    /// The part of the saga it belongs to: `order`, `inventory`, `payment`, `timer`, `command`, …
    pub step: String,
    /// The event that came in; for other inputs the event they led to, or the input's own name.
    pub event_type: String,
    /// `started`, `completed`, `failed`, `compensated` or `ignored`.
    pub status: String,
    /// Why, for a person.
    pub note: String,
    /// What came in, by its full name.
    pub input: String,
    /// The event that came in; null for timers, answers of the outside world and commands.
    pub event_id: Option<Uuid>,
    /// What had caused the input.
    pub causation_id: Option<Uuid>,
    /// Correlation of the input.
    pub correlation_id: Uuid,
    /// What it led to.
    pub emitted: Vec<Emitted>,
    /// When it was decided.
    pub created_at: DateTime<Utc>,
}

const SEEN: &str = "SELECT event_id FROM saga_log WHERE event_id = ANY($1)";

const READ: &str = "SELECT id, order_id, event_id, input, outcome, note, correlation_id, causation_id, emitted, created_at \
     FROM saga_log WHERE order_id = $1 ORDER BY id LIMIT $2";

/// The log's oldest row, and the clock it was written by.
const SINCE: &str = "SELECT (SELECT created_at FROM saga_log ORDER BY id LIMIT 1), clock_timestamp()";

/// An order has a few dozen rows; a thousand is a runaway, and enough to see it.
const ROWS_MAX: i64 = 1_000;

/// Which of these events were handled before.
pub(crate) async fn seen(tx: &mut PgConnection, events: &[EventId]) -> sqlx::Result<HashSet<EventId>> {
    if events.is_empty() {
        return Ok(HashSet::new());
    }
    let ids: Vec<Uuid> = events.iter().map(|event| event.0).collect();
    let rows: Vec<Uuid> = sqlx::query_scalar(SEEN).bind(ids).fetch_all(tx).await?;
    Ok(rows.into_iter().map(EventId).collect())
}

/// Which of some events a service has not handled.
#[derive(Clone, Debug, Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Unknown {
    /// Those that are not in the log.
    pub unknown: Vec<Uuid>,
    /// When the log begins; null when it is empty. What was sent before, this service was not there to hear.
    pub hearing_since: Option<DateTime<Utc>>,
    /// The clock by which that is told.
    pub now: DateTime<Utc>,
}

/// Which of these events this service has not handled (yet).
///
/// # Errors
/// The database's.
pub async fn unknown(pool: &PgPool, events: &[Uuid]) -> sqlx::Result<Unknown> {
    let (hearing_since, now) = sqlx::query_as(SINCE).fetch_one(pool).await?;
    let seen: Vec<Uuid> = sqlx::query_scalar(SEEN).bind(events).fetch_all(pool).await?;
    let seen: HashSet<Uuid> = seen.into_iter().collect();
    let unknown = events.iter().copied().filter(|event| !seen.contains(event)).collect();
    Ok(Unknown { unknown, hearing_since, now })
}

/// What this service received, decided and emitted for the order, in order.
///
/// # Errors
/// The database's.
pub async fn read(pool: &PgPool, order: OrderId) -> sqlx::Result<Vec<SagaLogRow>> {
    let rows = sqlx::query(READ).bind(order.0).bind(ROWS_MAX).fetch_all(pool).await?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &PgRow) -> sqlx::Result<SagaLogRow> {
    let input: String = row.try_get("input")?;
    let event_id: Option<Uuid> = row.try_get("event_id")?;
    let sqlx::types::Json(emitted): sqlx::types::Json<Vec<Emitted>> = row.try_get("emitted")?;
    let event_type = match (event_id, emitted.first()) {
        (None, Some(first)) => first.event_type.to_string(),
        _ => input.clone(),
    };
    Ok(SagaLogRow {
        id: row.try_get("id")?,
        order_id: row.try_get("order_id")?,
        step: event_type.split(['.', ':']).next().unwrap_or_default().to_owned(),
        event_type,
        status: row.try_get("outcome")?,
        note: row.try_get("note")?,
        input,
        event_id,
        causation_id: row.try_get("causation_id")?,
        correlation_id: row.try_get("correlation_id")?,
        emitted,
        created_at: row.try_get("created_at")?,
    })
}
