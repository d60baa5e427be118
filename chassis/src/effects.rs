//! Work for the outside world, after the commit: bounded, and its outcome comes back as an input.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::{
    faults::{Point, point},
    intake::IntakeHandle,
    participant::Participant,
    work::{Cause, StartedEffect, Work},
};

/// Outside calls under way at once. More would only queue at the gateway, and each holds a socket.
const EFFECTS_MAX: usize = 64;

/// Starts effects and brings their outcomes back.
#[derive(Debug)]
pub(crate) struct EffectRunner<P: Participant> {
    intake: IntakeHandle<P>,
    slots: Arc<Semaphore>,
    tracker: TaskTracker,
}

impl<P: Participant> EffectRunner<P> {
    pub(crate) fn new(intake: IntakeHandle<P>, tracker: TaskTracker) -> Self {
        Self { intake, slots: Arc::new(Semaphore::new(EFFECTS_MAX)), tracker }
    }

    /// Does it in a task of its own. A crash from here on loses it; the timer that the same
    /// decision armed finds out.
    pub(crate) fn start(&self, participant: Arc<P>, started: StartedEffect<P>) {
        let (slots, intake) = (self.slots.clone(), self.intake.clone());
        self.tracker.spawn(async move {
            let Ok(_slot) = slots.acquire_owned().await else { return };
            let StartedEffect { order, effect, caused_by, correlation } = started;
            point(Point::BeforeEffect);
            let Some(input) = participant.perform(order, effect).await else { return };
            point(Point::AfterEffect);
            let cause = Cause::outcome(caused_by, correlation);
            intake.outcome(Work { order, input, cause }).await;
        });
    }
}
