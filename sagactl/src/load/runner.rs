//! Placing the orders: a closed loop of customers who wait for their confirmation, or an open loop at a given rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::tracker::Tracker;
use crate::client::{Placing, Platform};
use crate::demo::{OrderSource, PlannedOrder};

/// A service that is killed and started again is back within this time; an order that cannot be placed for longer is
/// given up and reported.
const PLACING_PATIENCE: Duration = Duration::from_secs(120);

/// The first pause after a request without an answer, doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// A service that comes back is noticed within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A customer of the closed loop places the next order when the last one is confirmed or dead, and after this time in
/// any case: an order whose gateway is silent must not keep a connection idle.
const CUSTOMER_PATIENCE: Duration = Duration::from_secs(1);

/// Requests an open loop may have under way; beyond that the platform is not keeping up and the rate would be a lie.
const OPEN_LOOP_LIMIT: usize = 2048;

/// How the orders are placed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// How many orders.
    pub(super) count: usize,
    /// Customers at once, in a closed loop.
    pub(super) concurrency: usize,
    /// Orders a second, in an open loop; a closed loop when absent.
    pub(super) rate: Option<f64>,
}

/// What all tasks of a run share.
pub(super) struct Run {
    pub(super) platform: Platform,
    pub(super) tracker: Arc<Tracker>,
    /// Requests sent again because the first got no answer.
    pub(super) repeated: AtomicU64,
}

type Source = Arc<Mutex<Supply>>;

struct Supply {
    orders: Box<dyn OrderSource + Send>,
    left: usize,
}

impl Supply {
    fn next(&mut self) -> Option<PlannedOrder> {
        self.left = self.left.checked_sub(1)?;
        self.orders.next_order()
    }
}

/// Places all orders and returns when the last request is answered or given up, and every cancellation sent.
pub(super) async fn place_all(run: Arc<Run>, orders: Box<dyn OrderSource + Send>, pace: Pace) -> Result<()> {
    let source = Arc::new(Mutex::new(Supply { orders, left: pace.count }));
    let mut tasks = match pace.rate {
        Some(rate) => open_loop(run, source, rate).await?,
        None => closed_loop(run, source, pace.concurrency),
    };
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok(())
}

fn closed_loop(run: Arc<Run>, source: Source, concurrency: usize) -> JoinSet<Result<()>> {
    let mut customers = JoinSet::new();
    for _ in 0..concurrency.max(1) {
        let (run, source) = (Arc::clone(&run), Arc::clone(&source));
        customers.spawn(async move {
            let mut cancellations = JoinSet::new();
            loop {
                // The guard is given back before the order is placed.
                let next = source.lock().await.next();
                let Some(planned) = next else { break };
                let id = order_id(&planned);
                let progressed = run.tracker.begin(id, Instant::now(), planned.expected);
                if place(&run, id, &planned).await? {
                    plan_cancellation(&run, &mut cancellations, id, &planned);
                    let _ = tokio::time::timeout(CUSTOMER_PATIENCE, progressed).await;
                }
            }
            finish(cancellations).await
        });
    }
    customers
}

/// Starts every order at its time, whatever became of those before; latencies count from that time, so that a queue
/// in front of a slow platform is part of what is measured.
async fn open_loop(run: Arc<Run>, source: Source, rate: f64) -> Result<JoinSet<Result<()>>> {
    let room = Arc::new(Semaphore::new(OPEN_LOOP_LIMIT));
    let mut orders = JoinSet::new();
    let begun = Instant::now();
    for position in 0_u32.. {
        let next = source.lock().await.next();
        let Some(planned) = next else { break };
        let due = begun + Duration::from_secs_f64(f64::from(position) / rate);
        tokio::time::sleep_until(due.into()).await;
        let permit = Arc::clone(&room).acquire_owned().await?;
        let run = Arc::clone(&run);
        orders.spawn(async move {
            let id = order_id(&planned);
            let _progressed = run.tracker.begin(id, due, planned.expected);
            let mut cancellations = JoinSet::new();
            if place(&run, id, &planned).await? {
                plan_cancellation(&run, &mut cancellations, id, &planned);
            }
            drop(permit);
            finish(cancellations).await
        });
    }
    Ok(orders)
}

async fn finish(mut cancellations: JoinSet<Result<()>>) -> Result<()> {
    while let Some(ended) = cancellations.join_next().await {
        ended??;
    }
    Ok(())
}

/// The source's own id for this order, or a new one: known before the request, so that no event of it is missed.
fn order_id(planned: &PlannedOrder) -> Uuid {
    let given = planned.body["order_id"].as_str().and_then(|text| text.parse().ok());
    given.unwrap_or_else(Uuid::now_v7)
}

/// Sends the order until there is an answer, always with the same key. True when it was taken.
async fn place(run: &Run, id: Uuid, planned: &PlannedOrder) -> Result<bool> {
    let mut body = planned.body.clone();
    body["order_id"] = id.to_string().into();
    let key = id.to_string();
    let mut pauses = Pauses::new(id);
    loop {
        match run.platform.place(&body, &key).await? {
            Placing::Accepted(_) => {
                run.tracker.accepted(id);
                return Ok(true);
            }
            Placing::Refused(status, problem) => {
                run.tracker.refused(id, format!("{status}: {problem}"));
                return Ok(false);
            }
            Placing::Unknown(_) => {
                // What becomes of an order given up here is asked at the end of the run.
                let Some(pause) = pauses.next() else { return Ok(false) };
                run.repeated.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(pause).await;
            }
        }
    }
}

fn plan_cancellation(run: &Arc<Run>, tasks: &mut JoinSet<Result<()>>, id: Uuid, planned: &PlannedOrder) {
    if let Some(after) = planned.cancel_after {
        let run = Arc::clone(run);
        tasks.spawn(async move {
            tokio::time::sleep(after).await;
            cancel(&run, id).await
        });
    }
}

async fn cancel(run: &Run, id: Uuid) -> Result<()> {
    let mut pauses = Pauses::new(id);
    loop {
        match run.platform.cancel(id, "changed my mind").await {
            Ok(true) => return Ok(()),
            Ok(false) => {
                run.tracker.goes_on(id);
                return Ok(());
            }
            Err(error) => {
                let Some(pause) = pauses.next() else { return Err(error) };
                run.repeated.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// Pauses that double, with a jitter taken from the order's id, so that customers do not return in step.
struct Pauses {
    since: Instant,
    next: Duration,
    jitter: f64,
}

impl Pauses {
    fn new(id: Uuid) -> Self {
        // The last byte of a UUIDv7 is random.
        let jitter = 0.75 + f64::from(id.as_bytes()[15]) / 512.0;
        Self { since: Instant::now(), next: FIRST_PAUSE, jitter }
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.since.elapsed() >= PLACING_PATIENCE {
            return None;
        }
        let pause = self.next.mul_f64(self.jitter);
        self.next = (self.next * 2).min(LONGEST_PAUSE);
        Some(pause)
    }
}

#[cfg(test)]
mod tests;
