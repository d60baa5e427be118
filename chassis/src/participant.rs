//! What a service has to bring to take part in the saga. The engine does the rest.
//!
//! The trait separates the three things that must never mix: [`Participant::decide`] is a pure
//! function, the store functions ([`load`](Participant::load), [`save`](Participant::save), …) do
//! SQL for many orders at once, and [`perform`](Participant::perform) talks to the outside world,
//! outside of any transaction.

use std::{collections::HashMap, fmt::Debug, future::Future};

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use shared_events::{Decision, Envelope, EventType, OrderId, Rejection, Service, Timer};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// A decision of participant `P`.
pub type DecisionOf<P> =
    Decision<<P as Participant>::State, <P as Participant>::Effect, <P as Participant>::Timer>;

/// One of the services that carry the saga.
pub trait Participant: Send + Sync + Sized + 'static {
    /// Which one; names its queue, its exchange and its metrics.
    const SERVICE: Service;

    /// Where Prometheus finds this service's metrics.
    const PROMETHEUS_PATH: &'static str = "/metrics";

    /// All it knows of one order; `Default` is "never heard of it".
    type State: Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Whatever can happen to an order here: an event, a timer, an answer of the outside world, a
    /// person's command.
    type Input: Clone + Debug + Send + Sync + 'static;

    /// Work for the outside world, or a change of rows that orders share.
    type Effect: Clone + Debug + Send + Sync + 'static;

    /// Its timers.
    type Timer: Timer;

    /// Rows that orders share, read and locked for one batch: inventory's products; `()` elsewhere.
    type World: Default + Send + Sync + 'static;

    /// Whether it reacts to that type; compared with the catalogue at start.
    fn handles(event_type: EventType) -> bool;

    /// The input an event becomes. Most rules look at the event alone; who keeps a history of what
    /// was said also wants its id, its cause and its time.
    fn event_input(envelope: &Envelope) -> Self::Input;

    /// The input a timer becomes when it fires.
    fn timer_input(timer: Self::Timer) -> Self::Input;

    /// How the saga log names an input that is no event: `timer:hold`, `gateway:captured`,
    /// `command:cancel`. For an event, its type.
    fn input_name(input: &Self::Input) -> String;

    /// The rule. Pure and total: no input is an error. Only a person's command may be refused.
    ///
    /// # Errors
    /// A [`Rejection`] when a command is refused; then nothing is written.
    fn decide(
        &self,
        world: &Self::World,
        state: &Self::State,
        input: &Self::Input,
        at: DateTime<Utc>,
    ) -> Result<DecisionOf<Self>, Rejection>;

    /// Which of its own event types are its current answer for the order, when somebody sends
    /// `asked` again (rule 8 of the choreography). They are published again under their old ids.
    fn answers(state: &Self::State, asked: EventType) -> Vec<EventType>;

    /// Reads (the caller holds the orders' locks) the states of these orders; unknown ones are
    /// left out.
    fn load(
        tx: &mut PgConnection,
        orders: &[OrderId],
    ) -> impl Future<Output = sqlx::Result<HashMap<OrderId, Self::State>>> + Send;

    /// Reads and locks what the inputs need of the shared rows, in a fixed order.
    fn load_world(
        &self,
        _tx: &mut PgConnection,
        _inputs: &[(OrderId, &Self::Input)],
    ) -> impl Future<Output = sqlx::Result<Self::World>> + Send {
        async { Ok(Self::World::default()) }
    }

    /// Lets a decision's effects on shared rows be seen by the next decision of the same batch.
    fn absorb(&self, _world: &mut Self::World, _order: OrderId, _decision: &DecisionOf<Self>) {}

    /// Writes all changed orders and the shared rows of one batch.
    fn save(
        &self,
        tx: &mut PgConnection,
        changes: &[Change<Self>],
        world: &Self::World,
        at: DateTime<Utc>,
    ) -> impl Future<Output = sqlx::Result<()>> + Send;

    /// Whether an effect is work for the outside world; a change of shared rows was written by
    /// [`save`](Participant::save) and needs nothing more.
    fn is_outside(_effect: &Self::Effect) -> bool {
        true
    }

    /// Does one effect in the outside world and brings back what came of it, if anything is to be
    /// decided about it. Runs after the commit, outside of any transaction, with others at once; a
    /// crash may lose it, so a timer armed by the same decision has to find out.
    fn perform(
        &self,
        _order: OrderId,
        _effect: Self::Effect,
    ) -> impl Future<Output = Option<Self::Input>> + Send {
        async { None }
    }

    /// Work beside the saga that lasts as long as the service: a cache to fill, old rows to remove.
    /// It ends soon after `stopping` is cancelled; if it ends before, the process ends with it.
    fn background(_app: App<Self>, stopping: CancellationToken) -> impl Future<Output = ()> + Send + 'static {
        stopping.cancelled_owned()
    }
}

/// What one batch did to one order: the inputs that were applied, in sequence, and where they led.
#[derive(Debug)]
pub struct Change<P: Participant> {
    /// Which order.
    pub order: OrderId,
    /// The state before the batch.
    pub before: P::State,
    /// The state after it; to be written when it differs from `before`.
    pub after: P::State,
    /// The inputs that led there.
    pub inputs: Vec<P::Input>,
    /// All effects the decisions asked for, in sequence.
    pub effects: Vec<P::Effect>,
}
