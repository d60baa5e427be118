//! A whole platform for one test: real services as processes, on databases and a virtual host of
//! their own, beside others that do the same.
//!
//! The servers come from `make test`, which names them in `SAGA_TEST_STACK`. A failing test is
//! meant to panic, so this crate unwraps; that is its way to report.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

mod broker;
mod counters;
mod feed;
mod http;
mod load;
pub mod oracles;
mod orders;
mod platform;
mod poison;
mod proxy;
mod scratch;
mod settled;
mod stack;
pub mod store_property;
pub mod tutorial;

pub use broker::Broker;
pub use feed::{Feed, FeedEvent};
pub use http::{Answer, Http};
pub use load::{Load, Wanted};
pub use orders::{Product, order_body};
pub use platform::{Options, Platform, UNHEARD, Wire, binary};
pub use proxy::{Proxy, Towards, Trap, Weather};
pub use scratch::{on_postgres, with_database};
pub use stack::Stack;

use std::{fmt::Display, time::Duration};

/// How long anything may take to become true. Generous: the machine has two cores and other tests.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(30);

/// Waits until `attempt` gives a value; panics with its last complaint when it never does.
pub async fn eventually<T, E: Display>(what: &str, mut attempt: impl AsyncFnMut() -> Result<T, E>) -> T {
    eventually_within(PATIENCE, what, &mut attempt).await
}

/// [`eventually`], for what takes longer or must not take so long.
pub async fn eventually_within<T, E: Display>(
    patience: Duration,
    what: &str,
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(complaint) if tokio::time::Instant::now() > deadline => {
                panic!("{what}: not within {patience:?}: {complaint}")
            }
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
}
