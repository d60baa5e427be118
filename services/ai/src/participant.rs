//! The saga's side: inputs are decided by `ai-domain`, with what earlier orders have shown.

use std::{collections::HashMap, time::Duration};

use ai_domain::{Features, Input, Memory, Policy, ReviewTimer, Scorecard, State, Thresholds};
use chassis::{App, Change, DecisionOf, Participant, config};
use chrono::{DateTime, Utc};
use shared_events::{
    Envelope, Event, EventType, OrderId, Rejection, Service,
    events::fraud::{Ruling, Verdict},
};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use crate::store;

/// How often features that nobody looks back at any more are removed.
const FORGET_EVERY: Duration = Duration::from_secs(3600);

/// The AI service as a participant of the saga.
#[derive(Clone, Debug)]
pub struct Ai {
    policy: Policy,
}

impl Ai {
    /// With this scorecard and these deadlines.
    #[must_use]
    pub const fn new(policy: Policy) -> Self {
        Self { policy }
    }

    /// What scores new orders.
    #[must_use]
    pub const fn scorecard(&self) -> &Scorecard {
        &self.policy.scorecard
    }
}

/// The AI service as its environment wants it.
///
/// # Errors
/// Names the variable that makes no sense.
pub fn participant(env: &mut config::Reader) -> Result<Ai, config::ConfigError> {
    const REJECT_DOC: &str = "From this fraud score on an order is rejected, 1 to 100.";
    let review: u8 =
        env.read_in("REVIEW_SCORE", "60", 1..=100, "From this fraud score on a person decides, 1 to 100.")?;
    let reject: u8 = env.read_in("REJECT_SCORE", "85", 1..=100, REJECT_DOC)?;
    if review > reject {
        return Err(config::ConfigError::Invalid {
            name: "REJECT_SCORE",
            value: reject.to_string(),
            problem: format!("it must not be below REVIEW_SCORE, which is {review}"),
            doc: REJECT_DOC,
        });
    }
    let DeadlineVerdict(deadline_verdict) = env.read(
        "REVIEW_DEADLINE_VERDICT",
        Some("reject"),
        "What a review ends with when nobody decided for 24 hours: `approve` or `reject`.",
    )?;
    let scorecard = Scorecard { thresholds: Thresholds { review, reject }, ..Scorecard::default() };
    let policy = Policy { scorecard, deadline_verdict, ..Policy::default() };
    Ok(Ai::new(policy.scaled(env.time_scale()?)))
}

struct DeadlineVerdict(Ruling);

impl std::str::FromStr for DeadlineVerdict {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "approve" => Ok(Self(Ruling::Approve)),
            "reject" => Ok(Self(Ruling::Reject)),
            _ => Err("it is `approve` or `reject`"),
        }
    }
}

impl Participant for Ai {
    const SERVICE: Service = Service::Ai;
    type State = State;
    type Input = Input;
    type Effect = ();
    type Timer = ReviewTimer;
    /// Earlier orders of the batch's customers, devices, addresses and tokens. They are read and not
    /// locked: two orders of one customer that two replicas score at the same instant may not see
    /// each other, and the third sees both.
    type World = Memory;

    fn handles(event_type: EventType) -> bool {
        ai_domain::handles(event_type)
    }

    fn event_input(envelope: &Envelope) -> Input {
        Input::Event(envelope.clone())
    }

    fn timer_input(timer: ReviewTimer) -> Input {
        Input::Timer(timer)
    }

    fn input_name(input: &Input) -> String {
        input.name()
    }

    fn decide(
        &self,
        world: &Memory,
        state: &State,
        input: &Input,
        at: DateTime<Utc>,
    ) -> Result<DecisionOf<Self>, Rejection> {
        match input {
            Input::Review(command) => ai_domain::rule(state, command, at),
            Input::Event(_) | Input::Timer(_) => Ok(ai_domain::decide(&self.policy, world, state, input, at)),
        }
    }

    fn answers(state: &State, asked: EventType) -> Vec<EventType> {
        ai_domain::answers(state, asked)
    }

    async fn load(tx: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, State>> {
        store::load(tx, orders).await
    }

    async fn load_world(&self, tx: &mut PgConnection, inputs: &[(OrderId, &Input)]) -> sqlx::Result<Memory> {
        let new: Vec<Features> = inputs.iter().filter_map(|(_, input)| placed(input)).collect();
        store::take_turns(tx, &new).await?;
        store::remember(tx, &new).await
    }

    fn absorb(&self, world: &mut Memory, order: OrderId, decision: &DecisionOf<Self>) {
        world.absorb(order, &decision.state);
    }

    async fn save(
        &self,
        tx: &mut PgConnection,
        changes: &[Change<Self>],
        _world: &Memory,
        at: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        for change in changes.iter().filter(|change| change.before.assessment.is_none()) {
            if let Some(assessment) = &change.after.assessment {
                metrics::counter!("fraud_verdicts_total", "verdict" => word(assessment.verdict)).increment(1);
            }
        }
        let states: Vec<_> = changes
            .iter()
            .filter(|change| change.before != change.after)
            .map(|change| (change.order, &change.after))
            .collect();
        store::save(tx, &states, at).await
    }

    async fn background(app: App<Self>, stopping: CancellationToken) {
        loop {
            match store::forget(app.pool()).await {
                Ok(0) => {}
                Ok(forgotten) => tracing::info!(forgotten, "removed features of old orders"),
                // Nothing depends on it; the next hour does it.
                Err(error) => tracing::warn!(%error, "cannot remove features of old orders"),
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(FORGET_EVERY) => {}
            }
        }
    }
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Approve => "approve",
        Verdict::Review => "review",
        Verdict::Reject => "reject",
    }
}

/// Of the inputs only a placed order is compared with earlier ones.
fn placed(input: &Input) -> Option<Features> {
    let Input::Event(envelope) = input else { return None };
    let Event::OrderPlaced(order) = &envelope.event else { return None };
    Some(Features::of(order, envelope.timestamp))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Ai, String> {
        participant(&mut config::Reader::from_pairs(pairs)).map_err(|error| error.to_string())
    }

    #[test]
    fn thresholds_and_the_deadlines_verdict_come_from_the_environment() {
        let ai = read(&[]).unwrap();
        assert_eq!(ai.policy, Policy::default());
        let ai = read(&[
            ("REVIEW_SCORE", "40"),
            ("REJECT_SCORE", "40"),
            ("REVIEW_DEADLINE_VERDICT", "approve"),
            ("TIME_SCALE", "60"),
        ])
        .unwrap();
        assert_eq!(ai.scorecard().thresholds, Thresholds { review: 40, reject: 40 });
        assert_eq!(ai.policy.deadline_verdict, Ruling::Approve);
        assert_eq!(ai.policy.review_for, Duration::from_secs(24 * 60));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_name() {
        for (name, value) in [
            ("REVIEW_SCORE", "0"),
            ("REVIEW_SCORE", "101"),
            ("REJECT_SCORE", "59"),
            ("REJECT_SCORE", "many"),
            ("REVIEW_DEADLINE_VERDICT", "review"),
        ] {
            let refused = read(&[(name, value)]).unwrap_err();
            assert!(refused.starts_with(&format!("{name}={value}")), "{refused}");
        }
    }
}
