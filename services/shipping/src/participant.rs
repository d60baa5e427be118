//! The saga's side: inputs are decided by `shipping-domain`, effects become calls to the carrier.

use std::{collections::HashMap, time::Duration};

use chassis::{Change, DecisionOf, Participant, config};
use chrono::{DateTime, Utc};
use shared_events::{Envelope, EventType, OrderId, Rejection, Service};
use shipping_domain::{Effect, Input, Policy, ShipmentTimer, State};
use sqlx::PgConnection;

use crate::{
    gateway::{Carrier, HttpCarrier},
    store,
};

/// Shipping as a participant of the saga.
#[derive(Clone, Debug)]
pub struct Shipping<C = HttpCarrier> {
    policy: Policy,
    carrier: C,
}

impl<C> Shipping<C> {
    /// With these deadlines and this carrier.
    pub const fn new(policy: Policy, carrier: C) -> Self {
        Self { policy, carrier }
    }
}

/// Shipping as its environment wants it.
///
/// # Errors
/// Names the variable that makes no sense.
pub fn participant(env: &mut config::Reader) -> Result<Shipping, config::ConfigError> {
    let url: String = env.read("CARRIER_URL", Some("http://127.0.0.1:8090"), "Base URL of the carrier.")?;
    let timeout_seconds: u64 = env.read_in(
        "CARRIER_TIMEOUT_SECONDS",
        "5",
        // Past half a minute the timer that looks for lost calls would ask in parallel.
        1..=30,
        "How long a call to the carrier may take before it counts as unanswered.",
    )?;
    let policy = Policy::default().scaled(env.time_scale()?);
    let carrier = HttpCarrier::new(&url, Duration::from_secs(timeout_seconds)).map_err(|problem| {
        config::ConfigError::Invalid {
            name: "CARRIER_URL",
            value: url.clone(),
            problem: problem.to_string(),
            doc: "Base URL of the carrier.",
        }
    })?;
    Ok(Shipping::new(policy, carrier))
}

impl<C: Carrier> Participant for Shipping<C> {
    const SERVICE: Service = Service::Shipping;
    type State = State;
    type Input = Input;
    type Effect = Effect;
    type Timer = ShipmentTimer;
    type World = ();

    fn handles(event_type: EventType) -> bool {
        shipping_domain::handles(event_type)
    }

    fn event_input(envelope: &Envelope) -> Input {
        envelope.event.clone().into()
    }

    fn timer_input(timer: ShipmentTimer) -> Input {
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
            Input::Command(command) => shipping_domain::command(&self.policy, state, *command, at),
            Input::Event(_) | Input::Timer(_) | Input::Reply(_) => {
                Ok(shipping_domain::decide(&self.policy, state, input, at))
            }
        }
    }

    fn answers(state: &State, asked: EventType) -> Vec<EventType> {
        shipping_domain::answers(state, asked)
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
        store::save(tx, &states, at).await
    }

    async fn perform(&self, order: OrderId, effect: Effect) -> Option<Input> {
        let reply = match effect {
            Effect::Book(parcel) => self.carrier.book(order, &parcel).await,
            Effect::Status => self.carrier.status(order).await,
            Effect::Cancel => self.carrier.cancel(order).await,
        };
        Some(Input::Reply(reply))
    }
}
