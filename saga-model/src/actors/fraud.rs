//! The fraud assessment, which comes to the verdict it is told to come to.

use shared_events::{
    CorrelationId, Draft, Envelope, Event, EventId, EventType,
    events::fraud::{Ruling, Verdict},
};
use uuid::Uuid;

use super::{NOW, ORDER, timer, timer_names};
use crate::cast::{Actor, Heard, Standing, Turn};

/// The fraud assessment, which says the verdict it is told to say.
pub(crate) struct Fraud {
    policy: ai_domain::Policy,
}

impl Fraud {
    pub(crate) fn new(verdict: Verdict) -> Self {
        let (review, reject) = match verdict {
            Verdict::Approve => (u8::MAX, u8::MAX),
            Verdict::Review => (0, u8::MAX),
            Verdict::Reject => (0, 0),
        };
        let thresholds = ai_domain::Thresholds { review, reject };
        let scorecard = ai_domain::Scorecard { thresholds, ..ai_domain::Scorecard::default() };
        Self { policy: ai_domain::Policy { scorecard, ..ai_domain::Policy::default() } }
    }
}

impl Actor for Fraud {
    type State = ai_domain::State;

    fn decide(&self, state: &Self::State, heard: Heard<'_>) -> Option<Turn<Self::State>> {
        use ai_domain::{Input, ReviewCommand};
        let ruled = |verdict| ReviewCommand { verdict, reviewer: "reviewer".to_owned(), note: None };
        let decision = match heard {
            Heard::Event(event) => self.decide_domain(state, &Input::Event(enveloped(event.clone()))),
            Heard::Timer(number) => self.decide_domain(state, &Input::Timer(timer(number))),
            Heard::Wish(crate::Wish::Approve) => ai_domain::rule(state, &ruled(Ruling::Approve), NOW).ok()?,
            Heard::Wish(crate::Wish::Reject) => ai_domain::rule(state, &ruled(Ruling::Reject), NOW).ok()?,
            Heard::Wish(_) | Heard::Word(_) | Heard::Silence(_) => return None,
        };
        let mut turn = Turn::of(decision, |()| None);
        // Who decided is kept for people.
        if let Some(decision) = turn.state.review.as_mut().and_then(|review| review.decision.as_mut()) {
            decision.decided_by.clear();
        }
        Some(turn)
    }

    fn answers(&self, state: &Self::State, asked: EventType) -> Vec<EventType> {
        ai_domain::answers(state, asked)
    }

    fn standing(&self, state: &Self::State) -> Standing {
        Standing::Ai(state.review.as_ref().map(|review| review.status))
    }

    fn timers(&self) -> Vec<&'static str> {
        timer_names::<ai_domain::ReviewTimer>()
    }
}

impl Fraud {
    fn decide_domain(&self, state: &ai_domain::State, input: &ai_domain::Input) -> ai_domain::FraudDecision {
        ai_domain::decide(&self.policy, &ai_domain::Memory::default(), state, input, NOW)
    }
}

fn enveloped(event: Event) -> Envelope {
    let draft = Draft {
        event_id: EventId(Uuid::nil()),
        aggregate_id: ORDER.0,
        correlation_id: CorrelationId(ORDER.0),
        causation_id: None,
        timestamp: NOW,
    };
    Envelope::new(draft, event)
}
