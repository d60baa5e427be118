//! The outside world in development and tests: a payment gateway and a carrier over HTTP, with one
//! durable journal that is the authority on money in every test.
//!
//! Nothing here knows the platform: no shared crate, no database, no broker. What the services
//! believe can therefore be held against a witness that does not share their mistakes.

mod books;
mod calendar;
mod carrier;
mod config;
mod facts;
mod gateway;
mod http;
mod journal;
mod messenger;
mod outage;
mod world;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;

pub use config::Config;

use messenger::Messenger;
use world::World;

/// How long open requests may take to end after the stop signal. Longer than the slow token's three
/// seconds, shorter than what a supervisor usually waits before it kills.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Replays the journal, then answers on `listener` until `shutdown` resolves or the journal cannot
/// be written any more (which is an error: a gateway that forgets money is worse than none).
///
/// When it returns, everything answered is on disk and the journal file is unlocked.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    config.validate()?;
    // reqwest is built without a default TLS provider. A second installation is refused, which
    // only means that somebody in this process was earlier.
    let _ = rustls::crypto::ring::default_provider().install_default();

    let messenger = Arc::new(Messenger::new(&config.shipping_url)?);
    let (world, booked) = World::open(config)?;
    let address = listener.local_addr().context("the listener has no address")?;
    tracing::info!(%address, journal = %world.config.journal_path.display(), "simulators are ready");
    world.tasks.spawn(calendar::run(world.clone(), messenger, booked));

    let stopping = world.stopping.clone();
    let watched = world.clone();
    let stop = async move {
        tokio::select! {
            () = shutdown => tracing::info!("asked to stop, draining"),
            () = watched.journal.lost() => {}
        }
        // Wakes every request that plays dead, and ends the carrier's clock and its calls.
        watched.stopping.cancel();
    };
    let server = tokio::spawn(
        axum::serve(listener, http::router(world.clone())).with_graceful_shutdown(stop).into_future(),
    );
    stopping.cancelled().await;
    let abort = server.abort_handle();
    let drained = tokio::time::timeout(DRAIN_LIMIT, server).await;
    if drained.is_err() {
        tracing::warn!(limit = ?DRAIN_LIMIT, "some requests did not end in time and were cut off");
        abort.abort();
    }
    let lost = world.journal.is_lost();
    world.tasks.close();
    world.tasks.wait().await;
    let journal = world.journal.clone();
    tokio::task::spawn_blocking(move || journal.close()).await?;
    anyhow::ensure!(!lost, "the journal {} could not be written", world.config.journal_path.display());
    if let Ok(joined) = drained {
        joined?.context("the HTTP server failed")?;
    }
    tracing::info!("stopped");
    Ok(())
}
