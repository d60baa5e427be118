//! What a participant concludes from one input: the shape that all four domain crates return.
//!
//! A decision is data. The chassis writes it down (state, events, timers and the saga-log row in one
//! transaction) and afterwards asks the outside world for the effects.

use std::{fmt::Debug, hash::Hash, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Event, EventType};

/// What one input leads to. `S` is the participant's state of one order, `E` an effect on the
/// outside world (or on rows shared between orders, such as stock), `T` its timers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[must_use = "a decision that is not written down did not happen"]
pub struct Decision<S, E, T> {
    /// The state from now on; equal to the old one when nothing changes.
    pub state: S,
    /// How the saga log files this input.
    pub outcome: Outcome,
    /// Why, in words a person reads in the saga log. Empty when the outcome says it all.
    pub note: String,
    /// New facts, in the order in which they are to be published.
    pub emit: Vec<Event>,
    /// Facts said before that are to be said again under their old event id (the newest of each
    /// type for this order).
    pub resend: Vec<EventType>,
    /// Timers to arm or to disarm.
    pub timers: Vec<TimerChange<T>>,
    /// Work for the outside world, done after the commit. It may be lost in a crash: a timer armed
    /// in the same decision must find out.
    pub effects: Vec<E>,
    /// Something a person has to look at: logged as an error and counted.
    pub alarm: Option<String>,
}

impl<S, E, T> Decision<S, E, T> {
    /// A decision that moves to `state` and is filed under `outcome`; add the rest with the
    /// builder functions.
    pub fn to(state: S, outcome: Outcome) -> Self {
        Self {
            state,
            outcome,
            note: String::new(),
            emit: Vec::new(),
            resend: Vec::new(),
            timers: Vec::new(),
            effects: Vec::new(),
            alarm: None,
        }
    }

    /// Nothing changes, and the saga log says why.
    pub fn ignored(state: S, reason: impl Into<String>) -> Self {
        Self::to(state, Outcome::Ignored).note(reason)
    }

    /// Sets the words for the saga log.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Adds a new fact.
    pub fn emit(mut self, event: impl Into<Event>) -> Self {
        self.emit.push(event.into());
        self
    }

    /// Says the newest fact of that type again, under its old event id.
    pub fn resend(mut self, event_type: EventType) -> Self {
        self.resend.push(event_type);
        self
    }

    /// Arms (or re-arms) a timer; it fires `after` from the moment of this decision.
    pub fn arm(mut self, timer: T, after: Duration) -> Self {
        self.timers.push(TimerChange::Arm(timer, after));
        self
    }

    /// Disarms a timer; harmless when it is not armed.
    pub fn disarm(mut self, timer: T) -> Self {
        self.timers.push(TimerChange::Disarm(timer));
        self
    }

    /// Asks for an effect after the commit.
    pub fn effect(mut self, effect: E) -> Self {
        self.effects.push(effect);
        self
    }

    /// Calls a person.
    pub fn alarm(mut self, what: impl Into<String>) -> Self {
        self.alarm = Some(what.into());
        self
    }
}

/// How the saga log files an input (its column `status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A step began whose end is still to come.
    Started,
    /// A step ended well.
    Completed,
    /// A step ended badly, or the order died here.
    Failed,
    /// Something done before was made good.
    Compensated,
    /// The input changed nothing; the note says why.
    Ignored,
}

impl Outcome {
    /// The word in the saga log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Compensated => "compensated",
            Self::Ignored => "ignored",
        }
    }
}

/// A change to one of an order's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimerChange<T> {
    /// Fire this long after the decision; replaces the same timer when it is armed already.
    Arm(T, Duration),
    /// Do not fire.
    Disarm(T),
}

/// The timers of one participant: a closed list with stable names, for they are stored.
pub trait Timer: Copy + Debug + Eq + Hash + Send + Sync + 'static {
    /// All of them.
    const ALL: &'static [Self];

    /// The stored name, `snake_case`; never changed once released.
    fn name(self) -> &'static str;

    /// The timer of that name; `None` for a name of another release.
    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|timer| timer.name() == name)
    }
}

/// The timers of who waits for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoTimer {}

impl Timer for NoTimer {
    const ALL: &'static [Self] = &[];

    fn name(self) -> &'static str {
        match self {}
    }
}

/// A business no to a person's command. Events are never rejected.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{detail}")]
pub struct Rejection {
    /// A stable word a program can react to, `snake_case`: `already_shipped`.
    pub code: &'static str,
    /// What is wrong and what to do, for a person.
    pub detail: String,
}

impl Rejection {
    /// A refusal with its code and its explanation.
    #[must_use]
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
