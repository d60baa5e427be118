//! Commands and outcomes, gathered into batches: whatever waits is decided in one transaction.
//!
//! A thousand people who post an order at once cost a handful of commits, not a thousand.

#[cfg(feature = "faults")]
mod planted;

use std::{sync::Arc, time::Duration};

use shared_events::{OrderId, Rejection};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    db::Fault,
    engine::Engine,
    faults::{Bug, Point, planted, point},
    participant::Participant,
    work::{Applied, Committed, Work},
};

/// Inputs that may wait. When it is full, commands are told to come back: better a fast 503 than a
/// queue nobody waits for any longer.
const WAITING_MAX: usize = 4_096;
/// Inputs decided in one transaction.
const BATCH_MAX: usize = 128;
/// How long an outcome waits for a database that is away before it tries again.
const OUTCOME_RETRY: Duration = Duration::from_millis(500);

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A business no.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Nothing is wrong with the command; the service cannot take it now. Whether it was carried
    /// out may be unknown (a commit can succeed although its answer was lost): ask again under the
    /// same id.
    #[error("{0}")]
    Unavailable(String),
    /// The command cannot be written; a bug.
    #[error("{0}")]
    Failed(String),
}

type Reply<P> = oneshot::Sender<Result<Committed<P>, CommandError>>;

#[derive(Debug)]
struct Item<P: Participant> {
    work: Work<P>,
    /// Absent for an outcome: nobody waits, and it must not be lost while the process lives.
    reply: Option<Reply<P>>,
}

/// Where commands and outcomes are handed in.
#[derive(Debug)]
pub(crate) struct IntakeHandle<P: Participant> {
    sender: mpsc::Sender<Item<P>>,
}

impl<P: Participant> Clone for IntakeHandle<P> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone() }
    }
}

impl<P: Participant> IntakeHandle<P> {
    /// Decides a person's command, or a report for which somebody waits.
    ///
    /// # Errors
    /// [`CommandError`] says whether it was refused or could not be decided.
    pub(crate) async fn decide(&self, work: Work<P>) -> Result<Committed<P>, CommandError> {
        #[cfg(feature = "faults")]
        if let Some(engine) = planted::lent() {
            return planted::decide_here(engine, work).await;
        }
        let (reply, answer) = oneshot::channel();
        self.sender.try_send(Item { work, reply: Some(reply) }).map_err(|_| {
            CommandError::Unavailable("too many commands are waiting; try again in a second".to_owned())
        })?;
        answer.await.unwrap_or_else(|_| {
            Err(CommandError::Unavailable("the service is shutting down; ask again".to_owned()))
        })
    }

    /// Hands in what the outside world answered.
    pub(crate) async fn outcome(&self, work: Work<P>) {
        let order_id = work.order;
        if self.sender.send(Item { work, reply: None }).await.is_err() {
            tracing::warn!(%order_id, "an outcome came after the end; a timer will ask for it again");
        }
    }
}

/// The receiving end, taken by [`run`].
#[derive(Debug)]
pub(crate) struct Intake<P: Participant> {
    receiver: mpsc::Receiver<Item<P>>,
}

pub(crate) fn channel<P: Participant>() -> (IntakeHandle<P>, Intake<P>) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    (IntakeHandle { sender }, Intake { receiver })
}

/// Decides what is handed in until told to stop, and then what is still waiting.
pub(crate) async fn run<P: Participant>(
    mut intake: Intake<P>,
    engine: Arc<Engine<P>>,
    again: IntakeHandle<P>,
    stop: CancellationToken,
) {
    #[cfg(feature = "faults")]
    planted::lend(&engine);
    loop {
        let first = tokio::select! {
            biased;
            item = intake.receiver.recv() => item,
            () = stop.cancelled() => intake.receiver.try_recv().ok(),
        };
        let Some(first) = first else { return };
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX {
            let Ok(item) = intake.receiver.try_recv() else { break };
            batch.push(item);
        }
        decide(&engine, &again, batch).await;
    }
}

async fn decide<P: Participant>(engine: &Engine<P>, again: &IntakeHandle<P>, batch: Vec<Item<P>>) {
    let works: Vec<_> = batch.iter().map(|item| item.work.clone()).collect();
    match engine.process(&works).await {
        Ok(applied) => {
            if batch.iter().any(|item| item.reply.is_some()) {
                point(Point::BeforeAnswer);
            }
            for (item, applied) in batch.into_iter().zip(applied) {
                if let Some(reply) = item.reply {
                    // A client that hung up does not wait for its answer.
                    let _ = reply.send(answer(applied));
                }
            }
        }
        Err(Fault::Failed(_)) if batch.len() > 1 => {
            for item in batch {
                Box::pin(decide(engine, again, vec![item])).await;
            }
        }
        Err(fault) => {
            for item in batch {
                give_back(again, item, &fault);
            }
        }
    }
}

fn answer<P: Participant>(applied: Applied<P>) -> Result<Committed<P>, CommandError> {
    match applied {
        Applied::Decided(committed) => Ok(committed),
        Applied::Rejected(rejection) => Err(CommandError::Rejected(rejection)),
        Applied::Duplicate | Applied::AnsweredAgain | Applied::StaleTimer => {
            Err(CommandError::Failed("a command cannot be a duplicate event or a timer".to_owned()))
        }
    }
}

fn give_back<P: Participant>(again: &IntakeHandle<P>, item: Item<P>, fault: &Fault) {
    let order_id = item.work.order;
    let Some(reply) = item.reply else {
        if matches!(fault, Fault::Unavailable(_)) {
            tracing::warn!(%order_id, %fault, "an outcome waits for the database");
            let (again, work) = (again.clone(), item.work);
            tokio::spawn(async move {
                tokio::time::sleep(OUTCOME_RETRY).await;
                again.outcome(work).await;
            });
        } else {
            tracing::error!(%order_id, %fault, "an outcome cannot be written; a timer will ask for it again");
        }
        return;
    };
    let _ = reply.send(Err(error(order_id, fault)));
}

fn error(order_id: OrderId, fault: &Fault) -> CommandError {
    match fault {
        Fault::Unavailable(_) if planted(Bug::FailedCommitIsFailure) => {
            CommandError::Rejected(Rejection::new("not_done", "The database failed; nothing was done."))
        }
        Fault::Unavailable(_) => {
            tracing::warn!(%order_id, %fault, "a command could not be decided");
            CommandError::Unavailable(
                "the database is away; try again with the same id or Idempotency-Key".to_owned(),
            )
        }
        Fault::Failed(reason) => {
            tracing::error!(%order_id, reason, "a command cannot be written");
            CommandError::Failed(reason.clone())
        }
    }
}
