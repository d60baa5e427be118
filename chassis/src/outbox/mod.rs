//! The transactional outbox: events are written with the state they report, and sent afterwards.
//!
//! Rows are never deleted when sent: they are the service's history, can be said again under the
//! same id, and tell an operator what was said when.

mod history;
pub(crate) mod relay;

use std::time::Duration;

use shared_events::{CorrelationId, Envelope, EventId, EventType, OrderId};
use sqlx::{PgConnection, PgPool, Row as _, types::Uuid};

pub use history::{RESEND_AGE_MAX_DAYS, SentEvent, SentPage};
pub(crate) use history::{Stretch, resend_events, sent};

/// How long a row belongs to the process that wrote or claimed it. Longer than a confirm may take
/// (10 s), so that two processes rarely send the same row; if both do, the consumers' inboxes
/// absorb it.
pub(crate) const CLAIM: Duration = Duration::from_secs(15);

/// A row on its way to the broker.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) event_id: EventId,
    pub(crate) event_type: EventType,
    pub(crate) correlation_id: Uuid,
    pub(crate) causation_id: Option<EventId>,
    pub(crate) timestamp_seconds: u64,
    pub(crate) body: String,
    pub(crate) resends: i32,
    /// When this process got hold of it; an old one is left to the sweep.
    pub(crate) since: std::time::Instant,
}

impl Outgoing {
    pub(crate) fn new(envelope: &Envelope, body: String, resends: i32) -> Self {
        Self {
            event_id: envelope.event_id,
            event_type: envelope.event_type(),
            correlation_id: envelope.correlation_id.0,
            causation_id: envelope.causation_id,
            timestamp_seconds: envelope.timestamp.timestamp().try_into().unwrap_or(0),
            body,
            resends,
            since: std::time::Instant::now(),
        }
    }
}

const APPEND: &str = "INSERT INTO outbox (event_id, event_type, aggregate_id, body, created_at) \
     SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[])";

/// Says again, under its old id, the newest event of that type for that order.
const RESEND: &str = "UPDATE outbox SET published_at = NULL, resends = resends + 1, \
         claimed_until = clock_timestamp() + $3::text::interval \
     WHERE seq IN (SELECT max(o.seq) FROM UNNEST($1::uuid[], $2::text[]) AS wanted (aggregate_id, event_type) \
                   JOIN outbox o USING (aggregate_id, event_type) GROUP BY o.aggregate_id, o.event_type) \
     RETURNING body, resends";

/// Writes events that belong to no saga decision, such as an operator's stock adjustment; the
/// relay's sweep sends them within half a second of the commit.
///
/// # Errors
/// The database's; an event over 256 KiB violates a check.
pub async fn append(tx: &mut PgConnection, envelopes: &[Envelope]) -> sqlx::Result<()> {
    if envelopes.is_empty() {
        return Ok(());
    }
    sqlx::query(APPEND)
        .bind(envelopes.iter().map(|e| e.event_id.0).collect::<Vec<_>>())
        .bind(envelopes.iter().map(|e| e.event_type().as_str()).collect::<Vec<_>>())
        .bind(envelopes.iter().map(|e| e.aggregate_id).collect::<Vec<_>>())
        .bind(envelopes.iter().map(Envelope::encode).collect::<Vec<_>>())
        .bind(envelopes.iter().map(|e| e.timestamp).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// Marks the newest event of each (order, type) as unsent again and returns it for sending.
pub(crate) async fn resend(
    tx: &mut PgConnection,
    wanted: &[(OrderId, EventType)],
) -> sqlx::Result<Vec<Outgoing>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(RESEND)
        .bind(wanted.iter().map(|(order, _)| order.0).collect::<Vec<_>>())
        .bind(wanted.iter().map(|(_, event_type)| event_type.as_str()).collect::<Vec<_>>())
        .bind(interval(CLAIM))
        .fetch_all(tx)
        .await?;
    let mut again = Vec::with_capacity(rows.len());
    for row in &rows {
        again.extend(outgoing(row.try_get("body")?, row.try_get("resends")?));
    }
    Ok(again)
}

/// The newest event this service said about the order, and the correlation it carried.
pub(crate) async fn last_word(
    pool: &PgPool,
    order: OrderId,
) -> sqlx::Result<Option<(EventId, CorrelationId)>> {
    let row: Option<(Uuid, Uuid)> = sqlx::query_as(
        "SELECT event_id, (body::jsonb ->> 'correlation_id')::uuid FROM outbox \
         WHERE aggregate_id = $1 ORDER BY seq DESC LIMIT 1",
    )
    .bind(order.0)
    .fetch_optional(pool)
    .await?;
    Ok(row.map(|(event, correlation)| (EventId(event), CorrelationId(correlation))))
}

/// A stored row back as a message; `None` for one that this release cannot read (a newer one wrote
/// it before a rollback). It stays unsent, and must not keep its neighbors from being sent.
fn outgoing(body: String, resends: i32) -> Option<Outgoing> {
    match Envelope::decode(body.as_bytes()) {
        Ok(envelope) => Some(Outgoing::new(&envelope, body, resends)),
        Err(error) => {
            metrics::counter!("outbox_unreadable_total").increment(1);
            tracing::error!(%error, "an event in the outbox was written by another release; it stays unsent");
            None
        }
    }
}

pub(crate) fn interval(duration: Duration) -> String {
    format!("{} milliseconds", duration.as_millis())
}
