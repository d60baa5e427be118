//! Every state of a participant and every event gets a small number, and every decision is taken
//! once: the checker then moves numbers, and millions of states are seconds' work.
//!
//! Numbers are given in the order of discovery. They mean the same for as long as the model lives.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use ahash::AHashMap;
use shared_events::{Event, EventType};

use crate::{
    actors::plain,
    cast::{Actor, Cause, Heard, Seat, Standing},
    outside::Call,
    set::{Listed, Numbers, Set},
};

/// Gives equal values equal numbers.
struct Numbered<T>(RwLock<Numbering<T>>);

struct Numbering<T> {
    numbers: AHashMap<Arc<T>, usize>,
    values: Vec<Arc<T>>,
}

impl<T: Eq + Hash> Numbered<T> {
    fn new() -> Self {
        Self(RwLock::new(Numbering { numbers: AHashMap::new(), values: Vec::new() }))
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

/// How many events a model can tell apart.
const EVENTS_MAX: usize = 128;

/// All events that were ever said in a model. An event is its content and how often the same was
/// said before: an id that depends on nothing else, so that equal states have equal events.
pub(crate) struct Events {
    contents: Numbered<(Event, u8)>,
    /// What the network knows of each, without a lock: it is asked in every state.
    said: [OnceLock<Said>; EVENTS_MAX],
}

/// An event as the network carries it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said {
    pub(crate) number: u8,
    pub(crate) event_type: EventType,
    pub(crate) hearers: Set<Seat>,
    /// Of its content: the same in every model and every run, as its number is not.
    pub(crate) fingerprint: u64,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { contents: Numbered::new(), said: [const { OnceLock::new() }; EVENTS_MAX] }
    }

    fn said(&self, event: Event, before: u8) -> Said {
        let event_type = event.event_type();
        let fingerprint = fingerprint(&(&event, before));
        let number = self.contents.number((event, before));
        assert!(number < EVENTS_MAX, "the model's sets of events are too small");
        *self.said[number].get_or_init(|| {
            let mut hearers = Set::default();
            for seat in Seat::ALL {
                if event_type.entry().consumers.iter().any(|consumer| consumer.service == seat.service()) {
                    hearers.add(*seat);
                }
            }
            Said { number: u8::try_from(number).unwrap_or(u8::MAX), event_type, hearers, fingerprint }
        })
    }

    /// The same content, said once more.
    pub(crate) fn said_again(&self, said: Said) -> Said {
        let (event, before) = &*self.get(said.number);
        self.said(event.clone(), before + 1)
    }

    pub(crate) fn get(&self, number: u8) -> Arc<(Event, u8)> {
        self.contents.value(usize::from(number))
    }

    pub(crate) fn event_type(&self, number: u8) -> EventType {
        self.known(number).event_type
    }

    pub(crate) fn hearers(&self, number: u8) -> Set<Seat> {
        self.known(number).hearers
    }

    pub(crate) fn fingerprint(&self, number: u8) -> u64 {
        self.known(number).fingerprint
    }

    fn known(&self, number: u8) -> Said {
        *self.said[usize::from(number)].get().expect("an event gets its number when it is said")
    }
}

/// A hash that is the same in every run.
pub(crate) fn fingerprint(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
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
    moves: RwLock<AHashMap<(u16, Cause), Decided>>,
    /// By state: the events that change nothing in it.
    deaf_to: RwLock<Vec<Numbers>>,
}

/// `None` when a wish is refused.
type Decided = Option<Arc<Move>>;

/// The same, whichever participant it is.
pub(crate) trait Participant: Send + Sync {
    /// The decision; `None` when a wish is refused.
    fn hear(&self, state: u16, cause: Cause, events: &Events) -> Decided;

    /// The answers to a resend.
    fn answers(&self, state: u16, asked: EventType) -> Vec<EventType>;

    /// Whether deciding on each of these events would leave the state as it is, but for its waiting,
    /// say nothing and call nobody.
    fn is_deaf_to(&self, state: u16, numbers: Numbers, events: &Events) -> bool;

    /// What the properties look at in a state.
    fn standing(&self, state: u16) -> Standing;

    /// The state, with all that orders share as `other` has it.
    fn sharing(&self, state: u16, other: u16) -> u16;

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
        Self { actor, states, moves: RwLock::default(), deaf_to: RwLock::default() }
    }

    fn number(&self, state: A::State) -> u16 {
        u16::try_from(self.states.number(state)).expect("a participant has fewer than 65536 states")
    }

    /// Whether two states differ at most in their waiting.
    fn is_the_same(&self, one: u16, other: u16) -> bool {
        let known = |state: u16| self.actor.apart_from_waiting(&self.states.value(usize::from(state)));
        one == other || known(one) == known(other)
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
        Some(Move {
            state: self.number(turn.state),
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

    fn is_deaf_to(&self, state: u16, numbers: Numbers, events: &Events) -> bool {
        let place = usize::from(state);
        let known = self.deaf_to.read().unwrap_or_else(PoisonError::into_inner).get(place).copied();
        let known = known.unwrap_or_default();
        for number in numbers.without(known).iter() {
            let decided = self.hear(state, Cause::Event(number), events);
            let is_nothing = |decided: &Arc<Move>| {
                let said_or_called = !decided.said.is_empty() || !decided.calls.is_empty();
                !said_or_called && self.is_the_same(decided.state, state)
            };
            if !decided.as_ref().is_none_or(is_nothing) {
                return false;
            }
            let mut deaf_to = self.deaf_to.write().unwrap_or_else(PoisonError::into_inner);
            if deaf_to.len() <= place {
                deaf_to.resize(place + 1, Numbers::default());
            }
            deaf_to[place].add(number);
        }
        true
    }

    fn standing(&self, state: u16) -> Standing {
        self.actor.standing(&self.states.value(usize::from(state)))
    }

    fn sharing(&self, state: u16, other: u16) -> u16 {
        let (state, other) = (self.states.value(usize::from(state)), self.states.value(usize::from(other)));
        self.number(self.actor.sharing(&state, &other))
    }

    fn timers(&self) -> Vec<&'static str> {
        self.actor.timers()
    }
}
