//! A service's own look at the broker's topology: before it is ready, and every minute.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use shared_events::Service;
use tokio_util::sync::CancellationToken;

use super::check::{Management, differences};

/// How often the broker is held against the catalogue while all is well, before `TIME_SCALE`.
const INTERVAL: Duration = Duration::from_secs(60);
/// … and while it is not; also the shortest pause in a faster world.
const RETRY: Duration = Duration::from_secs(2);

/// Writes what is wrong into `known` (`None` before the first look), until stopped.
pub(crate) async fn run(
    service: Service,
    management: Management,
    time_scale: u32,
    known: Arc<Mutex<Option<Vec<String>>>>,
    stop: CancellationToken,
) {
    let pause_while_well = (INTERVAL / time_scale.max(1)).max(RETRY);
    loop {
        let found = match differences(&management, service, time_scale).await {
            Ok(found) => found,
            Err(error) => vec![format!("{:#}", anyhow::Error::new(error))],
        };
        let well = found.is_empty();
        if let Ok(mut known) = known.lock() {
            if !well && known.as_ref() != Some(&found) {
                tracing::error!(problems = ?found, "the broker's topology differs; `sagactl topology keep` mends it");
            }
            metrics::gauge!("broker_topology_problems").set(found.len() as f64);
            *known = Some(found);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(if well { pause_while_well } else { RETRY }) => {}
        }
    }
}
