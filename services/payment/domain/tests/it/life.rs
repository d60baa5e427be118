//! Whole lives: payment against a gateway that loses calls, with crashes, late answers and a death at
//! any moment. Every one of them ends, with the gateway's books and ours the same.

use std::collections::VecDeque;

use payment_domain::{Answer, Effect, Input, Opinion, PaymentTimer, State, Status, decide};
use proptest::prelude::*;
use shared_events::{Event, EventType, TimerChange};

use crate::support::*;
use crate::world::{Card, Gateway, Line};

/// What happens next; the script ends in clear lines and timers, so that every life ends.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The oldest effect that waits reaches the gateway, or does not.
    Call(Line),
    /// The newest one overtakes the others.
    Overtake(Line),
    /// The process dies: what was not sent is lost.
    Crash,
    /// The oldest answer on its way arrives; or, with `true`, twice.
    Arrive(bool),
    /// That timer fires, if it is armed.
    Fire(PaymentTimer),
    /// The order dies.
    Die,
}

struct Play {
    gateway: Gateway,
    state: State,
    effects: VecDeque<Effect>,
    answers: VecDeque<Answer>,
    armed: Vec<PaymentTimer>,
    said: Vec<EventType>,
}

impl Play {
    fn new(card: Card, refuses_refunds: bool) -> Self {
        let mut play = Self {
            gateway: Gateway::new(card, refuses_refunds),
            state: State::default(),
            effects: VecDeque::new(),
            answers: VecDeque::new(),
            armed: Vec::new(),
            said: Vec::new(),
        };
        play.take(&event(EventType::OrderPlaced));
        play.take(&event(EventType::InventoryReserved));
        play
    }

    fn take(&mut self, input: &Input) {
        let decision = decide(&observe(), &self.state, input, at());
        for change in decision.timers {
            match change {
                TimerChange::Arm(timer, _) => {
                    self.armed.retain(|armed| *armed != timer);
                    self.armed.push(timer);
                }
                TimerChange::Disarm(timer) => self.armed.retain(|armed| *armed != timer),
            }
        }
        self.said.extend(decision.emit.iter().map(Event::event_type));
        self.effects.extend(decision.effects);
        self.state = decision.state;
        self.what_was_said_is_true();
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Call(line) => {
                if let Some(effect) = self.effects.pop_front() {
                    self.answers.push_back(self.gateway.call(&effect, line));
                }
            }
            Step::Overtake(line) => {
                if let Some(effect) = self.effects.pop_back() {
                    self.answers.push_back(self.gateway.call(&effect, line));
                }
            }
            Step::Crash => {
                self.effects.clear();
                self.answers.clear();
            }
            Step::Arrive(twice) => {
                if let Some(answer) = self.answers.pop_front() {
                    self.take(&Input::Answer(answer.clone()));
                    if twice {
                        self.answers.push_back(answer);
                    }
                }
            }
            Step::Fire(timer) => {
                if self.armed.contains(&timer) {
                    self.armed.retain(|armed| *armed != timer);
                    self.take(&Input::Timer(timer));
                }
            }
            Step::Die => self.take(&event(EventType::OrderCancelled)),
        }
        assert!(self.gateway.captures <= 1, "never two charges (invariant 5)");
        assert!(self.gateway.refunds <= self.gateway.captures);
    }

    /// `payment.failed` and `payment.voided` promise that nothing is captured and nothing will be:
    /// whatever is still on its way to the gateway must find the key decided.
    fn what_was_said_is_true(&self) {
        let promised = matches!(self.state.status, Status::Failed | Status::Voided);
        if promised && self.state.charges_sent > 0 {
            assert_eq!(self.gateway.captures, 0);
            assert!(!self.gateway.can_still_capture(), "said too early: {:?}", self.said);
        }
    }

    /// The gateway is well again and time passes. A person helps where payment asked for one.
    fn settle(&mut self) {
        for _ in 0..50 {
            while !self.effects.is_empty() || !self.answers.is_empty() {
                self.step(Step::Call(Line::Clear));
                self.step(Step::Arrive(false));
            }
            if self.armed.contains(&PaymentTimer::Ask) {
                self.step(Step::Fire(PaymentTimer::Ask));
            } else if self.state.status == Status::Unresolved {
                self.take(&resolve(false));
            } else {
                return;
            }
        }
        panic!("does not settle: {:?}", self.state);
    }
}

