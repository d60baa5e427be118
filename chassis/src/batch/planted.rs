//! Planted bugs of a batch.

use sqlx::PgConnection;

use crate::{
    faults::{Bug, planted},
    saga_log::{self, Entry},
};

/// [`Bug::NoInbox`]: the log takes an event that it has. The unique key stands in the way of a second
/// row with the same event, so that row names it as its cause.
pub(super) async fn tolerate_repetition(tx: &mut PgConnection, log: &mut [Entry]) -> sqlx::Result<()> {
    if !planted(Bug::NoInbox) {
        return Ok(());
    }
    let events: Vec<_> = log.iter().filter_map(|entry| entry.event).collect();
    let mut seen = saga_log::seen(tx, &events).await?;
    for entry in log {
        if entry.event.is_some_and(|event| !seen.insert(event)) {
            entry.causation = entry.event.take();
        }
    }
    Ok(())
}
