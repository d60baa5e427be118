//! One open stream: first what the table has, then what the tail sends, without gap or repeat.

use std::{collections::VecDeque, sync::Arc};

use futures::Stream;
use sqlx::PgPool;
use tokio::{
    sync::{OwnedSemaphorePermit, broadcast},
    time::{Instant, sleep_until},
};

use super::{
    Feed, Filter,
    tail::{Joined, Page},
};
use crate::store::{self, FeedRow};

/// Rows read at once while catching up.
const CATCH_UP_ROWS: i64 = 500;

/// What a stream says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// An event.
    Row(FeedRow),
    /// Nothing new that the reader wants; it may go on from here. The first message of every stream
    /// is one of these, so that whoever is cut off before the first event misses nothing.
    Reached(i64),
}

/// Why no stream was opened.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    /// As many are open as may be.
    #[error("too many streams are open")]
    TooMany,
    /// The service is about to stop.
    #[error("the service is about to stop")]
    Closing,
    /// The reader would miss events that were removed.
    #[error("events after {asked} were removed")]
    Removed {
        /// From where the reader wanted to go on.
        asked: i64,
        /// What is still there.
        oldest: Option<i64>,
    },
    /// No event had that id yet.
    #[error("no event has the id {asked} yet; the newest is {newest}")]
    NotYet {
        /// From where the reader wanted to go on.
        asked: i64,
        /// The newest id.
        newest: i64,
    },
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Feed {
    /// Opens a stream behind `after`, or behind the newest row.
    ///
    /// The stream ends when the service stops, when its reader is too slow, when rows were removed
    /// before it could say them, and when the database does not answer while it catches up. Whoever
    /// goes on from the last position misses nothing.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub async fn open(
        self: &Arc<Self>,
        pool: &PgPool,
        after: Option<i64>,
        filter: Filter,
    ) -> Result<impl Stream<Item = Message> + Send + use<>, NotOpened> {
        if self.closing.is_cancelled() {
            return Err(NotOpened::Closing);
        }
        let permit = self.slots.clone().try_acquire_owned().map_err(|_| NotOpened::TooMany)?;
        let (position, joined) = match after {
            Some(asked) => (check(pool, asked).await?, None),
            None => {
                let joined = self.tail.join(pool).await?;
                (joined.at, Some(joined))
            }
        };
        let subscription = Subscription {
            feed: self.clone(),
            pool: pool.clone(),
            filter,
            position,
            joined,
            ready: VecDeque::from([Message::Reached(position)]),
            keep_alive_at: Instant::now() + self.keep_alive,
            _open: Open::new(permit),
        };
        Ok(futures::stream::unfold(subscription, |mut subscription| async {
            subscription.next().await.map(|message| (message, subscription))
        }))
    }
}

/// Whether a reader can go on from there.
pub(crate) async fn check(pool: &PgPool, asked: i64) -> Result<i64, NotOpened> {
    let extent = store::extent(pool).await?;
    if asked < extent.removed_through {
        return Err(NotOpened::Removed { asked, oldest: extent.oldest });
    }
    if asked > extent.newest {
        return Err(NotOpened::NotYet { asked, newest: extent.newest });
    }
    Ok(asked)
}

struct Subscription {
    feed: Arc<Feed>,
    pool: PgPool,
    filter: Filter,
    /// Everything up to here was said, waits in `ready` or is not wanted.
    position: i64,
    /// `None` while far behind: the tail would not wait for a reader of a long history.
    joined: Option<Joined>,
    ready: VecDeque<Message>,
    keep_alive_at: Instant,
    _open: Open,
}

impl Subscription {
    async fn next(&mut self) -> Option<Message> {
        let closing = self.feed.closing.clone();
        tokio::select! {
            biased;
            () = closing.cancelled() => None,
            message = self.message() => message,
        }
    }

