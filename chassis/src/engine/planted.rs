//! Planted bugs of the engine: mistakes about when a transaction ends, and who ends it.

use std::time::Duration;

use sqlx::PgConnection;

use super::Engine;
use crate::{
    batch::{Written, write_batch},
    db::Fault,
    faults::{Bug, planted},
    outbox::relay::RelayHandle,
    participant::Participant,
    work::{Applied, Work},
};

/// About as long as a publish takes: whoever publishes from within a handler waits for it.
const PUBLISH_TAKES: Duration = Duration::from_millis(10);

/// [`Bug::PublishBeforeCommit`]: the events go out before it is known whether they have happened.
pub(super) async fn said_before_commit<P: Participant>(
    relay: &RelayHandle,
    mut written: Written<P>,
) -> Written<P> {
    if planted(Bug::PublishBeforeCommit) {
        relay.hand_over(std::mem::take(&mut written.outgoing));
        tokio::time::sleep(PUBLISH_TAKES).await;
    }
    written
}

impl<P: Participant> Engine<P> {
    /// [`Bug::CancelledTransactions`]: one command, in a transaction begun by hand, in the future of
    /// whoever asks. Dropped on its way, it leaves the connection to the next borrower as it is: open,
    /// with half of the command written, which the next commit makes true.
    pub(crate) async fn process_by_hand(&self, work: Work<P>) -> Result<Applied<P>, Fault> {
        let mut connection = self.pool.acquire().await.map_err(Fault::sort)?;
        let written = by_hand(&mut connection, self.participant.as_ref(), work).await.map_err(Fault::sort)?;
        self.relay.hand_over(written.outgoing);
        for effect in written.effects {
            self.effects.start(self.participant.clone(), effect);
        }
        written.applied.into_iter().next().ok_or_else(|| Fault::Failed("nothing was applied".to_owned()))
    }
}

async fn by_hand<P: Participant>(
    connection: &mut PgConnection,
    participant: &P,
    work: Work<P>,
) -> sqlx::Result<Written<P>> {
    sqlx::raw_sql("BEGIN").execute(&mut *connection).await?;
    match write_batch(connection, participant, &[work]).await {
        Ok(written) => {
            sqlx::raw_sql("COMMIT").execute(connection).await?;
            Ok(written)
        }
        Err(error) => {
            sqlx::raw_sql("ROLLBACK").execute(connection).await?;
            Err(error)
        }
    }
}
