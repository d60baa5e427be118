//! Exploring: every state of a scenario, or the shortest way to a planted fault's damage.

use std::{
    collections::BTreeSet,
    thread::available_parallelism,
    time::{Duration, Instant},
};

use ahash::{AHashSet, RandomState};
use stateright::{Checker, Expectation, HasDiscoveries, Property};

use crate::{
    ends::{self, NoWayOut},
    model::SagaModel,
    mutants::Mutant,
    pair::PairModel,
    saga::Saga,
    scenario::Scenario,
    story,
};

/// What the exploration of a scenario came to.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// Different states.
    pub states: usize,
    /// How many steps the farthest state was away when it was found. Several threads find it by
    /// different ways, so the number varies by a few.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// Broken properties, each with its story; and properties never reached.
    pub findings: Vec<String>,
    /// What held in every state.
    pub held: Vec<&'static str>,
    /// What must be possible, and is.
    pub reached: Vec<&'static str>,
}

/// Visits every state of a scenario, with one planted fault or none.
#[must_use]
pub fn check(scenario: Scenario, mutant: Option<Mutant>) -> Explored {
    if scenario.two_orders {
        check_model(PairModel::new(scenario, mutant))
    } else {
        check_model(SagaModel::new(scenario, mutant))
    }
}

/// Visits so many states of a scenario, the nearest first. `depth` is then the number of steps up to
/// which every state was visited. What is possible only farther away is no finding.
#[must_use]
pub fn check_nearest(scenario: Scenario, states: usize) -> Explored {
    if scenario.two_orders {
        check_nearest_of(states, || PairModel::new(scenario, None))
    } else {
        check_nearest_of(states, || SagaModel::new(scenario, None))
    }
}

/// Visits every state of a scenario and looks for the first from which no end can be reached.
///
/// # Errors
/// The shortest way to such a state.
pub fn check_ends(scenario: Scenario, mutant: Option<Mutant>) -> Result<usize, NoWayOut> {
    if scenario.two_orders {
        ends::check_model(&PairModel::new(scenario, mutant))
    } else {
        ends::check_model(&SagaModel::new(scenario, mutant))
    }
}

fn check_model<S: Saga>(model: S) -> Explored {
    let began = Instant::now();
    // It does not end before the last state: properties that always hold are never "discovered".
    let checker = model.checker().threads(threads()).spawn_bfs().join();
    let mut explored = Explored {
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        took: began.elapsed(),
        ..Explored::default()
    };
    for property in checker.model().properties() {
        let path = checker.discovery(property.name);
        match (&property.expectation, path) {
            (Expectation::Always, Some(path)) => {
                let story = story::tell(checker.model(), &path.into_vec());
                explored.findings.push(format!("broken: {}\n{story}", property.name));
            }
            (Expectation::Sometimes, None) => {
                explored.findings.push(format!("never reached: {}", property.name));
            }
            (Expectation::Always, None) => explored.held.push(property.name),
            (Expectation::Sometimes, Some(_)) => explored.reached.push(property.name),
            (Expectation::Eventually, _) => {}
        }
    }
    explored
}

/// Step by step, since the checker itself cannot say up to which depth it has seen everything.
fn check_nearest_of<S: Saga>(states_max: usize, model_of: impl Fn() -> S) -> Explored {
    let (began, model, hasher) = (Instant::now(), model_of(), RandomState::with_seeds(1, 2, 3, 4));
    let always = |property: &Property<S>| matches!(property.expectation, Expectation::Always);
    let properties: Vec<_> = model.properties().into_iter().filter(always).collect();
    let (mut explored, mut broken) = (Explored::default(), BTreeSet::new());
    let (mut level, mut next, mut actions) = (model.init_states(), Vec::new(), Vec::new());
    let mut seen: AHashSet<u64> = level.iter().map(|state| hasher.hash_one(state)).collect();
    while broken.is_empty() && !level.is_empty() {
        for state in level.drain(..) {
            if explored.states == states_max {
                break;
            }
            explored.states += 1;
            let breaks = |property: &&Property<S>| !(property.condition)(&model, &state);
            broken.extend(properties.iter().filter(breaks).map(|property| property.name));
            model.actions(&state, &mut actions);
            let after = actions.drain(..).filter_map(|action| model.next_state(&state, action));
            next.extend(after.filter(|after| seen.insert(hasher.hash_one(after))));
        }
        if explored.states == states_max {
            break;
        }
        explored.depth += 1;
        std::mem::swap(&mut level, &mut next);
    }
    // The last level that was entered was not finished, or is empty.
    explored.depth = explored.depth.saturating_sub(1);
    explored.findings = (broken.into_iter().filter_map(|property| hunt_in(property, &model_of)))
        .map(|caught| format!("broken: {}\n{}", caught.property, caught.story))
        .collect();
    explored.took = began.elapsed();
    explored
}

/// How a planted fault was caught.
#[derive(Clone, Debug)]
pub struct Caught {
    /// By which property.
    pub property: &'static str,
    /// In how many steps.
    pub steps: usize,
    /// The steps, in words.
    pub story: String,
    /// How many states were visited.
    pub states: usize,
    /// How long it took.
    pub took: Duration,
}

/// Looks for the shortest way in which a planted fault breaks the property that must catch it;
/// `None` when every state was visited in vain.
#[must_use]
pub fn hunt(mutant: Mutant, scenario: Scenario) -> Option<Caught> {
    let began = Instant::now();
    let mut caught = if ends::PROPERTY.starts_with(mutant.breaks()) {
        let NoWayOut { steps, story, states, .. } = check_ends(scenario, Some(mutant)).err()?;
        Caught { property: ends::PROPERTY, steps, story, states, took: Duration::ZERO }
    } else if scenario.two_orders {
        hunt_in(mutant.breaks(), || PairModel::new(scenario, Some(mutant)))?
    } else {
        hunt_in(mutant.breaks(), || SagaModel::new(scenario, Some(mutant)))?
    };
    caught.took = began.elapsed();
    Some(caught)
}

fn hunt_in<S: Saga>(breaks: &str, model: impl Fn() -> S) -> Option<Caught> {
    let mut visited = 0;
    // The checker keeps the last way it finds, not the first: it is sent a step further each time.
    for depth in 2.. {
        let model = model();
        let property = model.properties().iter().find(|property| property.name.starts_with(breaks))?.name;
        let enough = HasDiscoveries::AnyOf(BTreeSet::from([property]));
        let checker =
            model.checker().threads(1).target_max_depth(depth).finish_when(enough).spawn_bfs().join();
        if let Some(path) = checker.discovery(property) {
            let path = path.into_vec();
            return Some(Caught {
                property,
                steps: path.len() - 1,
                story: story::tell(checker.model(), &path),
                states: checker.unique_state_count(),
                took: Duration::ZERO,
            });
        }
        let all = checker.unique_state_count();
        if all == visited {
            return None;
        }
        visited = all;
    }
    None
}

fn threads() -> usize {
    available_parallelism().map_or(1, usize::from)
}