    async fn message(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                self.keep_alive_at = Instant::now() + self.feed.keep_alive;
                return Some(message);
            }
            match &mut self.joined {
                Some(joined) if joined.at <= self.position => {
                    tokio::select! {
                        page = joined.pages.recv() => {
                            let page = page.map_err(too_slow).ok()?;
                            self.take(&page);
                        }
                        () = sleep_until(self.keep_alive_at) => {
                            self.ready.push_back(Message::Reached(self.position));
                        }
                    }
                }
                Some(_) | None => self.catch_up().await?,
            }
        }
    }

    /// Reads on in the table; `None` when that is not possible.
    async fn catch_up(&mut self) -> Option<()> {
        let feed = self.feed.clone();
        let _turn = feed.catching_up.acquire().await.ok()?;
        match self.read_page().await {
            Ok(true) => Some(()),
            Ok(false) => {
                tracing::info!("a reader of the feed was overtaken by the removal of old rows");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "cannot catch up with the feed; cutting the stream");
                None
            }
        }
    }

    /// Says false when rows that the reader had to get were removed.
    async fn read_page(&mut self) -> sqlx::Result<bool> {
        let from = self.position;
        let (order, types) = (self.filter.order, &self.filter.types);
        let mut rows = store::after(&self.pool, from, order, types, CATCH_UP_ROWS).await?;
        // Asked after the rows: what was removed before they were read is known by now.
        if store::removed_through(&self.pool).await? > from {
            return Ok(false);
        }
        let is_last = keep_before(self.joined.as_ref().map(|joined| joined.at), &mut rows);
        if let Some(last) = rows.last() {
            self.position = last.position;
        }
        self.ready.extend(rows.into_iter().filter(|row| self.filter.wants(row)).map(Message::Row));
        match &self.joined {
            Some(joined) if is_last => self.position = self.position.max(joined.at),
            Some(_) => {}
            None if is_last => self.joined = Some(self.feed.tail.join(&self.pool).await?),
            None => {}
        }
        Ok(true)
    }

    fn take(&mut self, page: &Page) {
        // The tail lags behind the table by one look, so a reader may know some of this already.
        let new = page.iter().filter(|row| row.position > self.position && self.filter.wants(row));
        self.ready.extend(new.cloned().map(Message::Row));
        if let Some(last) = page.last() {
            self.position = self.position.max(last.position);
        }
    }
}

/// Leaves of a page what lies before the border, and says whether nothing more lies there: the page
/// is not full, or goes beyond. (A full page may lie beyond as a whole, when all that came before the
/// border is not wanted.)
fn keep_before(border: Option<i64>, page: &mut Vec<FeedRow>) -> bool {
    let read = page.len();
    if let Some(border) = border {
        page.retain(|row| row.position <= border);
    }
    page.len() < read || i64::try_from(read).is_ok_and(|read| read < CATCH_UP_ROWS)
}

fn too_slow(error: broadcast::error::RecvError) {
    if let broadcast::error::RecvError::Lagged(pages) = error {
        metrics::counter!("gateway_streams_cut_total").increment(1);
        tracing::info!(pages, "a reader of the feed is too slow; cutting the stream");
    }
}

/// Counts a stream for as long as it is open.
struct Open {
    _permit: OwnedSemaphorePermit,
}

impl Open {
    fn new(permit: OwnedSemaphorePermit) -> Self {
        metrics::gauge!("gateway_streams").increment(1.0);
        Self { _permit: permit }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("gateway_streams").decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;

    /// A full page of the rows behind a position.
    fn full_page_behind(position: i64) -> Vec<FeedRow> {
        let row = |position| FeedRow {
            position,
            event_type: "order.placed".to_owned(),
            order_id: Uuid::nil(),
            body: "{}".to_owned(),
            received_at: DateTime::UNIX_EPOCH,
        };
        (position + 1..=position + CATCH_UP_ROWS).map(row).collect()
    }

    #[test]
    fn a_full_page_that_ends_before_the_border_is_not_the_last() {
        let mut page = full_page_behind(0);
        assert!(!keep_before(Some(CATCH_UP_ROWS), &mut page));
        assert!(!keep_before(None, &mut page));
        assert_eq!(page.len(), full_page_behind(0).len());
        page.pop();
        assert!(keep_before(None, &mut page));
    }

    /// It was taken for one with more behind it, and read again and again.
    #[test]
    fn a_full_page_that_begins_behind_the_border_is_the_last() {
        let mut page = full_page_behind(10);
        assert!(keep_before(Some(10), &mut page));
        assert!(page.is_empty());
    }

    #[test]
    fn of_a_page_that_crosses_the_border_only_what_lies_before_is_kept() {
        let mut page = full_page_behind(10);
        assert!(keep_before(Some(12), &mut page));
        assert_eq!(page.iter().map(|row| row.position).collect::<Vec<_>>(), [11, 12]);
    }
}
