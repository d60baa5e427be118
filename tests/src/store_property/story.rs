//! What befalls a few orders, batch by batch: generated, printed and shrunk before it has any ids.

use std::fmt::Debug;

use chrono::TimeDelta;
use proptest::prelude::*;
use shared_events::Event;

/// Batches of one story, and steps of one batch.
const BATCHES_MAX: usize = 7;
const STEPS_MAX: usize = 7;
/// Batches in which the beginnings of all orders arrive.
const OPENING_BATCHES_MAX: usize = 3;

/// One thing that happens to an order from outside.
#[derive(Clone, Debug)]
pub enum Happens<I> {
    /// Somebody said this, that long ago.
    Event(Box<Event>, TimeDelta),
    /// The outside world answered.
    Outcome(I),
    /// A person wants something.
    Command(I),
}

impl<I> Happens<I> {
    /// Somebody says this just now.
    pub fn said(event: impl Into<Event>) -> Self {
        Self::Event(Box::new(event.into()), TimeDelta::zero())
    }
}

/// A story in the words of one service: `Y` becomes a [`Happens`] once the story has its ids.
#[derive(Clone, Debug)]
pub(super) struct Story<Y> {
    pub(super) batches: Vec<Batch<Y>>,
}

/// What arrives together, when, and what becomes of its transaction.
#[derive(Clone, Debug)]
pub(super) struct Batch<Y> {
    pub(super) pause: Pause,
    pub(super) steps: Vec<Step<Y>>,
    pub(super) fate: Fate,
}

/// The time before a batch.
#[derive(Clone, Debug)]
pub(super) enum Pause {
    Milliseconds(i64),
    /// Until this one of the armed timers is due; whatever is due then comes first in the batch.
    UntilTimer(usize),
}

/// One input of a batch.
#[derive(Clone, Debug)]
pub(super) enum Step<Y> {
    /// Something new, of one of two actions.
    New { order: u8, correlation: u8, what: Y },
    /// An event that was delivered before, counted from the last one.
    Again { back: usize, resent: bool },
    /// A timer that some sweep saw, and that may no longer be due, or never was armed.
    Timer { order: u8, timer: usize },
}

/// What becomes of a batch's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Committed,
    /// Lost before its commit; the batch comes again.
    Lost,
    /// Lost before its commit; its inputs come again one by one.
    LostThenAlone,
    /// Committed, but whoever asked never heard of it; the batch comes again.
    Unknown,
}

/// Stories of so many orders, each of which begins with the first steps, or none, of a usual way.
pub(super) fn stories<Y: Clone + Debug + 'static>(
    orders: u8,
    ways: Vec<Vec<Y>>,
    symbols: BoxedStrategy<Y>,
) -> impl Strategy<Value = Story<Y>> {
    let batch = (pause(), prop::collection::vec(step(orders, symbols), 0..=STEPS_MAX), fate())
        .prop_map(|(pause, steps, fate)| Batch { pause, steps, fate });
    let rest = prop::collection::vec(batch, 1..=BATCHES_MAX);
    (opening(orders, ways), 1..=OPENING_BATCHES_MAX, fate(), rest).prop_map(|(opening, parts, fate, rest)| {
        let size = opening.len().div_ceil(parts).max(1);
        let part = |steps: &[Step<Y>]| Batch { pause: Pause::Milliseconds(1), steps: steps.to_vec(), fate };
        Story { batches: opening.chunks(size).map(part).chain(rest).collect() }
    })
}

/// The first steps of all orders in turn: random ones alone would seldom bring an order far.
fn opening<Y: Clone + Debug + 'static>(orders: u8, ways: Vec<Vec<Y>>) -> impl Strategy<Value = Vec<Step<Y>>> {
    // The longer of two lengths: late stages are the rarer ones.
    let chosen = (any::<prop::sample::Index>(), any::<[prop::sample::Index; 2]>());
    prop::collection::vec(chosen, usize::from(orders)).prop_map(move |chosen| {
        let beginnings: Vec<&[Y]> = chosen
            .iter()
            .map(|(way, length)| {
                let way = way.get(&ways);
                let [one, other] = length.map(|length| length.index(way.len() + 1));
                &way[..one.max(other)]
            })
            .collect();
        let longest = beginnings.iter().map(|beginning| beginning.len()).max().unwrap_or(0);
        let turn = |at: usize| {
            let beginnings = beginnings.iter();
            (0..orders).zip(beginnings).filter_map(move |(order, beginning)| {
                beginning.get(at).map(|what| Step::New { order, correlation: 0, what: what.clone() })
            })
        };
        (0..longest).flat_map(turn).collect()
    })
}

fn pause() -> impl Strategy<Value = Pause> {
    prop_oneof![
        3 => (1..2_000_i64).prop_map(Pause::Milliseconds),
        1 => (2_000..7_200_000_i64).prop_map(Pause::Milliseconds),
        3 => any::<usize>().prop_map(Pause::UntilTimer),
    ]
}

fn step<Y: Clone + Debug + 'static>(orders: u8, symbols: BoxedStrategy<Y>) -> impl Strategy<Value = Step<Y>> {
    let order = move || 0..orders;
    prop_oneof![
        // The first action's events are the rule; a second action is a cancellation, or an operator's.
        10 => (order(), prop_oneof![4 => Just(0_u8), 1 => Just(1_u8)], symbols)
            .prop_map(|(order, correlation, what)| Step::New { order, correlation, what }),
        2 => (0..12_usize, any::<bool>()).prop_map(|(back, resent)| Step::Again { back, resent }),
        1 => (order(), any::<usize>()).prop_map(|(order, timer)| Step::Timer { order, timer }),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Committed),
        1 => Just(Fate::Lost),
        1 => Just(Fate::LostThenAlone),
        1 => Just(Fate::Unknown),
    ]
}
