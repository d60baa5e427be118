//! The relay: moves committed events to the broker.
//!
//! The fast way is memory: the engine hands over what it has just committed. The sure way is the
//! sweep: every half second it claims rows that nobody has in hand, those of a crashed process
//! among them. Rows are marked only after the broker has confirmed them, lazily and many at once;
//! a crash before the mark sends them twice, which consumers absorb.

#[cfg(feature = "faults")]
mod planted;

use std::time::{Duration, Instant};

use shared_events::EventId;
use sqlx::{PgPool, Row as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{CLAIM, Outgoing, interval, outgoing};
use crate::{
    broker::publisher::{Message, PublisherHandle, Sent},
    faults::{Bug, Point, planted, point},
};

/// Batches of the engine that may wait in memory. Beyond that (the broker is away) their rows are
/// left to the sweep.
const WAITING_MAX: usize = 256;
/// Rows published and confirmed together.
const BATCH_MAX: usize = 256;
/// Rows claimed by one sweep.
const SWEEP_MAX: i64 = 512;
/// However much time is scaled, a claim is respected so long.
const CLAIM_MIN: Duration = Duration::from_secs(3);
/// How often rows left behind are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_millis(500);
/// How long a confirmed row may wait to be marked.
const MARK_INTERVAL: Duration = Duration::from_millis(50);
/// Confirmed rows marked in one statement.
const MARK_MAX: usize = 1_024;
/// Confirmed rows that may wait for a database that is away.
const MARK_WAITING_MAX: usize = 20_000;
/// How long an unroutable event waits until it is tried again: its topology has to be mended.
const RETURNED_WAIT: &str = "5 seconds";

const CLAIM_LEFT_BEHIND: &str = "UPDATE outbox SET claimed_until = clock_timestamp() + $2::text::interval \
     WHERE seq IN (SELECT seq FROM outbox WHERE published_at IS NULL AND dead_at IS NULL \
                   AND (claimed_until IS NULL OR claimed_until < clock_timestamp() + $3::text::interval) \
                   ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED) \
     RETURNING seq, body, resends";
/// A row that was asked for again meanwhile (its count of resends moved on) stays unsent.
const MARK: &str = "UPDATE outbox SET published_at = clock_timestamp() \
     FROM UNNEST($1::uuid[], $2::integer[]) AS sent (event_id, resends) \
     WHERE outbox.event_id = sent.event_id AND outbox.resends = sent.resends AND published_at IS NULL";
const MARK_RETURNED: &str = "UPDATE outbox SET returned = returned + 1, \
     claimed_until = clock_timestamp() + $2::text::interval WHERE event_id = ANY($1)";
const MARK_DEAD: &str = "UPDATE outbox SET dead_at = clock_timestamp() WHERE event_id = ANY($1)";
const OLDEST: &str = "SELECT count(*), COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - min(created_at)), 0)::float8 \
     FROM (SELECT created_at FROM outbox WHERE published_at IS NULL AND dead_at IS NULL LIMIT 100000) AS pending";

/// Where the engine hands over what it has committed.
#[derive(Clone, Debug)]
pub(crate) struct RelayHandle {
    sender: mpsc::Sender<Vec<Outgoing>>,
}

impl RelayHandle {
    /// Never waits: what does not fit is found by the sweep when its claim ends.
    pub(crate) fn hand_over(&self, rows: Vec<Outgoing>) {
        if planted(Bug::CursorRelay) {
            return;
        }
        if !rows.is_empty() && self.sender.try_send(rows).is_err() {
            metrics::counter!("outbox_left_to_sweep_total").increment(1);
        }
    }
}

/// The relay's own end.
#[derive(Debug)]
pub(crate) struct Relay {
    pool: PgPool,
    publisher: PublisherHandle,
    receiver: mpsc::Receiver<Vec<Outgoing>>,
    /// How long before its end a claim is no longer respected.
    impatience: Duration,
}

pub(crate) fn channel(pool: PgPool, publisher: PublisherHandle, time_scale: u32) -> (RelayHandle, Relay) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    // Only where time is scaled, in development and tests; what is sent twice by it is absorbed.
    let impatience = CLAIM - (CLAIM / time_scale).max(CLAIM_MIN);
    (RelayHandle { sender }, Relay { pool, publisher, receiver, impatience })
}

/// Publishes what is handed over, sweeps, and marks; returns when stopped and nothing is waiting.
pub(crate) async fn run(mut relay: Relay, stop: CancellationToken) {
    let (mark, marks) = mpsc::channel(64);
    let marker = tokio::spawn(mark_confirmed(relay.pool.clone(), marks));
    let (pool, publisher) = (relay.pool.clone(), relay.publisher.clone());
    let sweeper = tokio::spawn(sweep(pool, publisher, mark.clone(), relay.impatience, stop.clone()));
    loop {
        let rows = tokio::select! {
            biased;
            rows = relay.receiver.recv() => rows,
            () = stop.cancelled() => relay.receiver.try_recv().ok(),
        };
        let Some(mut rows) = rows else { break };
        while rows.len() < BATCH_MAX {
            let Ok(more) = relay.receiver.try_recv() else { break };
            rows.extend(more);
        }
        // A row that waited so long that its claim may have ended belongs to the sweep.
        rows.retain(|row| row.since.elapsed() < CLAIM / 2);
        for chunk in rows.chunks(BATCH_MAX) {
            publish(&relay.pool, &relay.publisher, &mark, chunk).await;
        }
    }
    drop(mark);
    // The sweeper holds the other end of the marks; it ends with the same token.
    let _ = sweeper.await;
    let _ = marker.await;
}

