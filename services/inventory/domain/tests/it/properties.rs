//! What holds for every sequence of inputs: the books balance, answers are given once, the end is
//! the end.

use std::collections::BTreeMap;

use inventory_domain::{Effect, Input, InventoryTimer, Movement, State, Stock};
use proptest::prelude::*;
use shared_events::{
    Event, EventType, ProductId, TimerChange,
    events::{
        fraud::Verdict,
        order::{InventoryReserveRequested, Line},
    },
};

use crate::{HOLD, decided, example, level, product, verdict};

const ORDERS: usize = 4;

/// Small figures, so that sequences collide: four products of which one does not exist.
fn any_input() -> impl Strategy<Value = Input> {
    let line = (1..=4_u64, 0..6_u32, prop_oneof![9 => Just(2499_i64), 1 => Just(1)]).prop_map(
        |(number, quantity, unit_price_minor)| Line {
            product_id: product(number),
            quantity,
            unit_price_minor,
        },
    );
    let currency = prop_oneof![15 => Just("USD"), 1 => Just("EUR")];
    let request = (prop::collection::vec(line, 0..4), currency).prop_map(|(items, currency)| {
        Input::Event(InventoryReserveRequested { items, currency: currency.parse().unwrap() }.into())
    });
    prop_oneof![
        6 => request,
        4 => Just(example(EventType::OrderConfirmed)),
        2 => Just(example(EventType::OrderCancelled)),
        2 => Just(example(EventType::OrderFailed)),
        2 => Just(example(EventType::PaymentFailed)),
        3 => Just(HOLD),
        2 => Just(verdict(Verdict::Review)),
        3 => prop::sample::select(EventType::ALL).prop_map(example),
    ]
}

fn opening() -> Stock {
    [(product(1), level(12, 0)), (product(2), level(7, 0)), (product(3), level(0, 0))].into_iter().collect()
}

/// Several orders over one stock, as the engine runs them.
struct World {
    stock: Stock,
    orders: Vec<State>,
    armed: [bool; ORDERS],
    said: Vec<Vec<EventType>>,
    questions: [u32; ORDERS],
}

impl World {
    fn new() -> Self {
        Self {
            stock: opening(),
            orders: vec![State::Unknown; ORDERS],
            armed: [false; ORDERS],
            said: vec![Vec::new(); ORDERS],
            questions: [0; ORDERS],
        }
    }

    fn step(&mut self, order: usize, input: &Input) {
        let before = self.orders[order].clone();
        if *input == HOLD {
            self.armed[order] = false;
        }
        let decision = decided(&self.stock, &before, input);
        assert_eq!(decision, decided(&self.stock, &before, input), "the same question, the same answer");
        if before.is_final() {
            assert_eq!(decision.state, before, "a final state never revives");
            assert!(decision.emit.is_empty() && decision.effects.is_empty() && decision.timers.is_empty());
        }
        if before != decision.state {
            assert_ne!(decision.state, State::Unknown, "nobody is forgotten");
        }
        for change in &decision.timers {
            self.armed[order] = matches!(change, TimerChange::Arm(InventoryTimer::Hold, _));
        }
        for event in &decision.emit {
            if let Event::InventoryHoldExpired(expired) = event {
                self.questions[order] += 1;
                assert_eq!(expired.asked, self.questions[order], "every question is a new one");
            }
            self.said[order].push(event.event_type());
        }
        for Effect::Stock(change) in &decision.effects {
            assert!(change.items.iter().all(|line| line.quantity > 0));
            assert!(change.movement != Movement::Return || matches!(before, State::Committed { .. }));
            self.stock.apply(change);
        }
        self.orders[order] = decision.state;
    }

    fn count(&self, order: usize, event_type: EventType) -> usize {
        self.said[order].iter().filter(|said| **said == event_type).count()
    }

    fn sum(&self, wanted: impl Fn(&State) -> bool) -> BTreeMap<ProductId, i64> {
        let mut sums = BTreeMap::new();
        for line in self.orders.iter().filter(|state| wanted(state)).flat_map(State::items) {
            *sums.entry(line.product_id).or_default() += i64::from(line.quantity);
        }
        sums
    }

    fn check(&self) {
        let held = self.sum(|state| matches!(state, State::Held { .. }));
        let committed = self.sum(|state| matches!(state, State::Committed { .. }));
        for (product, level) in self.stock.iter() {
            let at_start = opening().get(product).unwrap().on_hand;
            assert!(level.on_hand >= level.reserved && level.reserved >= 0, "invariant 1: {level:?}");
            assert_eq!(level.reserved, held.get(&product).copied().unwrap_or(0));
            assert_eq!(at_start, level.on_hand + committed.get(&product).copied().unwrap_or(0));
        }
        for (order, state) in self.orders.iter().enumerate() {
            let answers = self.count(order, EventType::InventoryReleased)
                + self.count(order, EventType::InventoryReserveFailed);
            assert_eq!(answers, usize::from(state.is_final()), "answered once, and only at the end");
            assert!(self.count(order, EventType::InventoryReserved) <= 1);
            assert_eq!(self.armed[order], matches!(state, State::Held { .. }), "a deadline while held");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_several_orders_the_books_balance_and_each_is_answered_once(
        inputs in prop::collection::vec((0..ORDERS, any_input()), 1..60)
    ) {
        let mut world = World::new();
        for (order, input) in &inputs {
            world.step(*order, input);
            world.check();
        }
    }

    #[test]
    fn every_input_is_decided_in_every_state_that_can_be_reached(
        inputs in prop::collection::vec(any_input(), 0..12)
    ) {
        let mut world = World::new();
        for input in &inputs {
            world.step(0, input);
        }
        for input in EventType::ALL.iter().map(|event_type| example(*event_type)).chain([
            HOLD,
            verdict(Verdict::Approve),
            verdict(Verdict::Reject),
        ]) {
            let mut branch = World {
                stock: world.stock.clone(),
                orders: world.orders.clone(),
                armed: world.armed,
                said: world.said.clone(),
                questions: world.questions,
            };
            branch.step(0, &input);
            branch.check();
        }
    }

    #[test]
    fn an_order_that_has_ended_holds_nothing_and_has_its_answer(
        before in prop::collection::vec(any_input(), 0..12),
        end in prop::sample::select(&[EventType::OrderCancelled, EventType::OrderFailed][..]),
        after in prop::collection::vec(any_input(), 0..12),
    ) {
        let mut world = World::new();
        for input in before.iter().chain([&example(end)]).chain(&after) {
            world.step(0, input);
        }
        prop_assert!(world.orders[0].is_final());
        let closing = usize::from(matches!(world.orders[0], State::Released { .. }));
        prop_assert_eq!(world.count(0, EventType::InventoryReleased), closing);
        prop_assert_eq!(&world.stock, &opening());
        prop_assert!(!world.armed[0]);
    }
}
