//! The saga's side: the gateway hears every event and concludes nothing; it only keeps what it heard.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use axum::extract::FromRef;
use chassis::{App, Change, DecisionOf, Participant, config, topology::check::Management};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use shared_events::{Decision, Envelope, EventType, NoTimer, OrderId, Outcome, Rejection, Service};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use crate::{
    feed::{Feed, Retention},
    reconciler::{self, Reconciler},
    store,
    upstream::{Address, UnusableAddress, Upstreams},
};

/// The gateway as an observer of the saga, with what its routes need.
#[derive(Clone, Debug)]
pub struct Gateway {
    upstreams: Upstreams,
    management_url: SecretString,
    amqp_url: SecretString,
    feed: Arc<Feed>,
    reconciler: Arc<Reconciler>,
    broker_page: Option<Address>,
}

impl Gateway {
    /// The HTTP client of the calls to the services, for a call to the broker's management API.
    #[must_use]
    pub const fn client(&self) -> &reqwest::Client {
        self.upstreams.client()
    }

    /// The live feed.
    #[must_use]
    pub const fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// Who holds what was sent against what was handled.
    #[must_use]
    pub const fn reconciler(&self) -> &Arc<Reconciler> {
        &self.reconciler
    }

    /// Where people look at the broker, if anywhere.
    #[must_use]
    pub const fn broker_page(&self) -> Option<&Address> {
        self.broker_page.as_ref()
    }

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

impl FromRef<App<Gateway>> for Upstreams {
    fn from_ref(app: &App<Gateway>) -> Self {
        app.participant().upstreams.clone()
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
    let upstreams = Upstreams::new(Duration::from_secs(timeout_seconds), |service| address_of(env, service))?
        .with_pages(|service| page_of(env, service))?;
    let management_url = env.secret(
        "BROKER_MANAGEMENT_URL",
        None,
        "RabbitMQ's management API, http://user:password@host:15672; the depths of the queues are read there.",
    )?;
    let amqp_url = env.secret("AMQP_URL", None, "RabbitMQ, as the service's own user.")?;
    let retention = Retention {
        hours: env.read_in(
            "FEED_RETENTION_HOURS",
            "24",
            1..=8_760,
            "How long an event stays in the live feed, for readers that come back.",
        )?,
        rows_max: env.read_in(
            "FEED_ROWS_MAX",
            "1000000",
            1_000..=100_000_000,
            "How many events the live feed holds at most; about a kilobyte each.",
        )?,
    };
    let page_doc = "Address of RabbitMQ's own page, for the links at /; empty for none.";
    let page: String = env.read("RABBITMQ_UI_URL", Some(""), page_doc)?;
    let broker_page = parsed("RABBITMQ_UI_URL", page, page_doc)?;
    let feed = Arc::new(Feed::new(retention));
    let reconciler =
        Arc::new(Reconciler::new(reconciler_settings(env)?, management(&management_url, &amqp_url)?));
    Ok(Gateway { upstreams, management_url, amqp_url, feed, reconciler, broker_page })
}

fn reconciler_settings(env: &mut config::Reader) -> Result<reconciler::Settings, config::ConfigError> {
    let time_scale = env.time_scale()?;
    let interval_seconds: u64 = env.read_in(
        "RECONCILER_INTERVAL_SECONDS",
        "60",
        1..=86_400,
        "How often what was sent is held against what was handled; TIME_SCALE divides it.",
    )?;
    let grace_seconds: u64 = env.read_in(
        "RECONCILER_GRACE_SECONDS",
        "60",
        // Twice what a statement of a service may take: marks of sent events may become visible that late.
        30..=86_400,
        "Events younger than this may be on their way and are not looked for; TIME_SCALE divides it.",
    )?;
    let scaled = |seconds| (Duration::from_secs(seconds) / time_scale).max(Duration::from_secs(1));
    Ok(reconciler::Settings {
        interval: scaled(interval_seconds),
        grace: scaled(grace_seconds),
        window_hours: env.read_in(
            "RECONCILER_WINDOW_HOURS",
            "24",
            1..=720,
            "How far back a gateway that starts compares.",
        )?,
        resends: env.read(
            "RECONCILER_RESEND",
            Some("true"),
            "Whether an event that is missing is sent again, `true` or `false`.",
        )?,
        time_scale,
    })
}

/// The management API, for the virtual host that the AMQP URL names.
fn management(management: &SecretString, amqp: &SecretString) -> Result<Management, config::ConfigError> {
    let (_, place) = amqp.expose_secret().split_once("://").unwrap_or_default();
    let path = place.split('?').next().unwrap_or_default().split_once('/').map_or("", |(_, path)| path);
    let vhost = if path.is_empty() { "/".to_owned() } else { path.replace("%2f", "/").replace("%2F", "/") };
    Management::new(management.expose_secret(), &vhost).map_err(|problem| config::ConfigError::Invalid {
        name: "BROKER_MANAGEMENT_URL",
        // The words of the problem do not repeat the password.
        value: "***".to_owned(),
        problem: problem.to_string(),
        doc: "RabbitMQ's management API, http://user:password@host:15672.",
    })
}

/// An address that may be left empty.
fn parsed(
    name: &'static str,
    value: String,
    doc: &'static str,
) -> Result<Option<Address>, config::ConfigError> {
    if value.is_empty() {
        return Ok(None);
    }
    value.parse().map(Some).map_err(|problem: UnusableAddress| config::ConfigError::Invalid {
        name,
        problem: problem.to_string(),
        value,
        doc,
    })
}

/// Inside containers the services call each other by names that no browser outside knows.
fn page_of(env: &mut config::Reader, service: Service) -> Result<Option<Address>, config::ConfigError> {
    let name = match service {
        Service::Order => "ORDER_PUBLIC_URL",
        Service::Inventory => "INVENTORY_PUBLIC_URL",
        Service::Payment => "PAYMENT_PUBLIC_URL",
        Service::Shipping => "SHIPPING_PUBLIC_URL",
        Service::Notification => "NOTIFICATION_PUBLIC_URL",
        Service::Analytics => "ANALYTICS_PUBLIC_URL",
        Service::Ai => "AI_PUBLIC_URL",
        Service::Gateway => "GATEWAY_PUBLIC_URL",
    };
    let doc = "Where a browser finds that service, for the links at / and /api/health; empty for where it is called.";
    let value = env.read(name, Some(""), doc)?;
    parsed(name, value, doc)
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
        tx: &mut PgConnection,
        changes: &[Change<Self>],
        (): &(),
        _at: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        let mut heard: Vec<&Envelope> = changes.iter().flat_map(|change| &change.inputs).collect();
        // One batch holds events of many orders, grouped by order; a person wants to see them as they
        // happened.
        heard.sort_by_key(|envelope| (envelope.timestamp, envelope.event_id));
        store::append(tx, &heard).await
    }

    async fn background(app: App<Self>, stopping: CancellationToken) {
        let gateway = app.participant();
        tokio::join!(
            gateway.feed.run(app.pool(), stopping.clone()),
            gateway.reconciler.run(&gateway.upstreams, app.pool(), stopping),
        );
    }
}
