//! The sweep: looks for due timers and hands them to the engine as inputs.

use std::{sync::Arc, time::Duration};

use shared_events::{CorrelationId, EventId, OrderId, Timer as _};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[cfg(feature = "faults")]
use crate::faults::{Bug, planted};
use crate::{
    db::Fault,
    engine::Engine,
    participant::Participant,
    work::{Cause, Work},
};

/// How often due timers are looked for. The shortest deadline is a second, and scaled-down tests
/// want theirs soon.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Due timers taken at once; the rest follow without waiting.
const DUE_MAX: i64 = 128;
/// How long a timer whose handling failed is put off.
const POSTPONE: &str = "30 seconds";

const DUE: &str = "SELECT order_id, name, armed_by, correlation_id FROM timers \
     WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $1";
/// Only while it is still due: whoever has re-armed it meanwhile meant the new time.
const PUT_OFF: &str = "UPDATE timers SET due_at = clock_timestamp() + $3::text::interval \
     WHERE order_id = $1 AND name = $2 AND due_at <= clock_timestamp()";

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
    #[cfg(feature = "faults")]
    if planted(Bug::TimersInMemory) {
        return Ok(super::planted::due(DUE_MAX as usize));
    }
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
    if works.len() == 1 || matches!(fault, Fault::Unavailable(_)) {
        tracing::warn!(%fault, timers = works.len(), "timers could not be handled; putting them off");
        for work in &works {
            let name = work.cause.timer_name().unwrap_or_default();
            let put_off =
                sqlx::query(PUT_OFF).bind(work.order.0).bind(name).bind(POSTPONE).execute(engine.pool());
            if let Err(error) = put_off.await {
                // The database is away; all of them stay due.
                tracing::warn!(%error, order_id = %work.order, "cannot put a timer off");
                return;
            }
        }
        return;
    }
    // One bad timer must not hold up the others of its batch.
    for work in works {
        Box::pin(handle(engine, vec![work])).await;
    }
}
