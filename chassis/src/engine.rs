//! The heart: a batch of inputs becomes one transaction.
//!
//! Whatever happens to an order (an event, a timer, an answer of the outside world, a command)
//! arrives here as [`Work`]. One call of [`Engine::process`] locks the orders concerned, drops what
//! was handled before, folds the inputs through `decide`, and writes state, saga log, outbox and
//! timers in a single transaction. After the commit, and only then, the events go to the relay and
//! the effects to the outside world. The caller acknowledges after `process` has returned.

#[cfg(feature = "faults")]
mod planted;

use std::{sync::Arc, time::Duration};

use rand::Rng as _;
use sqlx::PgPool;

use crate::{
    batch::{Written, write_batch},
    db::{Fault, is_transient},
    effects::EffectRunner,
    faults::{Point, point},
    outbox::relay::RelayHandle,
    participant::Participant,
    work::{Applied, Work},
};

/// How often one transaction is run again after a deadlock or a serialization failure.
const TRANSIENT_ATTEMPTS: u32 = 3;

/// The engine of one service.
#[derive(Debug)]
pub(crate) struct Engine<P: Participant> {
    participant: Arc<P>,
    pool: PgPool,
    relay: RelayHandle,
    effects: EffectRunner<P>,
}

impl<P: Participant> Engine<P> {
    pub(crate) fn new(
        participant: Arc<P>,
        pool: PgPool,
        relay: RelayHandle,
        effects: EffectRunner<P>,
    ) -> Self {
        Self { participant, pool, relay, effects }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Applies a batch in one transaction. On success every piece of work is in the database (or was
    /// found to need nothing); on a fault none of it is.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the database is away: the same batch may be tried again later.
    /// [`Fault::Failed`] when something in the batch cannot be written, or a handler panicked.
    pub(crate) async fn process(&self, works: &[Work<P>]) -> Result<Vec<Applied<P>>, Fault> {
        let started = std::time::Instant::now();
        let mut attempt = 1;
        let written = loop {
            match self.attempt(works).await {
                Ok(written) => break written,
                Err(Interrupted::Database(error)) if is_transient(&error) && attempt < TRANSIENT_ATTEMPTS => {
                    attempt += 1;
                    metrics::counter!("saga_transactions_repeated_total").increment(1);
                    let jitter = rand::rng().random_range(2..20);
                    tokio::time::sleep(Duration::from_millis(jitter)).await;
                }
                Err(Interrupted::Database(error)) => return Err(Fault::sort(error)),
                Err(Interrupted::Panicked(words)) => {
                    return Err(Fault::Failed(format!("the handler panicked: {words}")));
                }
            }
        };
        metrics::histogram!("saga_batch_seconds").record(started.elapsed().as_secs_f64());
        metrics::histogram!("saga_batch_size").record(works.len() as f64);
        self.relay.hand_over(written.outgoing);
        for effect in written.effects {
            self.effects.start(self.participant.clone(), effect);
        }
        Ok(written.applied)
    }

    /// Runs the transaction in a task of its own, so that neither a dropped future nor a panic can
    /// leave it half done on a pooled connection.
    async fn attempt(&self, works: &[Work<P>]) -> Result<Written<P>, Interrupted> {
        let (pool, participant) = (self.pool.clone(), self.participant.clone());
        let works = works.to_vec();
        #[cfg(feature = "faults")]
        let relay = self.relay.clone();
        let task = tokio::spawn(async move {
            let mut tx = pool.begin().await?;
            let written = write_batch(&mut tx, participant.as_ref(), &works).await?;
            #[cfg(feature = "faults")]
            let written = planted::said_before_commit(&relay, written).await;
            if works.iter().any(|work| work.cause.timer_name().is_some()) {
                point(Point::BeforeTimerCommit);
            }
            point(Point::BeforeCommit);
            tx.commit().await?;
            point(Point::AfterCommit);
            sqlx::Result::Ok(written)
        });
        match task.await {
            Ok(result) => result.map_err(Interrupted::Database),
            Err(join) => Err(Interrupted::Panicked(panic_words(join))),
        }
    }
}

enum Interrupted {
    Database(sqlx::Error),
    Panicked(String),
}

fn panic_words(join: tokio::task::JoinError) -> String {
    match join.try_into_panic() {
        Ok(panic) => panic
            .downcast_ref::<&str>()
            .map(|words| (*words).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned()),
        Err(other) => other.to_string(),
    }
}
