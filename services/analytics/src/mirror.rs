//! The counters in Redis: a copy of the truth, for reading fast.
//!
//! Nobody counts in Redis. A task copies all counters of one revision at once, whenever the revision
//! there is not the database's own; so losing a copy, making it twice, a flushed or a restarted Redis
//! change nothing but how old the copy is, for a moment. An older copy never replaces a newer one.
//!
//! Where Redis cannot answer at once, whoever asks gets the truth itself.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use redis::{
    Client, RedisError, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use sqlx::PgPool;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    counters::Counters,
    store::{self, Snapshot},
};

/// How often the revisions are compared: the copy is at most about this old.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Past this, asking Postgres is faster than waiting.
const READ_TIMEOUT: Duration = Duration::from_millis(100);
/// Nobody waits for a copy; one that takes longer is made again.
const COPY_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest pause between two attempts to connect.
const RECONNECT_DELAY_MAX: Duration = Duration::from_millis(500);
/// After this the counters of a database that is no more leave Redis. Those of a living one are put
/// back within one poll.
const EXPIRY_SECONDS: u32 = 7 * 24 * 60 * 60;

/// Sets the counters, unless newer ones are there; answers with the revision that is there now.
/// `ARGV[4]` is a newer revision that is to be replaced all the same, or empty.
const PUT: &str = "\
local there = redis.call('HGET', KEYS[1], 'revision')
if there and there ~= ARGV[4] and tonumber(there) > tonumber(ARGV[1]) then return tonumber(there) end
redis.call('HSET', KEYS[1], 'revision', ARGV[1], 'counters', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return tonumber(ARGV[1])";

/// Who answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServedFrom {
    /// The copy.
    Redis,
    /// The truth.
    Postgres,
}

impl ServedFrom {
    /// The word in the header `x-served-from`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Postgres => "postgres",
        }
    }
}

