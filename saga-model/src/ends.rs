//! Whether the end can be reached from everywhere: the strong form of invariant 8.
//!
//! A saga may go round in circles for as long as the gateway stays silent. It must never be in a
//! circle that has no way out. The checker's own properties look at one state at a time; this looks
//! at the whole graph, backwards from all the ends.

use std::collections::VecDeque;

use ahash::{AHashMap, RandomState};

use crate::{saga::Saga, story};

/// The name of what is looked at here, in the manner of the properties.
pub const PROPERTY: &str = "8d: from every state, the end can be reached without an operator";

/// The way to a state from which no end can be reached.
#[derive(Clone, Debug)]
pub struct NoWayOut {
    /// How many steps lead to it.
    pub steps: usize,
    /// The steps, in words.
    pub story: String,
    /// How many states have been visited.
    pub states: usize,
    /// From how many of them no end can be reached.
    pub without_end: usize,
}

/// All states of a model, each by its number in the order of their discovery.
struct Graph<A> {
    hasher: RandomState,
    numbers: AHashMap<u64, u32>,
    /// From where, and by which step, a state was reached first.
    came: Vec<Option<(u32, A)>>,
    /// Steps that need no customer, no operator and no disaster, as (to, from).
    back: Vec<(u32, u32)>,
    ends: Vec<u32>,
}

/// Visits every state of a model and looks for the first from which no end can be reached.
///
/// # Errors
/// The shortest way to such a state.
pub(crate) fn check_model<S: Saga>(model: &S) -> Result<usize, NoWayOut> {
    let mut graph = explore(model);
    let reached = graph.backwards();
    let states = reached.len();
    let Some(first) = reached.iter().position(|reached| !reached) else { return Ok(states) };
    let (start, actions) = graph.way_to(first);
    let path = story::walk(model, model.init_states()[start], &actions);
    Err(NoWayOut {
        steps: actions.len(),
        story: story::tell(model, &path),
        states,
        without_end: reached.iter().filter(|reached| !**reached).count(),
    })
}

fn explore<S: Saga>(model: &S) -> Graph<S::Action> {
    let mut graph = Graph {
        hasher: RandomState::with_seeds(1, 2, 3, 4),
        numbers: AHashMap::new(),
        came: Vec::new(),
        back: Vec::new(),
        ends: Vec::new(),
    };
    let mut open = VecDeque::new();
    for state in model.init_states() {
        graph.number(model, &state, None, &mut open);
    }
    let (mut ordinary, mut others) = (Vec::new(), Vec::new());
    while let Some((from, state)) = open.pop_front() {
        model.ordinary(&state, &mut ordinary);
        model.extraordinary(&state, &mut others);
        for action in ordinary.drain(..) {
            if let Some(next) = model.next_state(&state, action) {
                let to = graph.number(model, &next, Some((from, action)), &mut open);
                graph.back.push((to, from));
            }
        }
        for action in others.drain(..) {
            if let Some(next) = model.next_state(&state, action) {
                graph.number(model, &next, Some((from, action)), &mut open);
            }
        }
    }
    graph
}

impl<A: Copy> Graph<A> {
    fn number<S: Saga<Action = A>>(
        &mut self,
        model: &S,
        state: &S::State,
        came: Option<(u32, A)>,
        open: &mut VecDeque<(u32, S::State)>,
    ) -> u32 {
        let next = u32::try_from(self.came.len()).expect("fewer than four billion states fit into memory");
        let number = *self.numbers.entry(self.hasher.hash_one(state)).or_insert(next);
        if number == next {
            self.came.push(came);
            open.push_back((number, *state));
            if model.is_an_end(state) {
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
    fn way_to(&self, state: usize) -> (usize, Vec<A>) {
        let (mut at, mut actions) = (state, Vec::new());
        while let Some((from, action)) = self.came[at] {
            actions.push(action);
            at = from as usize;
        }
        actions.reverse();
        (at, actions)
    }
}
