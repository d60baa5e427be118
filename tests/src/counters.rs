//! The fast counters of analytics: looked at, lost, and cut off.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use redis::aio::MultiplexedConnection;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

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

/// A way to Redis that a test can cut and mend, while everybody else keeps theirs.
#[derive(Debug)]
pub struct Cable {
    url: String,
    plugged: Arc<AtomicBool>,
    carrying: JoinHandle<()>,
}

impl Cable {
    /// A whole cable.
    pub async fn new(stack: &Stack) -> Self {
        let (listener, plugged) =
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), Arc::new(AtomicBool::new(true)));
        let near = listener.local_addr().unwrap().port().to_string();
        let far = stack.get("REDIS_PORT");
        let url = stack.get("REDIS_URL").replace(&format!(":{far}"), &format!(":{near}"));
        let (far, is_plugged) = (format!("127.0.0.1:{far}"), plugged.clone());
        let carrying = tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                tokio::spawn(carry(near, far.clone(), is_plugged.clone()));
            }
        });
        Self { url, plugged, carrying }
    }

    /// The address at this end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Nothing comes through any more, in either direction, and nobody is told: the worst way to be away.
    pub fn cut(&self) {
        self.plugged.store(false, Ordering::SeqCst);
    }

    /// Whole again. What was under way is lost; connections from before are closed.
    pub fn mend(&self) {
        self.plugged.store(true, Ordering::SeqCst);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

async fn carry(near: TcpStream, far: String, plugged: Arc<AtomicBool>) {
    let is_plugged = || plugged.load(Ordering::SeqCst);
    let until = async |wanted: bool| {
        while is_plugged() != wanted {
            tokio::time::sleep(crate::POLL).await;
        }
    };
    until(true).await;
    let Ok(mut far) = TcpStream::connect(far).await else { return };
    let mut near = near;
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        // Held open, dumb, until the cable is whole; then both ends are closed.
        () = async { until(false).await } => until(true).await,
    }
}
