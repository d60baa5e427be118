//! Durable timers: deadlines as rows, acted on by whichever replica sees them first.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use shared_events::{CorrelationId, EventId, OrderId, Timer};
use sqlx::{PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    engine::{Cause, Engine, Work},
    participant::Participant,
};

/// How often due timers are looked for. The shortest deadline is a second, and scaled-down tests
/// want theirs soon.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Due timers taken at once; the rest follow without waiting.
const DUE_MAX: i64 = 128;
/// How long a timer whose handling failed is put off.
const POSTPONE: &str = "30 seconds";

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
const DUE: &str = "SELECT order_id, name, armed_by, correlation_id FROM timers \
     WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $1";
const PUT_OFF: &str = "UPDATE timers SET due_at = clock_timestamp() + $3::text::interval \
     WHERE order_id = $1 AND name = $2";

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

/// Looks for due timers until told to stop.
pub(crate) async fn run<P: Participant>(engine: Arc<Engine<P>>, stop: CancellationToken) {
    loop {
        let full = match due::<P>(engine.pool()).await {
            Ok(works) if works.is_empty() => false,
            Ok(works) => {
                let full = works.len() as i64 >= DUE_MAX;
                handle(&engine, works).await;
                full
            }
            Err(error) => {
                tracing::warn!(%error, "cannot look for due timers; trying again");
                false
            }
        };
        if !full {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(POLL_INTERVAL) => {}
            }
        } else if stop.is_cancelled() {
            return;
        }
    }
}

async fn due<P: Participant>(pool: &PgPool) -> sqlx::Result<Vec<Work<P>>> {
    let rows: Vec<(Uuid, String, Option<Uuid>, Uuid)> =
        sqlx::query_as(DUE).bind(DUE_MAX).fetch_all(pool).await?;
    let mut works = Vec::with_capacity(rows.len());
    for (order, name, armed_by, correlation) in rows {
        let Some(timer) = P::Timer::from_name(&name) else {
            tracing::error!(%order, timer = name, "a timer of another release; putting it off");
            sqlx::query(PUT_OFF).bind(order).bind(&name).bind("1 hour").execute(pool).await?;
            continue;
        };
        works.push(Work {
            order: OrderId(order),
            input: P::timer_input(timer),
            cause: Cause::timer(timer.name(), armed_by.map(EventId), CorrelationId(correlation)),
        });
    }
    Ok(works)
}

async fn handle<P: Participant>(engine: &Engine<P>, works: Vec<Work<P>>) {
    let Err(fault) = engine.process(&works).await else { return };
    if works.len() == 1 || matches!(fault, crate::db::Fault::Unavailable(_)) {
        tracing::warn!(%fault, timers = works.len(), "timers could not be handled; putting them off");
        for work in &works {
            let name = work.cause.timer_name().unwrap_or_default();
            let put_off =
                sqlx::query(PUT_OFF).bind(work.order.0).bind(name).bind(POSTPONE).execute(engine.pool());
            if let Err(error) = put_off.await {
                tracing::warn!(%error, order_id = %work.order, "cannot put a timer off");
            }
        }
        return;
    }
    // One bad timer must not hold up the others of its batch.
    for work in works {
        Box::pin(handle(engine, vec![work])).await;
    }
}
