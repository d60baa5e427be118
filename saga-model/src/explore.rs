//! Exploring: every state of a scenario, or the shortest way to a planted fault's damage.

use std::{
    collections::BTreeSet,
    thread::available_parallelism,
    time::{Duration, Instant},
};

use stateright::{Checker, Expectation, HasDiscoveries, Model, Path, Property};

use crate::{
    ends::{self, check_ends},
    model::{Action, SagaModel},
    mutants::Mutant,
    scenario::Scenario,
    story,
    world::World,
};

/// What the exploration of a scenario came to.
#[derive(Clone, Debug)]
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
}

/// Visits every state of a scenario.
#[must_use]
pub fn check(scenario: Scenario) -> Explored {
    let began = Instant::now();
    let model = SagaModel::new(scenario, None);
    // It does not end before the last state: properties that always hold are never "discovered".
    let checker = model.checker().threads(threads()).spawn_bfs().join();
    let mut findings = Vec::new();
    for property in checker.model().properties() {
        let path = checker.discovery(property.name);
        match (&property.expectation, path) {
            (Expectation::Always, Some(path)) => {
                findings.push(format!("broken: {}\n{}", property.name, told(checker.model(), path)));
            }
            (Expectation::Sometimes, None) => findings.push(format!("never reached: {}", property.name)),
            (Expectation::Always, None)
            | (Expectation::Sometimes, Some(_))
            | (Expectation::Eventually, _) => {}
        }
    }
    Explored {
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        took: began.elapsed(),
        findings,
    }
}

/// How a planted fault was caught.
#[derive(Clone, Debug)]
pub struct Caught {
    /// By which property.
    pub property: &'static str,
    /// In how many steps.
    pub steps: usize,
    /// The steps, for a replay.
    pub actions: Vec<Action>,
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
    if ends::PROPERTY.starts_with(mutant.breaks()) {
        let found = check_ends(scenario, Some(mutant)).err()?;
        return Some(Caught {
            property: ends::PROPERTY,
            steps: found.actions.len(),
            actions: found.actions,
            story: found.story,
            states: found.states,
            took: began.elapsed(),
        });
    }
    let mut visited = 0;
    // The checker keeps the last way it finds, not the first: it is sent a step further each time.
    for depth in 2.. {
        let model = SagaModel::new(scenario, Some(mutant));
        let breaks = |property: &&Property<SagaModel>| property.name.starts_with(mutant.breaks());
        let property = model.properties().iter().find(breaks)?.name;
        let enough = HasDiscoveries::AnyOf(BTreeSet::from([property]));
        let checker =
            model.checker().threads(1).target_max_depth(depth).finish_when(enough).spawn_bfs().join();
        if let Some(path) = checker.discovery(property) {
            let path = path.into_vec();
            return Some(Caught {
                property,
                steps: path.len() - 1,
                actions: path.iter().filter_map(|(_, action)| *action).collect(),
                story: story::tell(checker.model(), &path),
                states: checker.unique_state_count(),
                took: began.elapsed(),
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

fn told(model: &SagaModel, path: Path<World, Action>) -> String {
    story::tell(model, &path.into_vec())
}

fn threads() -> usize {
    available_parallelism().map_or(1, usize::from)
}
