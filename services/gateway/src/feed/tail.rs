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

#[derive(Debug)]
pub(super) struct Tail {
    pages: broadcast::Sender<Page>,
    /// How far the rows were sent; `None` while nobody listens.
    position: Mutex<Option<i64>>,
}

impl Default for Tail {
    fn default() -> Self {
        Self { pages: broadcast::channel(PAGES_WAITING_MAX).0, position: Mutex::new(None) }
    }
}

impl Tail {
    /// Makes the task look for new rows, if it does not already.
    pub(super) async fn join(&self, pool: &PgPool) -> sqlx::Result<Joined> {
        let mut position = self.position.lock().await;
        let at = match *position {
            Some(at) => at,
            None => store::extent(pool).await?.newest,
        };
        *position = Some(at);
        Ok(Joined { at, pages: self.pages.subscribe() })
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
        // Held while the database is asked: who joins must learn a position that nothing was sent
        // beyond.
        let mut position = self.position.lock().await;
        if self.pages.receiver_count() == 0 {
            *position = None;
            return Ok(false);
        }
        let Some(at) = *position else { return Ok(false) };
        let rows = store::after(pool, at, None, PAGE_ROWS).await?;
        let Some(newest) = rows.last() else { return Ok(false) };
        *position = Some(newest.position);
        let is_full = rows.len() == usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX);
        // Nobody there any more: the next look notices.
        let _ = self.pages.send(Arc::new(rows));
        Ok(is_full)
    }
}
