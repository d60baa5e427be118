//! Shipping against a carrier that loses questions and answers: in the end both say the same.

use proptest::prelude::*;
use shared_events::{EventType, TimerChange};
use shipping_domain::{Command, Effect, Input, Reply, ShipmentTimer, State, Status};

use crate::world::*;

/// What the carrier knows of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Unknown,
    Booked,
    Refused,
    Cancelled,
    Dispatched,
    Delivered,
}

/// What becomes of one call.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Answered,
    /// It had its effect, and the answer was lost; we notice.
    AnswerLost,
    /// It never got there; we notice.
    CallLost,
    /// We crash after the commit: it never got there, and nobody notices.
    Crash,
    /// The answer comes after the next call's.
    Late,
}

struct Game {
    key: Key,
    refuses: bool,
    state: State,
    armed: Vec<ShipmentTimer>,
    calls: Vec<Effect>,
    late: Vec<Input>,
}

impl Game {
    fn new(refuses: bool) -> Self {
        Self {
            key: Key::Unknown,
            refuses,
            state: State::default(),
            armed: Vec::new(),
            calls: Vec::new(),
            late: Vec::new(),
        }
    }

    fn feed(&mut self, input: &Input) {
        let decision = step(&self.state, input);
        assert!(decision.alarm.is_none() || *input == Input::Timer(ShipmentTimer::GiveUp), "{decision:?}");
        for change in decision.timers {
            let (TimerChange::Arm(timer, _) | TimerChange::Disarm(timer)) = change;
            self.armed.retain(|armed| *armed != timer);
            if let TimerChange::Arm(timer, _) = change {
                self.armed.push(timer);
            }
        }
        self.calls.extend(decision.effects);
        self.state = decision.state;
    }

    fn fire(&mut self, which: usize) {
        if !self.armed.is_empty() {
            let timer = self.armed.remove(which % self.armed.len());
            self.feed(&Input::Timer(timer));
        }
    }

    /// The carrier's own rule: what is decided under a key stays decided.
    fn carrier(&mut self, call: &Effect) -> Input {
        self.key = match (call, self.key) {
            (Effect::Book(_), Key::Unknown) if self.refuses => Key::Refused,
            (Effect::Book(_), Key::Unknown) => Key::Booked,
            (Effect::Cancel, Key::Unknown | Key::Booked) => Key::Cancelled,
            (Effect::Book(_) | Effect::Cancel | Effect::Status, known) => known,
        };
        let booking = matches!(call, Effect::Book(_));
        match self.key {
            Key::Unknown => NEVER_HEARD_OF,
            Key::Booked => booked(),
            Key::Refused => refused(),
            Key::Cancelled => CANCELLED,
            // A repeated booking gets the first one's answer.
            Key::Dispatched | Key::Delivered if booking => booked(),
            Key::Dispatched => dispatched(),
            Key::Delivered => delivered(),
        }
    }

    fn perform(&mut self, fate: Fate) {
        if self.calls.is_empty() {
            return;
        }
        let call = self.calls.remove(0);
        let overdue = std::mem::take(&mut self.late);
        match fate {
            Fate::Answered => {
                let answer = self.carrier(&call);
                self.feed(&answer);
            }
            Fate::AnswerLost => {
                self.carrier(&call);
                self.feed(&no_answer());
            }
            Fate::CallLost => self.feed(&no_answer()),
            Fate::Crash => {}
            Fate::Late => {
                let answer = self.carrier(&call);
                self.late.push(answer);
            }
        }
        for answer in overdue {
            self.feed(&answer);
        }
    }

    /// The carrier's clock; its report may be refused for now, or lost.
    fn clock(&mut self, reported: bool) {
        let report = match self.key {
            Key::Booked => (Key::Dispatched, Command::Dispatch),
            Key::Dispatched => (Key::Delivered, Command::Deliver),
            Key::Unknown | Key::Refused | Key::Cancelled | Key::Delivered => return,
        };
        self.key = report.0;
        if reported {
            self.feed(&Input::Command(report.1));
        }
    }

    /// From now on the carrier answers; everything that is still to come comes.
    fn settle(&mut self) {
        for round in 0..64 {
            while !self.calls.is_empty() || !self.late.is_empty() {
                if self.calls.is_empty() {
                    let answer = self.late.remove(0);
                    self.feed(&answer);
                }
                self.perform(Fate::Answered);
            }
            if self.state.status.is_final() || self.state.status == Status::Unknown {
                return;
            }
            self.clock(round % 2 == 0);
            if self.state.status.is_final() {
                return;
            }
            // The deadline of an hour is far away when the carrier answers.
            let next = self.armed.iter().position(|timer| *timer != ShipmentTimer::GiveUp);
            self.fire(next.expect("a waiting state has a timer that asks"));
        }
        panic!("never settles: {:?}, the carrier says {:?}", self.state, self.key);
    }
}

#[derive(Clone, Debug)]
enum Move {
    Say(EventType),
    Call(Fate),
    Fire(usize),
    Clock(bool),
}

fn any_move() -> impl Strategy<Value = Move> {
    let fates = [Fate::Answered, Fate::AnswerLost, Fate::CallLost, Fate::Crash, Fate::Late];
    // `order.failed` after the confirmation cannot happen to a living shipment, so it stays out.
    prop_oneof![
        1 => prop::sample::select(vec![CONFIRMED, CANCEL]).prop_map(Move::Say),
        4 => prop::sample::select(fates.to_vec()).prop_map(Move::Call),
        3 => any::<usize>().prop_map(Move::Fire),
        1 => any::<bool>().prop_map(Move::Clock),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_lost_late_or_crashed_both_end_with_the_same_word(
        refuses in prop::bool::weighted(0.2),
        moves in prop::collection::vec(any_move(), 0..32),
    ) {
        let mut game = Game::new(refuses);
        game.feed(&said(CONFIRMED));
        for next in moves {
            match next {
                Move::Say(event_type) => game.feed(&said(event_type)),
                Move::Call(fate) => game.perform(fate),
                Move::Fire(which) => game.fire(which),
                Move::Clock(reported) => game.clock(reported),
            }
        }
        game.settle();
        let agreed = match game.state.status {
            Status::Delivered => game.key == Key::Delivered,
            Status::Cancelled => game.key == Key::Cancelled,
            Status::Failed => matches!(game.key, Key::Refused | Key::Cancelled),
            Status::Unknown | Status::Booking | Status::Scheduled | Status::Dispatched | Status::Cancelling => false,
        };
        prop_assert!(agreed, "we say {:?}, the carrier says {:?}", game.state, game.key);
    }
}

#[test]
fn a_reply_names_itself_in_the_saga_log() {
    assert_eq!(booked().name(), "carrier:booked");
    assert_eq!(Input::Reply(Reply::NeverHeardOf).name(), "carrier:never_heard_of");
    assert_eq!(Input::Timer(ShipmentTimer::GiveUp).name(), "timer:give_up");
    assert_eq!(DISPATCH.name(), "command:dispatch");
    assert_eq!(said(CONFIRMED).name(), "order.confirmed");
}
