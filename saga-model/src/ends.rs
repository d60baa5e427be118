//! Whether the end can be reached from everywhere: the strong form of invariant 8.
//!
//! A saga may go round in circles for as long as the gateway stays silent. It must never be in a
//! circle that has no way out. The checker's own properties look at one state at a time; this looks
//! at the whole graph, backwards from all the ends.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use stateright::Model;

use crate::{
    model::{Action, SagaModel},
    mutants::Mutant,
    properties,
    scenario::Scenario,
    story,
    world::World,
};

/// The name of what is looked at here, in the manner of the properties.
pub const PROPERTY: &str = "8d: from every state, the end can be reached without an operator";

/// The way to a state from which no end can be reached.
#[derive(Clone, Debug)]
pub struct NoWayOut {
    /// The steps to it.
    pub actions: Vec<Action>,
    /// The steps, in words.
    pub story: String,
    /// How many states have been visited.
    pub states: usize,
    /// From how many of them no end can be reached.
    pub without_end: usize,
}

/// All states of a scenario, each by its number in the order of their discovery.
#[derive(Default)]
struct Graph {
    numbers: HashMap<u64, u32>,
    /// From where, and by which step, a state was reached first.
    came: Vec<Option<(u32, Action)>>,
    /// Steps that need no customer, no operator and no disaster, as (to, from).
    back: Vec<(u32, u32)>,
    ends: Vec<u32>,
}

/// Visits every state of a scenario and looks for the first from which no end can be reached.
///
/// # Errors
/// The shortest way to such a state.
pub fn check_ends(scenario: Scenario, mutant: Option<Mutant>) -> Result<usize, NoWayOut> {
    let model = SagaModel::new(scenario, mutant);
    let mut graph = explore(&model);
    let reached = graph.backwards();
    let states = reached.len();
    let Some(first) = reached.iter().position(|reached| !reached) else { return Ok(states) };
    let (starts, actions) = graph.way_to(first);
    let path = walk(&model, starts, &actions);
    Err(NoWayOut {
        story: story::tell(&model, &path),
        actions,
        states,
        without_end: reached.iter().filter(|reached| !**reached).count(),
    })
}

fn explore(model: &SagaModel) -> Graph {
    let mut graph = Graph::default();
    let mut open = VecDeque::new();
    for world in model.init_states() {
        graph.number(&world, None, &mut open);
    }
    let (mut ordinary, mut others) = (Vec::new(), Vec::new());
    while let Some((from, world)) = open.pop_front() {
        model.ordinary(&world, &mut ordinary);
        model.extraordinary(&world, &mut others);
        for action in ordinary.drain(..) {
            if let Some(next) = model.next_state(&world, action) {
                let to = graph.number(&next, Some((from, action)), &mut open);
                graph.back.push((to, from));
            }
        }
        for action in others.drain(..) {
            if let Some(next) = model.next_state(&world, action) {
                graph.number(&next, Some((from, action)), &mut open);
            }
        }
    }
    graph
}

impl Graph {
    fn number(
        &mut self,
        world: &World,
        came: Option<(u32, Action)>,
        open: &mut VecDeque<(u32, World)>,
    ) -> u32 {
        let mut hasher = DefaultHasher::new();
        world.hash(&mut hasher);
        let next = u32::try_from(self.came.len()).expect("fewer than four billion states fit into memory");
        let number = *self.numbers.entry(hasher.finish()).or_insert(next);
        if number == next {
            self.came.push(came);
            open.push_back((number, *world));
            if properties::is_an_end(world) {
                self.ends.push(number);
            }
        }
        number
    }

    /// For each state, whether an end can be reached from it.
    fn backwards(&mut self) -> Vec<bool> {
        self.back.sort_unstable();
        let mut reached = vec![false; self.came.len()];
        let mut open = std::mem::take(&mut self.ends);
        while let Some(state) = open.pop() {
            if std::mem::replace(&mut reached[state as usize], true) {
                continue;
            }
            let first = self.back.partition_point(|(to, _)| *to < state);
            let before = self.back[first..].iter().take_while(|(to, _)| *to == state);
            open.extend(before.map(|(_, from)| *from));
        }
        reached
    }

    /// With which initial state the shortest way to a state begins, and its steps.
    fn way_to(&self, state: usize) -> (usize, Vec<Action>) {
        let (mut at, mut actions) = (state, Vec::new());
        while let Some((from, action)) = self.came[at] {
            actions.push(action);
            at = from as usize;
        }
        actions.reverse();
        (at, actions)
    }
}

fn walk(model: &SagaModel, start: usize, actions: &[Action]) -> Vec<(World, Option<Action>)> {
    let mut world = model.init_states()[start];
    let mut path = Vec::new();
    for action in actions {
        path.push((world, Some(*action)));
        world = model.next_state(&world, *action).unwrap_or(world);
    }
    path.push((world, None));
    path
}
