//! The one task of a process that looks for new rows, and gives them to every stream.

use std::{convert::Infallible, sync::Arc, time::Duration};

use sqlx::PgPool;
use tokio::sync::{Mutex, broadcast};

use crate::store::{self, FeedRow};

/// How often the table is looked at while somebody listens: what a person takes for "at once".
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How long to wait when the database does not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// Rows read, and sent on, at once.
const PAGE_ROWS: i64 = 500;
/// Pages a stream may lag behind before it is cut: more than six seconds of its connection taking
/// nothing, and at most 32,000 rows in memory, however many streams there are.
const PAGES_WAITING_MAX: usize = 64;

/// New rows, in the order of their positions.
pub(super) type Page = Arc<Vec<FeedRow>>;

/// A reader's end of the tail.
pub(super) struct Joined {
    /// Everything behind this position comes out of `pages`.
    pub(super) at: i64,
    pub(super) pages: broadcast::Receiver<Page>,
}

#[derive(Debug, Default)]
pub(super) struct Tail {
    /// Held while the database is asked: who joins must learn a position that nothing was sent beyond.
    sent: Mutex<Sent>,
}

#[derive(Debug)]
struct Sent {
    pages: broadcast::Sender<Page>,
    /// How far the rows were sent; `None` while nobody listens.
    position: Option<i64>,
}

impl Default for Sent {
    fn default() -> Self {
        Self { pages: broadcast::channel(PAGES_WAITING_MAX).0, position: None }
    }
}

impl Tail {
    /// Makes the task look for new rows, if it does not already.
    pub(super) async fn join(&self, pool: &PgPool) -> sqlx::Result<Joined> {
        let mut sent = self.sent.lock().await;
        let at = match sent.position {
            Some(at) => at,
            None => store::extent(pool).await?.newest,
        };
        sent.position = Some(at);
        Ok(Joined { at, pages: sent.pages.subscribe() })
    }

    /// Looks for new rows for ever.
    pub(super) async fn run(&self, pool: &PgPool) -> Infallible {
        loop {
            let pause = match self.look(pool).await {
                Ok(true) => continue,
                Ok(false) => POLL_INTERVAL,
                Err(error) => {
                    tracing::warn!(%error, "cannot look for new rows of the feed; trying again");
                    PAUSE
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends one page on; says whether there may be more at once.
    async fn look(&self, pool: &PgPool) -> sqlx::Result<bool> {
        let mut sent = self.sent.lock().await;
        if sent.pages.receiver_count() == 0 {
            sent.position = None;
            return Ok(false);
        }
        let Some(at) = sent.position else { return Ok(false) };
        let rows = store::after(pool, at, None, &[], PAGE_ROWS).await?;
        // Asked after the rows: what was removed before they were read is known by now.
        let removed_through = store::removed_through(pool).await?;
        if removed_through > at {
            sent.cut(at, removed_through);
            return Ok(false);
        }
        let Some(newest) = rows.last() else { return Ok(false) };
        sent.position = Some(newest.position);
        let is_full = rows.len() == usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX);
        // Nobody there any more: the next look notices.
        let _ = sent.pages.send(Arc::new(rows));
        Ok(is_full)
    }
}

impl Sent {
    /// Ends every stream behind what it was sent, because what comes next may be gone. Each reader
    /// comes back with its last id, and is told what it missed.
    fn cut(&mut self, at: i64, removed_through: i64) {
        let streams = self.pages.receiver_count();
        metrics::counter!("gateway_streams_cut_total").increment(u64::try_from(streams).unwrap_or(u64::MAX));
        tracing::warn!(
            at,
            removed_through,
            streams,
            "rows were removed before they were sent; cutting all streams"
        );
        // A receiver whose sender is gone ends when it has read what waits for it.
        *self = Self::default();
    }
}
