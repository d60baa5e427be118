//! The saga's side: the gateway hears every event and concludes nothing; it only keeps what it heard.

use std::{collections::HashMap, convert::Infallible, time::Duration};

use chassis::{Change, DecisionOf, Participant, config};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use shared_events::{Decision, Envelope, EventType, OrderId, Outcome, Rejection, Service, Timer};
use sqlx::PgConnection;

use crate::upstream::{Address, Upstreams};

/// The gateway as an observer of the saga, with what its routes need.
#[derive(Clone, Debug)]
pub struct Gateway {
    upstreams: Upstreams,
    management_url: SecretString,
    amqp_url: SecretString,
}

impl Gateway {
    /// The services behind the front door.
    #[must_use]
    pub const fn upstreams(&self) -> &Upstreams {
        &self.upstreams
    }

    /// RabbitMQ's management API with the gateway's own credentials; it may see every queue's depth.
    #[must_use]
    pub const fn management_url(&self) -> &SecretString {
        &self.management_url
    }

    /// The broker's address; its path names the virtual host whose queues are meant.
    #[must_use]
    pub const fn amqp_url(&self) -> &SecretString {
        &self.amqp_url
    }
}

/// The gateway as its environment wants it.
///
/// # Errors
/// Names the variable that makes no sense.
pub fn participant(env: &mut config::Reader) -> Result<Gateway, config::ConfigError> {
    let timeout_seconds: u64 = env.read_in(
        "UPSTREAM_TIMEOUT_SECONDS",
        "5",
        // The chassis gives a whole request thirty seconds, and some ask two services in turn.
        1..=12,
        "How long a call to a service may take before the caller is told to come back.",
    )?;
    let upstreams = Upstreams::new(Duration::from_secs(timeout_seconds), |service| address_of(env, service))?;
    let management_url = env.secret(
        "BROKER_MANAGEMENT_URL",
        None,
        "RabbitMQ's management API, http://user:password@host:15672; the depths of the queues are read there.",
    )?;
    let amqp_url = env.secret("AMQP_URL", None, "RabbitMQ, as the service's own user.")?;
    Ok(Gateway { upstreams, management_url, amqp_url })
}

fn address_of(env: &mut config::Reader, service: Service) -> Result<Address, config::ConfigError> {
    let (name, standard, doc) = match service {
        Service::Order => ("ORDER_URL", "http://127.0.0.1:8001", "Base URL of the order service."),
        Service::Inventory => {
            ("INVENTORY_URL", "http://127.0.0.1:8002", "Base URL of the inventory service.")
        }
        Service::Payment => ("PAYMENT_URL", "http://127.0.0.1:8003", "Base URL of the payment service."),
        Service::Shipping => ("SHIPPING_URL", "http://127.0.0.1:8004", "Base URL of the shipping service."),
        Service::Notification => {
            ("NOTIFICATION_URL", "http://127.0.0.1:8005", "Base URL of the notification service.")
        }
        Service::Analytics => {
            ("ANALYTICS_URL", "http://127.0.0.1:8006", "Base URL of the analytics service.")
        }
        Service::Ai => ("AI_URL", "http://127.0.0.1:8007", "Base URL of the ai service."),
        Service::Gateway => ("GATEWAY_URL", "http://127.0.0.1:8000", "Base URL of the gateway."),
    };
    env.read(name, Some(standard), doc)
}

/// The gateway waits for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NoTimer {}

impl Timer for NoTimer {
    const ALL: &'static [Self] = &[];

    fn name(self) -> &'static str {
        match self {}
    }
}

impl Participant for Gateway {
    const SERVICE: Service = Service::Gateway;
    type State = ();
    type Input = Envelope;
    type Effect = Infallible;
    type Timer = NoTimer;
    type World = ();

    /// Every type, also one that is added tomorrow: the feed shows it without knowing what it means.
    fn handles(_event_type: EventType) -> bool {
        true
    }

    fn event_input(envelope: &Envelope) -> Envelope {
        envelope.clone()
    }

    fn timer_input(timer: NoTimer) -> Envelope {
        match timer {}
    }

    fn input_name(input: &Envelope) -> String {
        input.event_type().to_string()
    }

    fn decide(
        &self,
        (): &(),
        (): &(),
        _input: &Envelope,
        _at: DateTime<Utc>,
    ) -> Result<DecisionOf<Self>, Rejection> {
        Ok(Decision::to((), Outcome::Completed))
    }

    fn answers((): &(), _asked: EventType) -> Vec<EventType> {
        vec![]
    }

    async fn load(_tx: &mut PgConnection, _orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, ()>> {
        Ok(HashMap::new())
    }

    async fn save(
        &self,
        _tx: &mut PgConnection,
        _changes: &[Change<Self>],
        (): &(),
        _at: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        Ok(())
    }
}
