//! Properties: whatever the order of arrival and however often, the same messages go out once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use notification_service::{
    Delivery, Input, NotificationTimer, Post,
    state::{State, Status},
};
use proptest::prelude::*;
use shared_events::{Event, TimerChange};
use uuid::Uuid;

use crate::world::*;

/// A service without its chassis: a state, what it said and what it wants to send.
#[derive(Default)]
struct Played {
    state: State,
    posts: Vec<Post>,
    said: Vec<Event>,
    armed: BTreeSet<&'static str>,
    /// Messages that were given up for want of a recipient and got one later: spoken of once more.
    revived: usize,
}

impl Played {
    fn take(&mut self, input: &Input, at: chrono::DateTime<chrono::Utc>) {
        if let Input::Timer(timer) = input {
            self.armed.remove(shared_events::Timer::name(*timer));
        }
        let decision = step_at(&self.state, input, at);
        let (before, after) = (&self.state.messages, &decision.state.messages);
        let nobody = before.iter().zip(after).filter(|(message, _)| message.recipient.is_none());
        self.revived += nobody.filter(|(_, message)| message.recipient.is_some()).count();
        assert!(!decision.note.is_empty(), "{input:?}");
        self.posts.extend(posts(&decision));
        for change in &decision.timers {
            match change {
                TimerChange::Arm(timer, _) => self.armed.insert(shared_events::Timer::name(*timer)),
                TimerChange::Disarm(timer) => self.armed.remove(shared_events::Timer::name(*timer)),
            };
        }
        self.said.extend(decision.emit);
        self.state = decision.state;
        self.holds();
    }

    /// What is true after every step.
    fn holds(&self) {
        let queued = self.state.messages.iter().filter(|message| message.status == Status::Queued);
        for message in queued.clone() {
            assert!(message.due_at.is_some() && message.attempts <= 10, "{message:?}");
        }
        let finals = self.state.messages.len() - queued.count();
        assert_eq!(self.said.len(), finals + self.revived, "each message that is over was spoken of once");
        assert_eq!(self.armed.contains("send"), finals < self.state.messages.len());
        assert_eq!(self.armed.contains("recipient"), !self.state.waiting.is_empty());
        let ids: BTreeSet<Uuid> = self.state.messages.iter().map(|message| message.id()).collect();
        assert_eq!(ids.len(), self.state.messages.len(), "a message was made twice");
    }

    /// Who was told what, and how it ended.
    fn outcome(&self) -> BTreeMap<Uuid, (String, &'static str, Status)> {
        let told = |message: &notification_service::state::Message| {
            let recipient = message.recipient.clone().unwrap_or_default();
            (message.id(), (recipient, message.letter.news.template(), message.status))
        };
        self.state.messages.iter().map(told).collect()
    }
}

/// Everything that is heard of one order, in some order, some of it twice.
fn deliveries() -> impl Strategy<Value = Vec<usize>> {
    let repeated = prop::collection::vec(0..HEARD.len(), 0..8);
    repeated
        .prop_flat_map(|again| {
            let all: Vec<usize> = (0..HEARD.len()).chain(again).collect();
            Just(all).prop_shuffle()
        })
        .boxed()
}

fn play(deliveries: &[usize], reported_at_once: bool) -> Played {
    let mut played = Played::default();
    for index in deliveries {
        played.take(&said(HEARD[*index]), now());
        if reported_at_once {
            report_all(&mut played);
        }
    }
    report_all(&mut played);
    played
}

fn report_all(played: &mut Played) {
    for post in std::mem::take(&mut played.posts) {
        played.take(&report(&post, Delivery::Sent), now());
    }
}

/// Anything that may happen, with an attempt of the past for reports to be about.
#[derive(Clone, Debug)]
enum Happening {
    Heard(usize),
    Timer(NotificationTimer),
    Reported(prop::sample::Index, u8),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        3 => (0..HEARD.len()).prop_map(Happening::Heard),
        2 => Just(Happening::Timer(NotificationTimer::Send)),
        1 => Just(Happening::Timer(NotificationTimer::Recipient)),
        4 => (any::<prop::sample::Index>(), 0..9u8).prop_map(|(post, kind)| Happening::Reported(post, kind)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_set_of_messages_does_not_depend_on_order_or_repetition(
        deliveries in deliveries(), reported_at_once in any::<bool>(),
    ) {
        let expected = play(&(0..HEARD.len()).collect::<Vec<_>>(), true).outcome();
        prop_assert_eq!(expected.len(), 14);
        prop_assert!(expected.values().all(|(_, _, status)| *status == Status::Sent));
        let played = play(&deliveries, reported_at_once);
        prop_assert_eq!(played.outcome(), expected);
        prop_assert!(played.armed.is_empty());
    }

    #[test]
    fn every_history_keeps_the_promises(happenings in prop::collection::vec(happening(), 0..60)) {
        let (mut played, mut at) = (Played::default(), now());
        for happening in happenings {
            at += TimeDelta::seconds(20);
            let input = match happening {
                Happening::Heard(index) => said(HEARD[index]),
                // The chassis fires only what is armed.
                Happening::Timer(timer) if played.armed.contains(shared_events::Timer::name(timer)) => Input::Timer(timer),
                Happening::Timer(_) => continue,
                Happening::Reported(..) if played.posts.is_empty() => continue,
                Happening::Reported(index, kind) => {
                    let post = index.get(&played.posts).clone();
                    report(&post, match kind {
                        0 => Delivery::Sent,
                        1 => never(),
                        2 | 3 => unknown(),
                        4 | 5 => Delivery::PutOff,
                        _ => later(),
                    })
                }
            };
            played.take(&input, at);
        }
    }
}
