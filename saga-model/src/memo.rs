//! Every state of a participant and every event gets a small number, and every decision is taken
//! once: the checker then moves numbers, and millions of states are seconds' work.
//!
//! Numbers are given in the order of discovery. They mean the same for as long as the model lives.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, PoisonError, RwLock},
};

use shared_events::{Event, EventType};

use crate::{
    actors::plain,
    cast::{Actor, Cause, Heard, Seat, Standing},
    outside::Call,
    set::{Listed, Set},
};

/// Gives equal values equal numbers.
struct Numbered<T>(RwLock<Numbering<T>>);

struct Numbering<T> {
    numbers: HashMap<Arc<T>, usize>,
    values: Vec<Arc<T>>,
}

impl<T: Eq + Hash> Numbered<T> {
    fn new() -> Self {
        Self(RwLock::new(Numbering { numbers: HashMap::new(), values: Vec::new() }))
    }

    fn number(&self, value: T) -> usize {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Numbering { numbers, values } = &mut *inner;
        if let Some(number) = numbers.get(&value) {
            return *number;
        }
        let value = Arc::new(value);
        values.push(Arc::clone(&value));
        numbers.insert(value, values.len() - 1);
        values.len() - 1
    }

    fn value(&self, number: usize) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).values[number])
    }
}

/// All events that were ever said in a model. An event is its content and how often the same was
/// said before: an id that depends on nothing else, so that equal states have equal events.
pub(crate) struct Events(Numbered<(Event, u8)>);

/// An event as the network carries it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said {
    pub(crate) number: u8,
    pub(crate) event_type: EventType,
    pub(crate) hearers: Set<Seat>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self(Numbered::new())
    }

    fn said(&self, event: Event, before: u8) -> Said {
        let event_type = event.event_type();
        let number = self.0.number((event, before));
        assert!(number < 128, "the model's sets of events are too small");
        let mut hearers = Set::default();
        for seat in Seat::ALL {
            if event_type.entry().consumers.iter().any(|consumer| consumer.service == seat.service()) {
                hearers.add(*seat);
            }
        }
        Said { number: u8::try_from(number).unwrap_or(u8::MAX), event_type, hearers }
    }

    /// The same content, said once more.
    pub(crate) fn said_again(&self, said: Said) -> Said {
        let (event, before) = &*self.get(said.number);
        self.said(event.clone(), before + 1)
    }

    pub(crate) fn get(&self, number: u8) -> Arc<(Event, u8)> {
        self.0.value(usize::from(number))
    }

    pub(crate) fn event_type(&self, number: u8) -> EventType {
        self.get(number).0.event_type()
    }

    pub(crate) fn hearers(&self, number: u8) -> Set<Seat> {
        let (event, before) = &*self.get(number);
        self.said(event.clone(), *before).hearers
    }
}

/// A decision in numbers.
#[derive(Clone, Debug)]
pub(crate) struct Move {
    pub(crate) state: u16,
    pub(crate) standing: Standing,
    pub(crate) said: Vec<Said>,
    pub(crate) resend: Vec<EventType>,
    pub(crate) touched: u8,
    pub(crate) armed: u8,
    pub(crate) calls: Vec<Call>,
    pub(crate) note: String,
}

/// A participant whose decisions are remembered.
pub(crate) struct Remembered<A: Actor> {
    actor: A,
    states: Numbered<A::State>,
    moves: RwLock<HashMap<(u16, Cause), Decided>>,
}

/// `None` when a wish is refused.
type Decided = Option<Arc<Move>>;

/// The same, whichever participant it is.
pub(crate) trait Participant: Send + Sync {
    /// The decision; `None` when a wish is refused.
    fn hear(&self, state: u16, cause: Cause, events: &Events) -> Decided;

    /// The answers to a resend.
    fn answers(&self, state: u16, asked: EventType) -> Vec<EventType>;

    /// The names of its timers.
    fn timers(&self) -> Vec<&'static str>;
}

impl<A: Actor> Remembered<A> {
    /// With these states as the first ones, numbered from 0.
    pub(crate) fn new(actor: A, first: Vec<A::State>) -> Self {
        let states = Numbered::new();
        for state in first {
            states.number(state);
        }
        Self { actor, states, moves: RwLock::default() }
    }

    fn decide(&self, state: u16, cause: Cause, events: &Events) -> Option<Move> {
        let state = self.states.value(usize::from(state));
        let said;
        let heard = match cause {
            Cause::Event(number) => {
                said = events.get(number);
                Heard::Event(&said.0)
            }
            Cause::Timer(timer) => Heard::Timer(timer),
            Cause::Word(word) => Heard::Word(word),
            Cause::Silence(call) => Heard::Silence(call),
            Cause::Wish(wish) => Heard::Wish(wish),
        };
        let turn = self.actor.decide(&state, heard)?;
        let standing = self.actor.standing(&turn.state);
        let number = self.states.number(turn.state);
        Some(Move {
            state: u16::try_from(number).expect("a participant has fewer than 65536 states"),
            standing,
            said: turn.said.into_iter().map(|event| events.said(plain(event), 0)).collect(),
            resend: turn.resend,
            touched: turn.touched,
            armed: turn.armed,
            calls: turn.calls,
            note: turn.note,
        })
    }
}

impl<A: Actor> Participant for Remembered<A> {
    fn hear(&self, state: u16, cause: Cause, events: &Events) -> Decided {
        let key = (state, cause);
        if let Some(known) = self.moves.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let decided = self.decide(state, cause, events).map(Arc::new);
        let mut moves = self.moves.write().unwrap_or_else(PoisonError::into_inner);
        moves.entry(key).or_insert(decided).clone()
    }

    fn answers(&self, state: u16, asked: EventType) -> Vec<EventType> {
        self.actor.answers(&self.states.value(usize::from(state)), asked)
    }

    fn timers(&self) -> Vec<&'static str> {
        self.actor.timers()
    }
}
