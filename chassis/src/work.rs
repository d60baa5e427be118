//! What the engine works on: an input for an order, why it came, and what became of it.

use shared_events::{CorrelationId, Envelope, EventId, EventType, OrderId, Rejection};

use crate::participant::Participant;

/// One input for one order, and what caused it.
#[derive(Debug)]
pub(crate) struct Work<P: Participant> {
    /// Which order.
    pub order: OrderId,
    /// What happened.
    pub input: P::Input,
    /// Why it happened.
    pub cause: Cause,
}

// Derived, it would ask for `P: Clone`.
impl<P: Participant> Clone for Work<P> {
    fn clone(&self) -> Self {
        Self { order: self.order, input: self.input.clone(), cause: self.cause }
    }
}

/// Where an input comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause {
    pub(crate) kind: CauseKind,
    /// The event behind the input; `None` when a person's command is.
    pub(crate) causation: Option<EventId>,
    pub(crate) correlation: CorrelationId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CauseKind {
    Event { event: EventId, event_type: EventType, resent: bool },
    Timer(&'static str),
    Outcome,
    Command,
}

impl Cause {
    /// A delivered event; `resent` when its sender said it again on purpose.
    #[must_use]
    pub(crate) fn event(envelope: &Envelope, resent: bool) -> Self {
        let (event, event_type) = (envelope.event_id, envelope.event_type());
        Self {
            kind: CauseKind::Event { event, event_type, resent },
            causation: Some(event),
            correlation: envelope.correlation_id,
        }
    }

    pub(crate) fn timer(name: &'static str, armed_by: Option<EventId>, correlation: CorrelationId) -> Self {
        Self { kind: CauseKind::Timer(name), causation: armed_by, correlation }
    }

    pub(crate) fn outcome(caused_by: Option<EventId>, correlation: CorrelationId) -> Self {
        Self { kind: CauseKind::Outcome, causation: caused_by, correlation }
    }

    /// A person's command.
    #[must_use]
    pub(crate) fn command(correlation: CorrelationId) -> Self {
        Self { kind: CauseKind::Command, causation: None, correlation }
    }

    pub(crate) fn timer_name(&self) -> Option<&'static str> {
        match self.kind {
            CauseKind::Timer(name) => Some(name),
            CauseKind::Event { .. } | CauseKind::Outcome | CauseKind::Command => None,
        }
    }

    pub(crate) fn event_id(&self) -> Option<EventId> {
        match self.kind {
            CauseKind::Event { event, .. } => Some(event),
            CauseKind::Timer(_) | CauseKind::Outcome | CauseKind::Command => None,
        }
    }
}

/// What became of one piece of work.
#[derive(Debug)]
pub(crate) enum Applied<P: Participant> {
    /// It was decided and written.
    Decided(Committed<P>),
    /// The event had been handled before; nothing changed.
    Duplicate,
    /// The event had been handled before and was sent again on purpose: our answer was, too.
    AnsweredAgain,
    /// The timer was no longer due.
    StaleTimer,
    /// A command was refused; nothing changed.
    Rejected(Rejection),
}

/// A decision that is in the database.
#[derive(Debug)]
pub struct Committed<P: Participant> {
    /// The order's state after it.
    pub state: P::State,
    /// The correlation its events carry.
    pub correlation_id: CorrelationId,
    /// What it emitted.
    pub emitted: Vec<EventType>,
}

/// An effect to be done after the commit.
#[derive(Debug)]
pub(crate) struct StartedEffect<P: Participant> {
    pub(crate) order: OrderId,
    pub(crate) effect: P::Effect,
    pub(crate) caused_by: Option<EventId>,
    pub(crate) correlation: CorrelationId,
}
