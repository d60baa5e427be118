//! Two orders for the last piece: each with everything that can happen to one order, both with the
//! one shelf.
//!
//! As in the stores, all of an order's rows are its own but one: the stock, which every decision of
//! inventory reads and writes under a lock.

use stateright::{Model, Property};

use crate::{
    cast::Seat,
    model::{Action, SagaModel},
    mutants::Mutant,
    properties,
    saga::Saga,
    scenario::Scenario,
    set::Listed,
    world::World,
};

/// Two orders and everything that may happen to them in one scenario.
pub struct PairModel {
    pub(crate) each: SagaModel,
}

/// Where both orders stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pair {
    /// Each order's own part. What is left of the scenario's budget is both orders' together, and so
    /// are the figures of the shelf.
    pub orders: [World; 2],
}

/// What happens to which of the two, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// To this one.
    pub order: u8,
    /// This.
    pub action: Action,
}

impl PairModel {
    /// A scenario, with one planted fault or none.
    #[must_use]
    pub fn new(scenario: Scenario, mutant: Option<Mutant>) -> Self {
        Self { each: SagaModel::new(scenario, mutant) }
    }

    fn offer(
        &self,
        pair: &Pair,
        steps: &mut Vec<Step>,
        of_one: impl Fn(&SagaModel, &World, &mut Vec<Action>),
    ) {
        let mut actions = Vec::new();
        for (order, world) in (0..).zip(&pair.orders) {
            of_one(&self.each, world, &mut actions);
            let may = |action: &Action| order == 0 || !self.would_overtake(pair, *action);
            steps.extend(actions.drain(..).filter(may).map(|action| Step { order, action }));
        }
    }

    /// Of two equal orders, the first is the one whose request reaches inventory first.
    fn would_overtake(&self, pair: &Pair, action: Action) -> bool {
        use shared_events::EventType::InventoryReserveRequested as Request;
        let is_request = |number| self.each.events.event_type(number) == Request;
        let requested = matches!(action, Action::Deliver(Seat::Inventory, number) if is_request(number));
        requested && pair.orders[0].chair(Seat::Inventory).due.iter().any(is_request)
    }
}

impl Model for PairModel {
    type State = Pair;
    type Action = Step;

    fn init_states(&self) -> Vec<Pair> {
        let worlds = self.each.init_states().into_iter();
        worlds.filter(|world| world.stock.initial == 1).map(|world| Pair { orders: [world; 2] }).collect()
    }

    fn actions(&self, pair: &Pair, steps: &mut Vec<Step>) {
        self.ordinary(pair, steps);
        self.extraordinary(pair, steps);
    }

    fn next_state(&self, before: &Pair, step: Step) -> Option<Pair> {
        let mut pair = *before;
        let [first, second] = &mut pair.orders;
        let (one, other) = if step.order == 0 { (first, second) } else { (second, first) };
        *one = self.each.next_state(one, step.action)?;
        other.budget = one.budget;
        let inventory = Seat::Inventory.place();
        if one.stock != before.orders[usize::from(step.order)].stock {
            self.each.share(one.chairs[inventory].state, other);
        }
        Some(pair)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of_pair(self.each.mutant.is_some())
    }
}

impl Saga for PairModel {
    fn ordinary(&self, pair: &Pair, steps: &mut Vec<Step>) {
        self.offer(pair, steps, SagaModel::ordinary);
    }

    fn extraordinary(&self, pair: &Pair, steps: &mut Vec<Step>) {
        self.offer(pair, steps, SagaModel::extraordinary);
    }

    fn is_an_end(&self, pair: &Pair) -> bool {
        pair.orders.iter().all(|world| self.each.is_an_end(world))
    }

    fn is_impatient(&self, step: Step) -> bool {
        self.each.is_impatient(step.action)
    }

    fn fingerprint(&self, step: Step) -> u64 {
        self.each.fingerprint(step.action).rotate_left(u32::from(step.order))
    }

    fn line(&self, pair: &Pair, step: Step) -> String {
        let line = self.each.line(&pair.orders[usize::from(step.order)], step.action);
        format!("{}: {line}", NAMES[usize::from(step.order)])
    }

    fn standing(&self, pair: &Pair) -> String {
        let told = NAMES.iter().zip(&pair.orders);
        told.map(|(name, world)| format!("{name}: {}", self.each.standing(world)))
            .collect::<Vec<_>>()
            .join("\n           ")
    }
}

/// What the stories call the two.
const NAMES: [&str; 2] = ["A", "B"];