/// Why the copy could not be compared or made.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The truth could not be read; what is in Redis may still be good.
    #[error("cannot read the counters: {0}")]
    Truth(#[from] sqlx::Error),
    /// Redis refused, or is away.
    #[error("Redis: {0}")]
    Redis(#[from] RedisError),
    /// Redis did not answer in time.
    #[error("Redis did not answer within two seconds")]
    Slow(#[from] tokio::time::error::Elapsed),
    /// The counters cannot be written as JSON.
    #[error("cannot write the counters: {0}")]
    Json(#[from] serde_json::Error),
}

/// The copy in Redis, as one process sees it.
#[derive(Clone)]
pub struct Mirror {
    client: Client,
    key_prefix: String,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Made when first used, because it wants a runtime, and the configuration is read before there is
    /// one.
    connection: OnceLock<ConnectionManager>,
    /// The database whose counters in Redis were found, or made, current by the last comparison. `None`
    /// before the first, and when it went wrong: the copy may be old then.
    current: watch::Sender<Option<Uuid>>,
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mirror").field("key_prefix", &self.key_prefix).finish_non_exhaustive()
    }
}

impl Mirror {
    /// The copy under keys that begin with `key_prefix`. Connects when first used; Redis may be away.
    ///
    /// # Errors
    /// When the URL cannot be read.
    pub fn new(url: &str, key_prefix: String) -> RedisResult<Self> {
        Ok(Self { client: Client::open(url)?, key_prefix, seen: Arc::default() })
    }

    /// The hash that holds the counters of that database.
    #[must_use]
    pub fn key(&self, source: Uuid) -> String {
        format!("{}:counters:{source}", self.key_prefix)
    }

    /// The counters: from Redis when it has a current copy and answers at once, otherwise from the
    /// database.
    ///
    /// # Errors
    /// The database's, when it was needed.
    pub async fn read(&self, pool: &PgPool) -> sqlx::Result<(Counters, ServedFrom)> {
        match self.read_copy().await {
            Ok(counters) => Ok((counters, ServedFrom::Redis)),
            Err(reason) => {
                metrics::counter!("analytics_redis_fallbacks_total", "reason" => reason).increment(1);
                Ok((store::snapshot(pool).await?.counters, ServedFrom::Postgres))
            }
        }
    }

    fn connection(&self) -> ConnectionManager {
        let make = || {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(COPY_TIMEOUT))
                .set_response_timeout(Some(COPY_TIMEOUT))
                .set_max_delay(RECONNECT_DELAY_MAX);
            ConnectionManager::new_lazy_with_config(self.client.clone(), config)
                .expect("only a configuration that resubscribes can be refused")
        };
        self.seen.connection.get_or_init(make).clone()
    }

    async fn read_copy(&self) -> Result<Counters, &'static str> {
        let source = *self.seen.current.borrow();
        let key = self.key(source.ok_or("not_current")?);
        let mut redis = self.connection();
        let mut command = redis::cmd("HGET");
        let asked = command.arg(key).arg("counters").query_async(&mut redis);
        let copy: Option<String> =
            timeout(READ_TIMEOUT, asked).await.map_err(|_| "slow")?.map_err(|_| "away")?;
        serde_json::from_str(&copy.ok_or("empty")?).map_err(|_| "unreadable")
    }

    /// Keeps the copy current until `stopping` is cancelled.
    pub async fn keep_current(&self, pool: &PgPool, stopping: CancellationToken) {
        let keep = async {
            let mut well = true;
            loop {
                let refreshed = self.refresh(pool).await;
                match &refreshed {
                    Ok(()) if !well => tracing::info!("the counters in Redis are current again"),
                    Err(error) if well => {
                        tracing::warn!(%error, "the counters in Redis are not kept current")
                    }
                    Ok(()) | Err(_) => {}
                }
                well = refreshed.is_ok();
                sleep(POLL_INTERVAL).await;
            }
        };
        stopping.run_until_cancelled(keep).await;
    }

    /// Compares the revisions once, and copies the counters when they differ.
    ///
    /// # Errors
    /// [`CopyError`].
    pub async fn refresh(&self, pool: &PgPool) -> Result<(), CopyError> {
        // A database that is away proves nothing against the copy: it goes on answering meanwhile.
        let (source, revision) = store::revision(pool).await?;
        let copied = self.compare(pool, source, revision).await;
        self.seen.current.send_replace(copied.is_ok().then_some(source));
        copied
    }

    async fn compare(&self, pool: &PgPool, source: Uuid, revision: i64) -> Result<(), CopyError> {
        let mut redis = self.connection();
        let mut command = redis::cmd("HGET");
        let asked = command.arg(self.key(source)).arg("revision").query_async(&mut redis);
        let there: Option<i64> = timeout(COPY_TIMEOUT, asked).await??;
        if there == Some(revision) {
            return Ok(());
        }
        let snapshot = store::snapshot(pool).await?;
        let there = self.put(&snapshot, None).await?;
        if there > snapshot.revision {
            // Usually another replica was faster with a newer one. But a revision that the database,
            // asked afterwards, has not reached was copied before the database was put back to an
            // earlier state: nothing newer will ever come to replace it.
            let truth = store::snapshot(pool).await?;
            if truth.revision < there {
                self.put(&truth, Some(there)).await?;
            }
        }
        Ok(())
    }

    /// Sets the counters of this snapshot unless newer ones are there; answers with the revision that
    /// is there afterwards. A newer revision that equals `replaced` is overwritten all the same.
    ///
    /// # Errors
    /// [`CopyError`].
    pub async fn put(&self, snapshot: &Snapshot, replaced: Option<i64>) -> Result<i64, CopyError> {
        let mut redis = self.connection();
        let mut command = redis::cmd("EVAL");
        command.arg(PUT).arg(1).arg(self.key(snapshot.source));
        command.arg(snapshot.revision).arg(serde_json::to_string(&snapshot.counters)?).arg(EXPIRY_SECONDS);
        command.arg(replaced.map(|revision| revision.to_string()).unwrap_or_default());
        let there = timeout(COPY_TIMEOUT, command.query_async(&mut redis)).await??;
        metrics::counter!("analytics_redis_copies_total").increment(1);
        Ok(there)
    }
}
