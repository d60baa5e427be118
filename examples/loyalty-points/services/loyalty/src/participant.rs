//! Loyalty as an observer of the saga: the chassis brings the events, the rule decides, the store
//! keeps.

use std::{collections::HashMap, convert::Infallible};

use chassis::{Change, DecisionOf, Participant, config};
use chrono::{DateTime, Utc};
use shared_events::{Envelope, Event, EventType, NoTimer, OrderId, Rejection, Service};
use sqlx::PgConnection;

use crate::{
    rule::{self, State},
    store,
};

/// Loyalty; it has nothing to configure.
#[derive(Clone, Copy, Debug)]
pub struct Loyalty;

/// Loyalty as its environment wants it: here a service reads variables of its own.
///
/// # Errors
/// None: there are none.
pub fn participant(_env: &mut config::Reader) -> Result<Loyalty, config::ConfigError> {
    Ok(Loyalty)
}

impl Participant for Loyalty {
    const SERVICE: Service = Service::Loyalty;
    type State = State;
    type Input = Event;
    type Effect = Infallible;
    type Timer = NoTimer;
    type World = ();

    fn handles(event_type: EventType) -> bool {
        rule::handles(event_type)
    }

    fn event_input(envelope: &Envelope) -> Event {
        envelope.event.clone()
    }

    fn timer_input(timer: NoTimer) -> Event {
        match timer {}
    }

    fn input_name(input: &Event) -> String {
        input.event_type().to_string()
    }

    fn decide(
        &self,
        (): &(),
        state: &State,
        input: &Event,
        _at: DateTime<Utc>,
    ) -> Result<DecisionOf<Self>, Rejection> {
        Ok(rule::decide(state, input))
    }

    fn answers(_state: &State, _asked: EventType) -> Vec<EventType> {
        vec![]
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
        let states: Vec<_> = changes.iter().map(|change| (change.order, &change.after)).collect();
        store::save(tx, &states, at).await
    }
}