fn line() -> impl Strategy<Value = Line> {
    prop_oneof![Just(Line::Clear), Just(Line::QuestionLost), Just(Line::AnswerLost), Just(Line::ServerError)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => line().prop_map(Step::Call),
        1 => line().prop_map(Step::Overtake),
        1 => Just(Step::Crash),
        4 => any::<bool>().prop_map(Step::Arrive),
        4 => Just(Step::Fire(PaymentTimer::Ask)),
        1 => Just(Step::Fire(PaymentTimer::GiveUp)),
        1 => Just(Step::Die),
    ]
}

fn card() -> impl Strategy<Value = Card> {
    prop_oneof![2 => Just(Card::Good), 1 => Just(Card::Declined)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_life_ends_with_both_books_the_same(
        card in card(),
        refuses in any::<bool>(),
        script in prop::collection::vec(step(), 0..40),
        dies_at_last in any::<bool>(),
    ) {
        let mut play = Play::new(card, refuses);
        for one in script {
            play.step(one);
        }
        play.settle();
        if dies_at_last {
            play.step(Step::Die);
            play.settle();
        }
        let (state, gateway) = (&play.state, &play.gateway);
        prop_assert_eq!(state.captured_minor, i64::from(gateway.captures) * TOTAL);
        if state.status == Status::RefundStuck {
            // An hour of silence may end here although the money went back; a person's retry finds out.
            play.take(&retry_refund());
            play.settle();
        }
        let (state, gateway) = (&play.state, &play.gateway);
        prop_assert_eq!(state.refunded_minor, i64::from(gateway.refunds) * TOTAL);
        prop_assert!(!state.status.is_in_flight());
        match state.dead {
            None => prop_assert!(matches!(state.status, Status::Captured | Status::Failed)),
            Some(_) => prop_assert!(matches!(
                state.status,
                Status::Voided | Status::Failed | Status::Refunded | Status::RefundStuck
            )),
        }
        if state.status == Status::RefundStuck {
            prop_assert!(refuses, "only a gateway that refuses leaves a debt");
        }
    }
}

#[test]
fn a_gateway_that_never_hears_of_the_charge_ends_in_gateway_timeout() {
    let mut play = Play::new(Card::Good, false);
    for _ in 0..3 {
        play.step(Step::Call(Line::QuestionLost));
        play.step(Step::Arrive(false));
        play.step(Step::Fire(PaymentTimer::Ask));
        play.step(Step::Call(Line::Clear));
        play.step(Step::Arrive(false));
    }
    assert_eq!(play.state.status, Status::Voiding);
    play.settle();
    assert_eq!(play.said, [EventType::PaymentRequested, EventType::PaymentFailed]);
    assert_eq!(play.state.failure.as_ref().unwrap().code, "gateway_timeout");
    assert_eq!(play.gateway.captures, 0);
}

#[test]
fn a_capture_whose_answer_was_lost_is_found_out_and_charged_once() {
    let mut play = Play::new(Card::Good, false);
    play.step(Step::Call(Line::AnswerLost));
    play.step(Step::Arrive(false));
    play.settle();
    assert_eq!(play.said, [EventType::PaymentRequested, EventType::PaymentProcessed]);
    assert_eq!((play.state.status, play.gateway.captures), (Status::Captured, 1));
    assert_eq!(play.state.fraud, Opinion::Unheard);
}

#[test]
fn two_server_errors_and_then_a_success_charge_once() {
    let mut play = Play::new(Card::Good, false);
    for _ in 0..2 {
        play.step(Step::Call(Line::ServerError));
        play.step(Step::Arrive(false));
        play.step(Step::Fire(PaymentTimer::Ask));
        play.step(Step::Call(Line::Clear));
        play.step(Step::Arrive(false));
    }
    play.settle();
    assert_eq!((play.state.status, play.gateway.captures), (Status::Captured, 1));
    assert_eq!(play.state.charges_sent, 3);
}
