//! The fast counters of analytics, lost.

use redis::aio::MultiplexedConnection;

use crate::{Platform, Stack};

/// Deletes every key of one prefix, and says how many there were.
pub(crate) async fn delete_keys(stack: &Stack, prefix: &str) -> redis::RedisResult<usize> {
    const DELETE: &str = "local keys = redis.call('KEYS', ARGV[1]) \
         for _, key in ipairs(keys) do redis.call('DEL', key) end \
         return #keys";
    let client = redis::Client::open(stack.get("REDIS_URL"))?;
    let mut connection: MultiplexedConnection = client.get_multiplexed_async_connection().await?;
    redis::cmd("EVAL").arg(DELETE).arg(0).arg(format!("{prefix}*")).query_async(&mut connection).await
}

impl Platform {
    /// Loses this platform's counters in Redis, and says how many keys that were.
    pub async fn lose_counters(&self) -> usize {
        delete_keys(self.stack(), self.name()).await.unwrap()
    }
}