async fn sweep(
    pool: PgPool,
    publisher: PublisherHandle,
    mark: mpsc::Sender<Vec<(EventId, i32)>>,
    impatience: Duration,
    stop: CancellationToken,
) {
    loop {
        let mut full = false;
        // Claiming rows that cannot be sent would only keep other replicas from sending them.
        if publisher.is_connected() {
            match claim(&pool, impatience).await {
                Ok(rows) => {
                    full = rows.len() as i64 >= SWEEP_MAX;
                    metrics::counter!("outbox_swept_total").increment(rows.len() as u64);
                    for chunk in rows.chunks(BATCH_MAX) {
                        publish(&pool, &publisher, &mark, chunk).await;
                    }
                }
                Err(error) => tracing::warn!(%error, "cannot sweep the outbox; trying again"),
            }
        }
        gauge(&pool).await;
        if stop.is_cancelled() {
            return;
        }
        if !full {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(SWEEP_INTERVAL) => {}
            }
        }
    }
}

async fn claim(pool: &PgPool, impatience: Duration) -> sqlx::Result<Vec<Outgoing>> {
    let statement = CLAIM_LEFT_BEHIND;
    #[cfg(feature = "faults")]
    let statement = planted::claim(statement);
    let rows = sqlx::query(statement)
        .bind(SWEEP_MAX)
        .bind(interval(CLAIM))
        .bind(interval(impatience))
        .fetch_all(pool)
        .await?;
    let mut sorted = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some(row_out) = outgoing(row.try_get("body")?, row.try_get("resends")?) {
            sorted.push((row.try_get::<i64, _>("seq")?, row_out));
        }
    }
    sorted.sort_by_key(|(seq, _)| *seq);
    Ok(sorted.into_iter().map(|(_, row)| row).collect())
}

async fn publish(
    pool: &PgPool,
    publisher: &PublisherHandle,
    mark: &mpsc::Sender<Vec<(EventId, i32)>>,
    rows: &[Outgoing],
) {
    let messages = rows.iter().map(Message::event).collect();
    let sent = publisher.publish(messages).await;
    point(Point::AfterConfirm);
    let mut confirmed = Vec::with_capacity(rows.len());
    let (mut returned, mut refused) = (Vec::new(), Vec::new());
    for (row, sent) in rows.iter().zip(sent) {
        match sent {
            Sent::Confirmed => confirmed.push((row.event_id, row.resends)),
            Sent::Returned => returned.push(row.event_id.0),
            Sent::Refused => refused.push(row.event_id.0),
            // Nobody knows; the claim ends and the sweep sends it again.
            Sent::Unknown => {}
        }
    }
    metrics::counter!("outbox_published_total").increment(confirmed.len() as u64);
    // The marker lives as long as the relay.
    let _ = mark.send(confirmed).await;
    if !returned.is_empty() {
        metrics::counter!("outbox_returned_total").increment(returned.len() as u64);
        tracing::error!(
            events = ?returned,
            "the broker has no queue for these events; run `sagactl topology apply`. They stay unsent and are tried again"
        );
        let update = sqlx::query(MARK_RETURNED).bind(&returned).bind(RETURNED_WAIT).execute(pool);
        log_failure(update.await, "mark returned events");
    }
    if !refused.is_empty() {
        metrics::counter!("outbox_refused_total").increment(refused.len() as u64);
        tracing::error!(events = ?refused, "the broker refuses these very events; a person has to look (outbox.dead_at)");
        log_failure(sqlx::query(MARK_DEAD).bind(&refused).execute(pool).await, "mark refused events");
    }
}

/// Marks confirmed rows, many at once; a mark that fails is tried again, or else the sweep sends
/// the row once more.
async fn mark_confirmed(pool: PgPool, mut marks: mpsc::Receiver<Vec<(EventId, i32)>>) {
    let mut waiting: Vec<(EventId, i32)> = Vec::new();
    let mut open = true;
    while open {
        let deadline = Instant::now() + MARK_INTERVAL;
        if waiting.is_empty() {
            match marks.recv().await {
                Some(rows) => waiting.extend(rows),
                None => return,
            }
        }
        while open && waiting.len() < MARK_MAX {
            match tokio::time::timeout_at(deadline.into(), marks.recv()).await {
                Ok(Some(rows)) => waiting.extend(rows),
                Ok(None) => open = false,
                Err(_) => break,
            }
        }
        let result = sqlx::query(MARK)
            .bind(waiting.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
            .bind(waiting.iter().map(|(_, resends)| *resends).collect::<Vec<_>>())
            .execute(&pool)
            .await;
        match result {
            Ok(_) => waiting.clear(),
            Err(error) => {
                tracing::warn!(%error, rows = waiting.len(), "cannot mark sent events; trying again");
                // Bounded: what is dropped here is merely sent twice.
                waiting.truncate(MARK_WAITING_MAX);
                tokio::time::sleep(SWEEP_INTERVAL).await;
            }
        }
    }
}

async fn gauge(pool: &PgPool) {
    if let Ok((pending, oldest)) = sqlx::query_as::<_, (i64, f64)>(OLDEST).fetch_one(pool).await {
        metrics::gauge!("outbox_pending").set(pending as f64);
        metrics::gauge!("outbox_oldest_unsent_seconds").set(oldest);
    }
}

fn log_failure<T>(result: sqlx::Result<T>, what: &str) {
    if let Err(error) = result {
        tracing::warn!(%error, "cannot {what}; the sweep will send them again");
    }
}
