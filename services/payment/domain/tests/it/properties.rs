//! Whatever comes, in whatever order: decide is total, and what payment alone can promise holds.

use std::collections::BTreeSet;

use payment_domain::{Effect, Fate, FraudFallback, Input, PaymentTimer, Policy, State, Status, decide};
use proptest::prelude::*;
use shared_events::{Event, EventType, TimerChange};

use crate::support::*;

/// One payment with all that it has said and asked, to hold promises over its whole life.
#[derive(Default)]
struct Life {
    state: State,
    said: Vec<EventType>,
    charged: Vec<Effect>,
    void_asked: bool,
    armed: BTreeSet<&'static str>,
}

impl Life {
    fn take(&mut self, policy: &Policy, input: &Input) {
        let before = self.state.clone();
        if let Input::Timer(timer) = input {
            self.armed.remove(shared_events::Timer::name(*timer));
        }
        let decision = decide(policy, &before, input, at());
        assert_eq!(decision, decide(policy, &before, input, at()), "decide is a function");
        for change in &decision.timers {
            match change {
                TimerChange::Arm(timer, _) => self.armed.insert(shared_events::Timer::name(*timer)),
                TimerChange::Disarm(timer) => self.armed.remove(shared_events::Timer::name(*timer)),
            };
        }
        self.said.extend(decision.emit.iter().map(Event::event_type));
        for effect in &decision.effects {
            self.ask(effect, policy, &decision.state);
        }
        self.state = decision.state;
        self.money_is_right();
        self.nothing_revives(&before, input);
        self.answers_once();
        self.somebody_always_finds_out();
    }

    fn ask(&mut self, effect: &Effect, policy: &Policy, state: &State) {
        match effect {
            Effect::Charge { .. } => {
                assert!(!self.void_asked, "no charge after a void was asked for");
                assert!(state.dead.is_none(), "no charge for a dead order");
                self.charged.push(effect.clone());
                assert!(self.charged.len() <= usize::from(policy.charges_max));
                assert!(self.charged.iter().all(|one| one == effect), "always the same charge");
            }
            Effect::Void => self.void_asked = true,
            Effect::Status => {}
            Effect::Refund { amount } => {
                assert_eq!(state.fate, Fate::Captured);
                assert_eq!(amount.minor, state.captured_minor - state.refunded_minor);
                assert!(state.dead.is_some(), "only a dead order is refunded");
                assert!(self.said.contains(&EventType::PaymentProcessed), "a capture is reported first");
            }
        }
    }

    /// Invariant 2, and invariant 3 as far as payment alone can hold it.
    fn money_is_right(&self) {
        let state = &self.state;
        let total = state.amount().map_or(0, |amount| amount.minor);
        assert!(0 <= state.refunded_minor && state.refunded_minor <= state.captured_minor);
        assert!(state.captured_minor == 0 || state.captured_minor == total);
        match state.status {
            Status::Captured => assert_eq!((state.captured_minor, state.refunded_minor), (total, 0)),
            Status::Refunded => assert_eq!(state.captured_minor, state.refunded_minor),
            Status::Collecting
            | Status::Charging
            | Status::Unknown
            | Status::Voiding
            | Status::Unresolved
            | Status::Failed
            | Status::Voided => assert_eq!(state.captured_minor, 0),
            Status::Refunding | Status::RefundStuck => assert_eq!(state.refunded_minor, 0),
        }
    }

    fn nothing_revives(&self, before: &State, input: &Input) {
        if before.dead.is_some() {
            assert_eq!(self.state.dead, before.dead);
            assert_ne!(self.state.status, Status::Captured, "a dead order keeps no money");
        }
        match before.status {
            Status::Refunded => assert_eq!(&self.state, before),
            // Only money captured against the gateway's own word moves these, and only to its refund.
            Status::Failed | Status::Voided if &self.state != before => {
                assert_eq!(self.state.status, Status::Refunding);
                assert_eq!(input, &captured());
            }
            _ => {}
        }
    }

    /// Rule 3: each answer at most once, and never two that contradict each other.
    fn answers_once(&self) {
        use EventType::*;
        let count = |event_type| self.said.iter().filter(|said| **said == event_type).count();
        for event_type in self.said.iter().copied() {
            assert_eq!(count(event_type), 1, "{event_type} is said once: {:?}", self.said);
        }
        assert!(count(PaymentFailed) + count(PaymentVoided) <= 1);
        let position = |event_type| self.said.iter().position(|said| *said == event_type);
        if let Some(refunded) = position(PaymentRefunded) {
            assert!(position(PaymentProcessed).is_some_and(|processed| processed < refunded));
            assert!(position(PaymentRefundFailed).is_none_or(|interim| interim < refunded));
        }
    }

    /// A crash may lose any effect: whoever waits for the gateway has a timer that asks, and one that
    /// gives up. Whoever waits for nothing has none.
    fn somebody_always_finds_out(&self) {
        let armed = |timer| self.armed.contains(shared_events::Timer::name(timer));
        let (ask, give_up) = (armed(PaymentTimer::Ask), armed(PaymentTimer::GiveUp));
        match self.state.status {
            Status::Charging => assert!(ask),
            Status::Unknown | Status::Voiding | Status::Refunding => assert!(ask && give_up),
            Status::Collecting => assert!(!ask && !give_up),
            Status::Unresolved
            | Status::Captured
            | Status::Failed
            | Status::Voided
            | Status::RefundStuck
            | Status::Refunded => assert!(self.armed.is_empty(), "{:?}", self.armed),
        }
    }
}

fn policies() -> impl Strategy<Value = Policy> {
    let closed = Policy { fraud_fallback: FraudFallback::FailClosed, ..gate() };
    prop_oneof![Just(observe()), Just(gate()), Just(closed)]
}

/// All inputs alike, with those that lead somewhere more often, so that late states are reached.
fn inputs() -> impl Strategy<Value = Vec<Input>> {
    let facts = vec![event(EventType::OrderPlaced), event(EventType::InventoryReserved)];
    let ways = vec![silent(payment_domain::Asked::Charge), never_heard_of(), timer(PaymentTimer::Ask)];
    let one = prop_oneof![
        4 => prop::sample::select(all_inputs()),
        2 => prop::sample::select(facts),
        2 => prop::sample::select(ways),
    ];
    prop::collection::vec(one, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_promise_holds_for_every_sequence_of_inputs(policy in policies(), inputs in inputs()) {
        let mut life = Life::default();
        for input in &inputs {
            life.take(&policy, input);
        }
    }
}

#[test]
fn every_reachable_state_takes_every_input_and_every_status_is_reached() {
    let inputs = all_inputs();
    let mut reached = BTreeSet::new();
    for policy in [observe(), gate()] {
        // Breadth first over distinct states; the caps on counters keep the space finite.
        let mut seen = std::collections::HashSet::from([State::default()]);
        let mut frontier = vec![State::default()];
        for _ in 0..8 {
            let mut next_frontier = Vec::new();
            for state in &frontier {
                for input in &inputs {
                    let next = decide(&policy, state, input, at()).state;
                    reached.insert(next.status.as_str());
                    if seen.insert(next.clone()) {
                        next_frontier.push(next);
                    }
                }
            }
            frontier = next_frontier;
        }
        assert!(seen.len() > 500, "{} states", seen.len());
    }
    let all: BTreeSet<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
    assert_eq!(reached, all);
}
