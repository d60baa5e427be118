//! The rows: armed and disarmed by decisions, removed in the transaction that acts on them.

use chrono::{DateTime, Utc};
use shared_events::{CorrelationId, EventId, OrderId};
use sqlx::PgConnection;
use uuid::Uuid;

#[cfg(feature = "faults")]
use crate::faults::{Bug, planted};

/// A timer to write.
#[derive(Clone, Debug)]
pub(crate) struct Armed {
    pub(crate) order: OrderId,
    pub(crate) name: &'static str,
    pub(crate) due_at: DateTime<Utc>,
    pub(crate) armed_by: Option<EventId>,
    pub(crate) correlation: CorrelationId,
}

const FIRE: &str = "DELETE FROM timers USING UNNEST($1::uuid[], $2::text[]) AS fired (order_id, name) \
     WHERE timers.order_id = fired.order_id AND timers.name = fired.name AND timers.due_at <= $3 \
     RETURNING timers.order_id, timers.name";
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
    #[cfg(feature = "faults")]
    if planted(Bug::TimersInMemory) {
        return Ok(super::planted::fire(timers, at));
    }
    let rows: Vec<(Uuid, String)> = sqlx::query_as(FIRE)
        .bind(timers.iter().map(|(order, _)| order.0).collect::<Vec<_>>())
        .bind(timers.iter().map(|(_, name)| *name).collect::<Vec<_>>())
        .bind(at)
        .fetch_all(tx)
        .await?;
    Ok(rows.into_iter().map(|(order, name)| (OrderId(order), name)).collect())
}
