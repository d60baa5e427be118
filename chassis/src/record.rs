//! What every batch writes besides its orders' states: saga log, outbox and timers, in one statement.
//!
//! Four statements would do the same; each costs a round trip and, at a commit every few
//! milliseconds, as much CPU as the rows themselves.

use chrono::{DateTime, Utc};
use shared_events::{Envelope, OrderId};
use sqlx::PgConnection;

use crate::{
    outbox::{CLAIM, Outgoing, interval},
    saga_log::Entry,
    timers::table::Armed,
};

/// A second row for one event violates the unique key of `saga_log` and fails the transaction: that
/// is what makes the log an inbox. The timers deleted and those armed are never the same ones.
const RECORD: &str = "WITH logged AS ( \
         INSERT INTO saga_log (order_id, event_id, input, outcome, note, correlation_id, causation_id, emitted, created_at) \
         SELECT e.*, $1 FROM UNNEST($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::jsonb[]) AS e), \
     said AS ( \
         INSERT INTO outbox (event_id, event_type, aggregate_id, body, created_at, claimed_until) \
         SELECT e.*, clock_timestamp() + $10::text::interval \
         FROM UNNEST($11::uuid[], $12::text[], $13::uuid[], $14::text[], $15::timestamptz[]) AS e), \
     disarmed AS ( \
         DELETE FROM timers USING UNNEST($16::uuid[], $17::text[]) AS gone (order_id, name) \
         WHERE timers.order_id = gone.order_id AND timers.name = gone.name) \
     INSERT INTO timers (order_id, name, due_at, armed_by, correlation_id) \
     SELECT * FROM UNNEST($18::uuid[], $19::text[], $20::timestamptz[], $21::uuid[], $22::uuid[]) \
     ON CONFLICT (order_id, name) DO UPDATE \
     SET due_at = excluded.due_at, armed_by = excluded.armed_by, correlation_id = excluded.correlation_id";

/// The last word of a batch on each of its timers: armed anew, or disarmed.
pub(crate) type TimerWord = ((OrderId, &'static str), Option<Armed>);

/// Writes it all; the events come back as rows for the relay, claimed by this process.
pub(crate) async fn write(
    tx: &mut PgConnection,
    log: &[Entry],
    emitted: &[Envelope],
    timers: &[TimerWord],
    at: DateTime<Utc>,
) -> sqlx::Result<Vec<Outgoing>> {
    if log.is_empty() {
        return Ok(Vec::new());
    }
    let named = log
        .iter()
        .map(|entry| serde_json::to_value(&entry.emitted))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let bodies: Vec<String> = emitted.iter().map(Envelope::encode).collect();
    let armed: Vec<&Armed> = timers.iter().filter_map(|(_, armed)| armed.as_ref()).collect();
    let disarmed: Vec<_> = timers.iter().filter(|(_, armed)| armed.is_none()).map(|(key, _)| key).collect();
    sqlx::query(RECORD)
        .bind(at)
        .bind(log.iter().map(|e| e.order.0).collect::<Vec<_>>())
        .bind(log.iter().map(|e| e.event.map(|id| id.0)).collect::<Vec<_>>())
        .bind(log.iter().map(|e| e.input.as_str()).collect::<Vec<_>>())
        .bind(log.iter().map(|e| e.outcome.as_str()).collect::<Vec<_>>())
        .bind(log.iter().map(|e| e.note.as_str()).collect::<Vec<_>>())
        .bind(log.iter().map(|e| e.correlation.0).collect::<Vec<_>>())
        .bind(log.iter().map(|e| e.causation.map(|id| id.0)).collect::<Vec<_>>())
        .bind(named)
        .bind(interval(CLAIM))
        .bind(emitted.iter().map(|e| e.event_id.0).collect::<Vec<_>>())
        .bind(emitted.iter().map(|e| e.event_type().as_str()).collect::<Vec<_>>())
        .bind(emitted.iter().map(|e| e.aggregate_id).collect::<Vec<_>>())
        .bind(&bodies)
        .bind(emitted.iter().map(|e| e.timestamp).collect::<Vec<_>>())
        .bind(disarmed.iter().map(|(order, _)| order.0).collect::<Vec<_>>())
        .bind(disarmed.iter().map(|(_, name)| *name).collect::<Vec<_>>())
        .bind(armed.iter().map(|t| t.order.0).collect::<Vec<_>>())
        .bind(armed.iter().map(|t| t.name).collect::<Vec<_>>())
        .bind(armed.iter().map(|t| t.due_at).collect::<Vec<_>>())
        .bind(armed.iter().map(|t| t.armed_by.map(|id| id.0)).collect::<Vec<_>>())
        .bind(armed.iter().map(|t| t.correlation.0).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(emitted.iter().zip(bodies).map(|(envelope, body)| Outgoing::new(envelope, body, 0)).collect())
}
