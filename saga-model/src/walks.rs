//! Walking at random through what is too large to be explored: every walk checks every property in
//! every state it comes through, and that from where it stops there is a way to the end.
//!
//! A walk is its seed: the same seed takes the same steps in every run. The walks of a run have
//! consecutive seeds, so one of them is repeated by a run of one walk that begins with its seed.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::available_parallelism,
    time::{Duration, Instant},
};

use ahash::AHashSet;
use stateright::{Expectation, Property};

use crate::{
    ends, model::SagaModel, mutants::Mutant, pair::PairModel, saga::Saga, scenario::Scenario, story,
};

/// A walk stops after so many steps at the latest: twice as many as the longest way to an end takes
/// when nothing is asked for ever.
const STEPS_MAX: u64 = 120;

/// So many steps at random are tried to find an end before all ways are looked at.
const STEPS_TO_END_MAX: usize = 400;

/// Progress is told so often.
const PROGRESS: Duration = Duration::from_secs(10);

/// Where walks begin, and when they are enough: whichever comes first.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The seed of the first walk.
    pub seed: u64,
    /// How many walks.
    pub walks: u64,
    /// For how long.
    pub time: Duration,
}

/// What the walks came to.
#[derive(Clone, Debug, Default)]
pub struct Walked {
    /// Walks.
    pub walks: u64,
    /// Their steps.
    pub steps: u64,
    /// Walks that came to an end by themselves; the others stopped on the way.
    pub ended: u64,
    /// What must be possible and was met.
    pub reached: BTreeSet<&'static str>,
    /// What must be possible and was not met.
    pub missed: Vec<&'static str>,
    /// The first walk that broke something.
    pub broken: Option<Broken>,
}

/// A walk that broke a property.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Which.
    pub property: &'static str,
    /// The walk's own seed.
    pub seed: u64,
    /// The steps that are needed for it, in words.
    pub story: String,
}

/// Walks through a scenario at random until the bounds are reached or something is broken. `tell` hears
/// from time to time how far it is.
pub fn walk(
    scenario: Scenario,
    mutant: Option<Mutant>,
    bounds: Bounds,
    tell: impl Fn(&Walked, Duration) + Sync,
) -> Walked {
    if scenario.two_orders {
        walk_model(&PairModel::new(scenario, mutant), bounds, tell)
    } else {
        walk_model(&SagaModel::new(scenario, mutant), bounds, tell)
    }
}

fn walk_model<S: Saga>(model: &S, bounds: Bounds, tell: impl Fn(&Walked, Duration) + Sync) -> Walked {
    let (began, told, next) = (Instant::now(), Mutex::new(Duration::ZERO), AtomicU64::new(0));
    let all = Mutex::new(Walked::default());
    let properties = model.properties();
    let lock = || all.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut walker = Walker::new(model, &properties);
                while began.elapsed() < bounds.time && lock().broken.is_none() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= bounds.walks {
                        break;
                    }
                    let broken = walker.walk(bounds.seed.wrapping_add(number));
                    let mut all = lock();
                    all.walks += 1;
                    all.steps += walker.steps;
                    all.ended += u64::from(walker.ended);
                    all.reached.append(&mut walker.reached);
                    all.broken = all.broken.take().or(broken);
                    let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                    if began.elapsed() - *told >= PROGRESS {
                        *told = began.elapsed();
                        tell(&all, *told);
                    }
                }
            });
        }
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    let possible = properties.iter().filter(|property| is_sometimes(property));
    all.missed = possible.map(|property| property.name).filter(|name| !all.reached.contains(name)).collect();
    all
}

/// One who walks, and what they saw on their last walk.
struct Walker<'a, S: Saga> {
    model: &'a S,
    properties: &'a [Property<S>],
    steps: u64,
    ended: bool,
    reached: BTreeSet<&'static str>,
}

impl<'a, S: Saga> Walker<'a, S> {
    const fn new(model: &'a S, properties: &'a [Property<S>]) -> Self {
        Self { model, properties, steps: 0, ended: false, reached: BTreeSet::new() }
    }

    fn walk(&mut self, seed: u64) -> Option<Broken> {
        let mut dice = Dice(seed);
        let starts = self.model.init_states();
        // The first way to begin leads farthest: there is a piece on the shelf.
        let start = starts[if dice.below(8) == 0 { dice.below(starts.len()) } else { 0 }];
        let mood = Mood::of(&mut dice);
        let steps_max = 1 + dice.draw() % STEPS_MAX;
        let (mut state, mut actions) = (start, Vec::new());
        (self.steps, self.ended) = (0, false);
        loop {
            if let Some(property) = self.look(&state) {
                return Some(self.broken(property, seed, start, &actions));
            }
            if self.steps == steps_max {
                break;
            }
            let Some((action, next)) = self.step(&state, &mood, &mut dice) else { break };
            actions.push(action);
            state = next;
            self.steps += 1;
        }
        self.ended = self.model.is_an_end(&state);
        if self.ended || self.finds_an_end(state, &mut dice) {
            return None;
        }
        let path = story::walk(self.model, start, &actions);
        Some(Broken { property: ends::PROPERTY, seed, story: story::tell(self.model, &path) })
    }

