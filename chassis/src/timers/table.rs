//! The rows: armed and disarmed by decisions, removed in the transaction that acts on them.

use chrono::{DateTime, Utc};
use shared_events::{CorrelationId, EventId, OrderId};
use sqlx::PgConnection;
use uuid::Uuid;

/// A timer to write.
#[derive(Clone, Debug)]
pub(crate) struct Armed {
    pub(crate) order: OrderId,
    pub(crate) name: &'static str,
    pub(crate) due_at: DateTime<Utc>,
    pub(crate) armed_by: Option<EventId>,
    pub(crate) correlation: CorrelationId,
}

const ARM: &str = "INSERT INTO timers (order_id, name, due_at, armed_by, correlation_id) \
     SELECT * FROM UNNEST($1::uuid[], $2::text[], $3::timestamptz[], $4::uuid[], $5::uuid[]) \
     ON CONFLICT (order_id, name) DO UPDATE \
     SET due_at = excluded.due_at, armed_by = excluded.armed_by, correlation_id = excluded.correlation_id";
const DISARM: &str = "DELETE FROM timers USING UNNEST($1::uuid[], $2::text[]) AS gone (order_id, name) \
     WHERE timers.order_id = gone.order_id AND timers.name = gone.name";
const FIRE: &str = "DELETE FROM timers USING UNNEST($1::uuid[], $2::text[]) AS fired (order_id, name) \
     WHERE timers.order_id = fired.order_id AND timers.name = fired.name AND timers.due_at <= $3 \
     RETURNING timers.order_id, timers.name";
/// Arms timers; each (order, name) may occur once.
pub(crate) async fn arm(tx: &mut PgConnection, timers: &[Armed]) -> sqlx::Result<()> {
    if timers.is_empty() {
        return Ok(());
    }
    sqlx::query(ARM)
        .bind(timers.iter().map(|t| t.order.0).collect::<Vec<_>>())
        .bind(timers.iter().map(|t| t.name).collect::<Vec<_>>())
        .bind(timers.iter().map(|t| t.due_at).collect::<Vec<_>>())
        .bind(timers.iter().map(|t| t.armed_by.map(|id| id.0)).collect::<Vec<_>>())
        .bind(timers.iter().map(|t| t.correlation.0).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// Disarms timers; those that are not armed do no harm.
pub(crate) async fn disarm(tx: &mut PgConnection, timers: &[(OrderId, &'static str)]) -> sqlx::Result<()> {
    if timers.is_empty() {
        return Ok(());
    }
    sqlx::query(DISARM)
        .bind(timers.iter().map(|(order, _)| order.0).collect::<Vec<_>>())
        .bind(timers.iter().map(|(_, name)| *name).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes those of these timers that are still due, and says which they were: another replica may
/// have been faster, or a decision may have disarmed or re-armed them since they were read.
pub(crate) async fn fire(
    tx: &mut PgConnection,
    timers: &[(OrderId, &'static str)],
    at: DateTime<Utc>,
) -> sqlx::Result<Vec<(OrderId, String)>> {
    if timers.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(Uuid, String)> = sqlx::query_as(FIRE)
        .bind(timers.iter().map(|(order, _)| order.0).collect::<Vec<_>>())
        .bind(timers.iter().map(|(_, name)| *name).collect::<Vec<_>>())
        .bind(at)
        .fetch_all(tx)
        .await?;
    Ok(rows.into_iter().map(|(order, name)| (OrderId(order), name)).collect())
}
