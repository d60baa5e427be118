//! The saga's side: inputs are decided by `payment-domain`, effects become calls to the gateway.

use std::{collections::HashMap, time::Duration};

use chassis::{
    Change, DecisionOf, Participant, config,
    faults::{Bug, planted},
};
use chrono::{DateTime, Utc};
use payment_domain::{Effect, Input, PaymentTimer, Policy, State};
use reqwest::Client;
use shared_events::{Envelope, EventType, OrderId, Rejection, Service};
use sqlx::PgConnection;

use crate::{
    gateway::{self, Gateway, HttpGateway},
    journal::Journal,
    ledger, planted, store,
};

/// Payment as a participant of the saga.
#[derive(Clone, Debug)]
pub struct Payment<G = HttpGateway> {
    policy: Policy,
    gateway: G,
    journal: Journal,
}

impl<G> Payment<G> {
    /// With these deadlines, this gateway, and the journal of its money.
    pub const fn new(policy: Policy, gateway: G, journal: Journal) -> Self {
        Self { policy, gateway, journal }
    }

    /// The gateway's own books, for the audit.
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }
}

const GATEWAY_DOC: &str = "Base URL of the payment gateway.";
const JOURNAL_DOC: &str = "Base URL of the gateway's journal, which the ledger's audit reads.";

/// Payment as its environment wants it.
///
/// # Errors
/// Names the variable that makes no sense.
pub fn participant(env: &mut config::Reader) -> Result<Payment, config::ConfigError> {
    let url: String = env.read("GATEWAY_URL", Some("http://127.0.0.1:8090"), GATEWAY_DOC)?;
    let journal_url: String = env.read("GATEWAY_JOURNAL_URL", Some(&url), JOURNAL_DOC)?;
    let timeout_seconds: f64 = env.read_in(
        "GATEWAY_TIMEOUT_SECONDS",
        "5",
        // Past half a minute the timer that looks for lost calls would ask in parallel.
        0.05..=30.0,
        "How long a call to the gateway may take before it counts as unanswered.",
    )?;
    let fraud_mode = env.read(
        "FRAUD_MODE",
        Some("observe"),
        "`gate`: no charge before a fraud verdict; `observe`: charge without waiting.",
    )?;
    let fraud_fallback = env.read(
        "FRAUD_FALLBACK",
        Some("fail_open"),
        "When no verdict comes in time in gate mode: `fail_open` charges unassessed, `fail_closed` fails.",
    )?;
    let policy = Policy { fraud_mode, fraud_fallback, ..Policy::default() }.scaled(env.time_scale()?);

    let invalid = |name, doc, value: &str, problem: &dyn std::fmt::Display| config::ConfigError::Invalid {
        name,
        value: value.to_owned(),
        problem: problem.to_string(),
        doc,
    };
    let client: Client = gateway::client(Duration::from_secs_f64(timeout_seconds))
        .map_err(|problem| invalid("GATEWAY_URL", GATEWAY_DOC, &url, &problem))?;
    let gateway = HttpGateway::new(client.clone(), &url)
        .map_err(|problem| invalid("GATEWAY_URL", GATEWAY_DOC, &url, &problem))?;
    let journal = Journal::new(client, &journal_url)
        .map_err(|problem| invalid("GATEWAY_JOURNAL_URL", JOURNAL_DOC, &journal_url, &problem))?;
    Ok(Payment::new(policy, gateway, journal))
}

impl<G: Gateway> Payment<G> {
    /// What each decision of a batch enters, one after the other. Seen from the batch's two ends only,
    /// a refund that was refused and then, in the same batch, made after all would leave no refusal.
    fn entries(&self, change: &Change<Self>, at: DateTime<Utc>) -> Vec<ledger::Entry> {
        let (mut state, mut entries) = (change.before.clone(), Vec::new());
        for input in &change.inputs {
            // Whatever was refused is not among a change's inputs.
            let Ok(decision) = self.decide(&(), &state, input, at) else { continue };
            entries.extend(ledger::entries(&state, &decision.state, &decision.effects));
            state = decision.state;
        }
        entries
    }
}

impl<G: Gateway> Participant for Payment<G> {
    const SERVICE: Service = Service::Payment;
    type State = State;
    type Input = Input;
    type Effect = Effect;
    type Timer = PaymentTimer;
    type World = ();

    fn handles(event_type: EventType) -> bool {
        payment_domain::handles(event_type)
    }

    fn event_input(envelope: &Envelope) -> Input {
        envelope.event.clone().into()
    }

    fn timer_input(timer: PaymentTimer) -> Input {
        Input::Timer(timer)
    }

    fn input_name(input: &Input) -> String {
        input.name()
    }

    fn decide(
        &self,
        (): &(),
        state: &State,
        input: &Input,
        at: DateTime<Utc>,
    ) -> Result<DecisionOf<Self>, Rejection> {
        match input {
            Input::Command(command) => payment_domain::command(&self.policy, state, command, at),
            Input::Event(_) | Input::Timer(_) | Input::Answer(_) => {
                let decision = payment_domain::decide(&self.policy, state, input, at);
                if planted(Bug::RefundSkipped) {
                    return Ok(planted::keep_late_capture(input, decision));
                }
                Ok(decision)
            }
        }
    }

    fn answers(state: &State, asked: EventType) -> Vec<EventType> {
        payment_domain::answers(state, asked)
    }

    async fn load(tx: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, State>> {
        store::load(tx, orders).await
    }

    async fn save(
        &self,
        tx: &mut PgConnection,
        changes: &[Change<Self>],
        (): &(),
        at: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        let states: Vec<_> = changes
            .iter()
            .filter(|change| change.before != change.after)
            .map(|change| (change.order, &change.after))
            .collect();
        store::save(tx, &states, at).await?;
        let entries: Vec<_> = changes
            .iter()
            .flat_map(|change| self.entries(change, at).into_iter().map(|entry| (change.order, entry)))
            .collect();
        store::append_to_ledger(tx, &entries, at).await
    }

    async fn perform(&self, order: OrderId, effect: Effect) -> Option<Input> {
        let answer = match effect {
            Effect::Charge { amount, method, token } => {
                self.gateway.charge(order, amount, &method, token.as_deref()).await
            }
            Effect::Status => self.gateway.status(order).await,
            Effect::Void => self.gateway.void(order).await,
            Effect::Refund { amount } => self.gateway.refund(order, amount).await,
        };
        if planted(Bug::TimeoutIsFailure) {
            return Some(Input::Answer(planted::no_without_answer(answer)));
        }
        Some(Input::Answer(answer))
    }
}
