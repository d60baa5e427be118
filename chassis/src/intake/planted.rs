//! Planted bug [`Bug::CancelledTransactions`]: a command runs in the future of its request, which ends
//! when the client hangs up.

use std::{
    any::Any,
    sync::{Arc, OnceLock},
};

use super::{CommandError, answer, error};
use crate::{
    engine::Engine,
    faults::{Bug, planted},
    participant::Participant,
    work::{Committed, Work},
};

/// A process has one engine.
static ENGINE: OnceLock<Arc<dyn Any + Send + Sync>> = OnceLock::new();

/// Lets requests get at the engine themselves, when the bug is planted.
pub(super) fn lend<P: Participant>(engine: &Arc<Engine<P>>) {
    if planted(Bug::CancelledTransactions) {
        // Said twice, it would be the same engine.
        let _ = ENGINE.set(engine.clone());
    }
}

/// The engine, if it was lent.
pub(super) fn lent<P: Participant>() -> Option<Arc<Engine<P>>> {
    ENGINE.get()?.clone().downcast().ok()
}

/// Decides without waiting for others, and without a task of its own.
pub(super) async fn decide_here<P: Participant>(
    engine: Arc<Engine<P>>,
    work: Work<P>,
) -> Result<Committed<P>, CommandError> {
    let order = work.order;
    match Box::pin(engine.process_by_hand(work)).await {
        Ok(applied) => answer(applied),
        Err(fault) => Err(error(order, &fault)),
    }
}
