//! How much of the feed is kept: it is for looking on, not an archive.

use std::{convert::Infallible, time::Duration};

use chrono::{TimeDelta, Utc};
use sqlx::PgPool;

use crate::store;

/// How often old rows are looked for.
const INTERVAL: Duration = Duration::from_secs(10);
/// Rows removed in one transaction: a few milliseconds, so that nobody waits for it.
const BATCH_ROWS: i64 = 1_000;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Rows younger than this.
    pub hours: u32,
    /// And of those at most so many.
    pub rows_max: i64,
}

impl Retention {
    /// Removes old rows for ever.
    pub(super) async fn run(self, pool: &PgPool) -> Infallible {
        loop {
            tokio::time::sleep(INTERVAL).await;
            if let Err(error) = self.remove(pool).await {
                tracing::warn!(%error, "cannot remove old rows of the feed; trying again");
            }
        }
    }

    /// Removes, in small transactions, everything that is not to be kept.
    ///
    /// # Errors
    /// The database's.
    pub async fn remove(self, pool: &PgPool) -> sqlx::Result<()> {
        loop {
            let before = Utc::now() - TimeDelta::hours(self.hours.into());
            let removed = store::remove(pool, before, self.rows_max, BATCH_ROWS).await?;
            metrics::counter!("gateway_feed_rows_removed_total").increment(removed);
            if removed < BATCH_ROWS.unsigned_abs() {
                return Ok(());
            }
        }
    }
}
