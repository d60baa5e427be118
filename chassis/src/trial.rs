//! A batch's transaction in the hands of a test: the code that every delivery goes through, on a
//! connection that the test begins, commits or drops, and at a time that the test names.
//!
//! Only with the feature `trial`, which the system tests turn on. A store is held against a model
//! with it; nothing here may decide or write anything that the engine does not.

use chrono::{DateTime, Utc};
use shared_events::{CorrelationId, Envelope, EventId, EventType, OrderId, Rejection, Timer as _};
use sqlx::PgConnection;

use crate::{
    batch::{self, Written},
    participant::Participant,
    work::{Applied, Cause, Work},
};

/// One input for one order and where it comes from, as consumer, sweep, effects or HTTP hand it in.
#[derive(Debug)]
pub struct Given<P: Participant>(Work<P>);

impl<P: Participant> Clone for Given<P> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: Participant> Given<P> {
    /// A delivered event; `resent` when its sender said it again on purpose.
    #[must_use]
    pub fn event(envelope: &Envelope, resent: bool) -> Self {
        let (order, input) = (OrderId(envelope.aggregate_id), P::event_input(envelope));
        Self(Work { order, input, cause: Cause::event(envelope, resent) })
    }

    /// A timer that somebody saw due.
    #[must_use]
    pub fn timer(
        order: OrderId,
        timer: P::Timer,
        armed_by: Option<EventId>,
        correlation: CorrelationId,
    ) -> Self {
        let cause = Cause::timer(timer.name(), armed_by, correlation);
        Self(Work { order, input: P::timer_input(timer), cause })
    }

    /// What the outside world answered.
    #[must_use]
    pub fn outcome(
        order: OrderId,
        input: P::Input,
        caused_by: Option<EventId>,
        correlation: CorrelationId,
    ) -> Self {
        Self(Work { order, input, cause: Cause::outcome(caused_by, correlation) })
    }

    /// A person's command.
    #[must_use]
    pub fn command(order: OrderId, input: P::Input, correlation: CorrelationId) -> Self {
        Self(Work { order, input, cause: Cause::command(correlation) })
    }
}

/// What became of one input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// It was decided and written; what it emitted.
    Decided(Vec<EventType>),
    /// The event had been handled before; nothing changed.
    Duplicate,
    /// The same, but it was sent again on purpose: so was our answer.
    AnsweredAgain,
    /// The timer was no longer due.
    StaleTimer,
    /// A command was refused; nothing changed.
    Rejected(Rejection),
}

/// An effect to be done after the commit.
#[derive(Clone, Debug)]
pub struct Asked<P: Participant> {
    /// For which order.
    pub order: OrderId,
    /// What.
    pub effect: P::Effect,
    /// The event behind it.
    pub caused_by: Option<EventId>,
    /// Of which action it is a part.
    pub correlation: CorrelationId,
}

/// What a batch leaves to do after its commit, and what became of each of its inputs.
#[derive(Debug)]
pub struct Left<P: Participant> {
    /// One for each input, in sequence.
    pub became: Vec<Became>,
    /// The events that the relay gets from memory.
    pub outgoing: Vec<EventId>,
    /// The effects that are started.
    pub effects: Vec<Asked<P>>,
}

/// Locks the orders and writes the batch as the engine does, as if it were `at`; the caller commits.
///
/// # Errors
/// The database's.
pub async fn write_batch<P: Participant>(
    tx: &mut PgConnection,
    participant: &P,
    given: &[Given<P>],
    at: DateTime<Utc>,
) -> sqlx::Result<Left<P>> {
    let works: Vec<Work<P>> = given.iter().map(|given| given.0.clone()).collect();
    let orders = batch::orders_of(&works);
    batch::lock(tx, &orders).await?;
    let written = batch::write_locked(tx, participant, &works, &orders, at).await?;
    let Written { applied, outgoing, effects } = written;
    Ok(Left {
        became: applied.into_iter().map(became).collect(),
        outgoing: outgoing.into_iter().map(|outgoing| outgoing.event_id).collect(),
        effects: effects
            .into_iter()
            .map(|started| Asked {
                order: started.order,
                effect: started.effect,
                caused_by: started.caused_by,
                correlation: started.correlation,
            })
            .collect(),
    })
}

fn became<P: Participant>(applied: Applied<P>) -> Became {
    match applied {
        Applied::Decided(committed) => Became::Decided(committed.emitted),
        Applied::Duplicate => Became::Duplicate,
        Applied::AnsweredAgain => Became::AnsweredAgain,
        Applied::StaleTimer => Became::StaleTimer,
        Applied::Rejected(rejection) => Became::Rejected(rejection),
    }
}