    /// What the state breaks. What it shows to be possible is kept.
    fn look(&mut self, state: &S::State) -> Option<&'static str> {
        for property in self.properties {
            if is_sometimes(property) {
                if !self.reached.contains(property.name) && (property.condition)(self.model, state) {
                    self.reached.insert(property.name);
                }
            } else if !(property.condition)(self.model, state) {
                return Some(property.name);
            }
        }
        None
    }

    /// A step that changes something, if there is one.
    fn step(&self, state: &S::State, mood: &Mood, dice: &mut Dice) -> Option<(S::Action, S::State)> {
        let (mut ordinary, mut others) = (Vec::new(), Vec::new());
        self.model.ordinary(state, &mut ordinary);
        self.model.extraordinary(state, &mut others);
        let mut impatient: Vec<_> =
            ordinary.extract_if(.., |action| self.model.is_impatient(*action)).collect();
        if dice.below(mood.one_timeout_in) == 0 {
            std::mem::swap(&mut ordinary, &mut impatient);
        }
        if dice.below(mood.one_disaster_in) == 0 {
            std::mem::swap(&mut ordinary, &mut others);
        }
        for mut actions in [ordinary, impatient, others] {
            let preference = if dice.below(mood.one_whim_in) == 0 { dice.draw() } else { mood.preference };
            // The order of the list depends on what the model met before; this order does not.
            actions.sort_by_cached_key(|action| Dice(preference ^ self.model.fingerprint(*action)).draw());
            let next = |action| self.model.next_state(state, action).map(|next| (action, next));
            if let Some(next) = actions.into_iter().find_map(next) {
                return Some(next);
            }
        }
        None
    }

    /// Whether an end can be reached by ordinary steps: at random if that is lucky, else by all ways.
    fn finds_an_end(&self, from: S::State, dice: &mut Dice) -> bool {
        let (mut state, mut actions) = (from, Vec::new());
        for _ in 0..STEPS_TO_END_MAX {
            if self.model.is_an_end(&state) {
                return true;
            }
            self.model.ordinary(&state, &mut actions);
            let mut next: Vec<_> = actions
                .drain(..)
                .filter_map(|action| Some((action, self.model.next_state(&state, action)?)))
                .collect();
            let whim = dice.draw();
            next.sort_by_cached_key(|(action, _)| Dice(whim ^ self.model.fingerprint(*action)).draw());
            let Some((_, first)) = next.first() else { break };
            state = *first;
        }
        let (mut seen, mut open) = (AHashSet::from([from]), vec![from]);
        while let Some(state) = open.pop() {
            if self.model.is_an_end(&state) {
                return true;
            }
            self.model.ordinary(&state, &mut actions);
            let next = actions.drain(..).filter_map(|action| self.model.next_state(&state, action));
            open.extend(next.filter(|next| seen.insert(*next)));
        }
        false
    }

    /// The story of what broke a property, without the steps that are not needed for it.
    fn broken(&self, property: &'static str, seed: u64, start: S::State, actions: &[S::Action]) -> Broken {
        let mut needed = actions.to_vec();
        let mut place = needed.len();
        while place > 0 {
            place -= 1;
            let mut fewer = needed.clone();
            fewer.remove(place);
            if let Some(steps) = self.steps_to(property, start, &fewer) {
                fewer.truncate(steps);
                needed = fewer;
                // What a step made possible may be needless without it.
                place = needed.len();
            }
        }
        let path = story::walk(self.model, start, &needed);
        Broken { property, seed, story: story::tell(self.model, &path) }
    }

    /// After how many of these steps the property is broken; `None` when it is not, or a step cannot
    /// happen.
    fn steps_to(&self, property: &str, start: S::State, actions: &[S::Action]) -> Option<usize> {
        let condition = self.properties.iter().find(|known| known.name == property)?.condition;
        let (mut state, mut possible) = (start, Vec::new());
        for (steps, action) in actions.iter().enumerate() {
            if !condition(self.model, &state) {
                return Some(steps);
            }
            self.model.actions(&state, &mut possible);
            possible.drain(..).find(|possible| possible == action)?;
            state = self.model.next_state(&state, *action)?;
        }
        (!condition(self.model, &state)).then_some(actions.len())
    }
}

fn is_sometimes<S: Saga>(property: &Property<S>) -> bool {
    matches!(property.expectation, Expectation::Sometimes)
}

/// How a walk goes: walks that are all alike would all see the same.
struct Mood {
    /// One step in so many is a disaster or somebody's wish, where one is possible.
    one_disaster_in: usize,
    /// One step in so many is a deadline or silence, where one is possible.
    one_timeout_in: usize,
    /// One step in so many is chosen anew; the others by a preference that stays, so that some
    /// deliveries wait for a long time.
    one_whim_in: usize,
    preference: u64,
}

impl Mood {
    fn of(dice: &mut Dice) -> Self {
        Self {
            one_disaster_in: [4, 16, 64][dice.below(3)],
            one_timeout_in: [2, 8, 32][dice.below(3)],
            one_whim_in: [1, 4, 16][dice.below(3)],
            preference: dice.draw(),
        }
    }
}

/// Random numbers: `SplitMix64` (Steele, Lea and Flood, 2014), of which every seed is a good one.
struct Dice(u64);

impl Dice {
    const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below that one, which is small.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.draw() % end as u64).unwrap_or_default()
    }
}
