//! One connection for one role, kept by its owner: connect, work, and on any error start again.
//!
//! lapin's own recovery stays off: after a channel error its consumer stream hangs for ever.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lapin::{Connection, ConnectionProperties, uri::AMQPUri};
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;

const BACK_OFF_MIN: Duration = Duration::from_millis(200);
/// A refused connection costs nothing, and whatever is waited here is waited after the broker is back.
const BACK_OFF_MAX: Duration = Duration::from_secs(1);
/// A broker that takes longer than this to shake hands is as good as away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether a role has its connection; shown by health and readiness.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connected(Arc<AtomicBool>);

impl Connected {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, connected: bool) {
        self.0.store(connected, Ordering::Relaxed);
    }
}

/// Whether a connection could be opened with this URL.
pub(crate) fn check_url(url: &str) -> Result<(), String> {
    // The parser's words name what is wrong and do not repeat the URL.
    url.parse::<AMQPUri>().map(drop)
}

/// Opens a connection named after its role, with a heartbeat of 10 s.
pub(crate) async fn connect(url: &SecretString, name: &str) -> anyhow::Result<Connection> {
    let url = url.expose_secret();
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}heartbeat=10");
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let connection = tokio::time::timeout(CONNECT_TIMEOUT, Connection::connect(&url, properties))
        .await
        .map_err(|_| anyhow::anyhow!("the broker did not answer within {CONNECT_TIMEOUT:?}"))??;
    Ok(connection)
}

/// The waits between attempts: doubling from 0.2 s to 1 s, with jitter, for ever.
#[derive(Debug)]
pub(crate) struct BackOff {
    next: Duration,
}

impl Default for BackOff {
    fn default() -> Self {
        Self { next: BACK_OFF_MIN }
    }
}

impl BackOff {
    pub(crate) fn reset(&mut self) {
        self.next = BACK_OFF_MIN;
    }

    /// Waits; `false` when told to stop meanwhile.
    pub(crate) async fn wait(&mut self, stop: &CancellationToken) -> bool {
        let wait = self.next.mul_f64(rand::rng().random_range(0.5..1.0));
        self.next = (self.next * 2).min(BACK_OFF_MAX);
        tokio::select! {
            () = stop.cancelled() => false,
            () = tokio::time::sleep(wait) => true,
        }
    }
}
