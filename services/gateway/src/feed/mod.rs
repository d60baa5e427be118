//! The live feed: one task looks for new rows, and every open stream gets them from it.
//!
//! A stream begins in the table and goes on with what the task sends. The border between the two is
//! exact, because [`store::append`](crate::store::append) makes positions visible in ascending
//! order: the task says how far it has come at the moment the stream is joined to it, the stream
//! reads the table to there, and gets everything behind it from the task.

mod filter;
mod retention;
mod stream;
mod tail;

use std::{sync::Arc, time::Duration};

use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use filter::Filter;
pub use retention::Retention;
pub(crate) use stream::check;
pub use stream::{Message, NotOpened};

use tail::Tail;

/// Streams open at once in one process; each costs a connection and its share of every event.
const STREAMS_MAX: usize = 256;
/// Streams that read the table at once. The handlers have a few connections for everything, three by
/// default: one is left for the tail and for pages, however many readers come back at one moment.
const CATCHING_UP_MAX: usize = 2;
/// After so long without a message a stream sends a comment, so that nobody between takes the
/// connection for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The live feed of one process.
#[derive(Debug)]
pub struct Feed {
    retention: Retention,
    tail: Tail,
    slots: Arc<Semaphore>,
    catching_up: Semaphore,
    closing: CancellationToken,
    keep_alive: Duration,
}

impl Feed {
    /// A feed that keeps so much.
    #[must_use]
    pub fn new(retention: Retention) -> Self {
        Self::with_limits(retention, STREAMS_MAX, KEEP_ALIVE)
    }

    /// A feed with other limits (tests).
    #[must_use]
    pub fn with_limits(retention: Retention, streams_max: usize, keep_alive: Duration) -> Self {
        let slots = Arc::new(Semaphore::new(streams_max));
        let (tail, catching_up) = (Tail::default(), Semaphore::new(CATCHING_UP_MAX));
        Self { retention, tail, slots, catching_up, closing: CancellationToken::new(), keep_alive }
    }

    /// Looks for new rows and removes old ones until told to stop; then ends every stream, for the
    /// drain waits for open connections.
    pub async fn run(&self, pool: &PgPool, stopping: CancellationToken) {
        let work = async { tokio::join!(self.tail.run(pool), self.retention.run(pool)) };
        tokio::select! {
            _ = work => {}
            () = stopping.cancelled() => {}
        }
        self.closing.cancel();
    }
}
