//! The saga's side: inputs are decided by `order-domain` and written by [`crate::store`].

use std::collections::HashMap;

use chassis::{Change, DecisionOf, Participant, config};
use chrono::{DateTime, Utc};
use order_domain::{Effect, Input, OrderTimer, Policy, State};
use shared_events::{Envelope, EventType, OrderId, Rejection, Service};
use sqlx::PgConnection;

use crate::{in_flight::InFlight, store};

/// Orders as a participant of the saga.
#[derive(Clone, Debug)]
pub struct Orders {
    policy: Policy,
    in_flight: InFlight,
}

impl Orders {
    /// With these deadlines.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy, in_flight: InFlight::default() }
    }

    pub(crate) fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }
}

/// Orders as their environment wants them.
///
/// # Errors
/// Names the variable that makes no sense.
pub fn participant(env: &mut config::Reader) -> Result<Orders, config::ConfigError> {
    Ok(Orders::new(Policy::default().scaled(env.time_scale()?)))
}

impl Participant for Orders {
    const SERVICE: Service = Service::Order;
    type State = State;
    type Input = Input;
    type Effect = Effect;
    type Timer = OrderTimer;
    type World = ();

    fn handles(event_type: EventType) -> bool {
        order_domain::handles(event_type)
    }

    fn event_input(envelope: &Envelope) -> Input {
        envelope.event.clone().into()
    }

    fn timer_input(timer: OrderTimer) -> Input {
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
            Input::Command(command) => order_domain::command(&self.policy, state, command, at),
            Input::Event(_) | Input::Timer(_) => Ok(order_domain::decide(&self.policy, state, input, at)),
        }
    }

    fn answers(state: &State, asked: EventType) -> Vec<EventType> {
        order_domain::answers(state, asked)
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
        let placings: Vec<_> = changes.iter().filter_map(placing).collect();
        store::save_placings(tx, &placings, at).await
    }
}

/// The request that made this order, when it is new. A second one in the same batch only found it.
fn placing(change: &Change<Orders>) -> Option<store::Placing<'_>> {
    if change.before != State::default() {
        return None;
    }
    change.inputs.iter().find_map(|input| match input {
        Input::Command(order_domain::Command::Place(place)) => {
            Some(store::Placing { order_id: change.order, place })
        }
        Input::Command(order_domain::Command::Cancel { .. }) | Input::Event(_) | Input::Timer(_) => None,
    })
}
