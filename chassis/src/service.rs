//! From a participant to a running service: start in order, run, drain, stop.

use std::{
    net::SocketAddr,
    str::FromStr,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context as _;
use axum::{Router, routing::get};
use secrecy::{ExposeSecret as _, SecretString};
use shared_events::{CorrelationId, OrderId};
use sqlx::PgPool;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    broker::{
        self,
        connection::Connected,
        consumer::{self, Consumer, Limits},
        publisher,
    },
    config::{ConfigError, Reader},
    db,
    effects::EffectRunner,
    engine::{Committed, Engine},
    http::{self, Json, Path, Problem, health::Health},
    intake::{self, CommandError, IntakeHandle},
    outbox::relay,
    participant::Participant,
    saga_log, telemetry, timers,
    topology::{self, check::Management},
};

/// How often the broker's topology is held against the catalogue while all is well.
const TOPOLOGY_INTERVAL: Duration = Duration::from_secs(60);
/// … and while it is not.
const TOPOLOGY_RETRY: Duration = Duration::from_secs(2);
/// How long effects under way may take to finish after a SIGTERM.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);

/// How log records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LogFormat {
    Text,
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("it is `text` or `json`"),
        }
    }
}

/// What every service is configured with.
#[derive(Debug)]
struct Base {
    http_addr: SocketAddr,
    database_url: SecretString,
    database_connections_max: u32,
    amqp_url: SecretString,
    management_url: SecretString,
    limits: Limits,
    time_scale: u32,
    json_logs: bool,
}

impl Base {
    fn read(env: &mut Reader) -> Result<Self, ConfigError> {
        let log_format: LogFormat =
            env.read("LOG_FORMAT", Some("text"), "`json` for one JSON object a line, or `text`.")?;
        Ok(Self {
            http_addr: env.read("HTTP_ADDR", None, "Address and port to serve HTTP on, 127.0.0.1:8001.")?,
            database_url: env.checked_secret(
                "DATABASE_URL",
                "The service's own Postgres database.",
                db::check_url,
            )?,
            database_connections_max: env.read_in(
                "DATABASE_CONNECTIONS_MAX",
                "10",
                4..=100,
                "Connections in the pool; ten keep two cores busy.",
            )?,
            amqp_url: env.checked_secret(
                "AMQP_URL",
                "RabbitMQ, as the service's own user.",
                broker::connection::check_url,
            )?,
            management_url: env.checked_secret(
                "BROKER_MANAGEMENT_URL",
                "RabbitMQ's management API, http://user:password@host:15672; the topology is checked there.",
                |url| Management::new(url, "/").map(drop).map_err(|problem| problem.to_string()),
            )?,
            limits: Limits {
                prefetch: env.read_in(
                    "CONSUMER_PREFETCH",
                    "256",
                    1..=10_000,
                    "Unacknowledged messages held at once; two batches, so that one arrives while one is written.",
                )?,
                batch_size_max: env.read_in(
                    "CONSUMER_BATCH_SIZE_MAX",
                    "128",
                    1..=1_000,
                    "Events in one transaction; beyond about 100 a larger batch gains nothing.",
                )?,
            },
            time_scale: env.time_scale()?,
            json_logs: log_format == LogFormat::Json,
        })
    }

    fn vhost(&self) -> String {
        let url = self.amqp_url.expose_secret();
        let path = url.split('?').next().unwrap_or_default().rsplit_once('@').map_or("", |(_, place)| place);
        let vhost = path.split_once('/').map_or("", |(_, vhost)| vhost);
        if vhost.is_empty() { "/".to_owned() } else { vhost.replace("%2f", "/").replace("%2F", "/") }
    }
}

/// What a service's HTTP routes work with.
#[derive(Debug)]
pub struct App<P: Participant> {
    participant: Arc<P>,
    pool: PgPool,
    intake: IntakeHandle<P>,
}

impl<P: Participant> Clone for App<P> {
    fn clone(&self) -> Self {
        Self { participant: self.participant.clone(), pool: self.pool.clone(), intake: self.intake.clone() }
    }
}

impl<P: Participant> App<P> {
    /// The service's database, for reading and for rows outside the saga.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The participant, with its configuration.
    #[must_use]
    pub fn participant(&self) -> &P {
        &self.participant
    }

    /// Where commands are decided.
    #[must_use]
    pub fn engine(&self) -> Commands<'_, P> {
        Commands { intake: &self.intake }
    }
}

/// The commands' entrance to the engine.
#[derive(Debug)]
pub struct Commands<'a, P: Participant> {
    intake: &'a IntakeHandle<P>,
}

impl<P: Participant> Commands<'_, P> {
    /// Decides a person's command in a transaction with others that wait. Its events carry
    /// `correlation`, or a new one.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn command(
        &self,
        order: OrderId,
        input: P::Input,
        correlation: Option<CorrelationId>,
    ) -> Result<Committed<P>, CommandError> {
        let correlation = correlation.unwrap_or_else(|| CorrelationId(Uuid::now_v7()));
        self.intake.command(order, input, correlation).await
    }
}

/// The main function of a service: reads the configuration, runs until SIGTERM, drains.
///
/// # Errors
/// When the configuration is wrong, the handler and the catalogue disagree, or the port is taken.
pub fn run<P: Participant>(
    participant: impl FnOnce(&mut Reader) -> Result<P, ConfigError>,
    routes: impl FnOnce(App<P>) -> Router,
) -> anyhow::Result<()> {
    // One TLS story for everything; an error only says that it was installed before. First of all,
    // because a participant may build its HTTP client while it reads its configuration.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut env = Reader::from_env();
    let base = Base::read(&mut env)?;
    let participant = participant(&mut env)?;
    if std::env::args().any(|argument| argument == "--print-config") {
        print!("{}", env.print());
        return Ok(());
    }
    topology::check_handler(P::SERVICE, P::handles).map_err(anyhow::Error::msg)?;
    telemetry::logs(base.json_logs)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(base, participant, routes))
}

async fn serve<P: Participant>(
    base: Base,
    participant: P,
    routes: impl FnOnce(App<P>) -> Router,
) -> anyhow::Result<()> {
    let name = P::SERVICE.name();
    let prometheus = telemetry::metrics()?;
    let participant = Arc::new(participant);
    let pool = db::pool(&base.database_url, name, base.database_connections_max)?;
    let stopping = CancellationToken::new();

    // The parts stop one after the other, each when nothing can reach it any more.
    let (stop_intake, stop_relay, stop_publisher) =
        (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
    let effects = TaskTracker::new();
    let (publisher_handle, publisher) = publisher::channel(base.amqp_url.clone(), name);
    let (relay_handle, relay) = relay::channel(pool.clone(), publisher_handle.clone());
    let (intake_handle, intake) = intake::channel();
    let runner = EffectRunner::new(intake_handle.clone(), effects.clone());
    let engine = Arc::new(Engine::new(participant.clone(), pool.clone(), relay_handle, runner));

    let consuming = Connected::default();
    let health = Health {
        service: concat_service(name),
        pool: pool.clone(),
        publishing: publisher_handle.connected(),
        consuming: consuming.clone(),
        topology: Arc::new(Mutex::new(None)),
        stopping: stopping.clone(),
    };
    let app = App { participant, pool: pool.clone(), intake: intake_handle.clone() };
    let listener = tokio::net::TcpListener::bind(base.http_addr)
        .await
        .with_context(|| format!("cannot listen on {}; is the port taken? Set HTTP_ADDR", base.http_addr))?;
    let router = http::layers::around(
        routes(app)
            .merge(http::health::routes(health.clone(), prometheus.clone()))
            .merge(saga_log_route(pool.clone())),
    );

    let publishing = tokio::spawn(publisher::run(publisher, stop_publisher.clone()));
    let relaying = tokio::spawn(relay::run(relay, stop_relay.clone()));
    let deciding = tokio::spawn(intake::run(intake, engine.clone(), intake_handle, stop_intake.clone()));
    let topology = tokio::spawn(watch_topology(
        P::SERVICE,
        base_management(&base)?,
        base.time_scale,
        health,
        stopping.clone(),
    ));
    let ticking = tokio::spawn(timers::run(engine.clone(), stopping.clone()));
    let consuming = tokio::spawn(consumer::run(
        Consumer {
            url: base.amqp_url.clone(),
            engine,
            publisher: publisher_handle,
            limits: base.limits,
            connected: consuming,
        },
        stopping.clone(),
    ));
    let upkeep = tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            prometheus.run_upkeep();
        }
    });
    tokio::spawn(wait_for_signal(stopping.clone()));

    tracing::info!(service = name, http = %base.http_addr, "started");
    let shutdown = stopping.clone();
    axum::serve(tcp_nodelay(listener), router)
        .with_graceful_shutdown(async move { shutdown.cancelled().await })
        .await?;

    // Nothing new comes in from HTTP; what is under way is brought to its end.
    let _ = tokio::join!(consuming, ticking, topology);
    effects.close();
    if tokio::time::timeout(DRAIN_TIMEOUT, effects.wait()).await.is_err() {
        tracing::warn!(
            left = effects.len(),
            "effects still under way; timers will find out what became of them"
        );
    }
    stop_intake.cancel();
    let _ = deciding.await;
    stop_relay.cancel();
    // A broker that is away must not hold up the end: what is unsent is swept after the next start.
    if tokio::time::timeout(DRAIN_TIMEOUT, relaying).await.is_err() {
        tracing::warn!("the broker is away; unsent events stay in the outbox");
    }
    stop_publisher.cancel();
    let _ = tokio::time::timeout(Duration::from_secs(2), publishing).await;
    upkeep.abort();
    pool.close().await;
    tracing::info!(service = name, "stopped");
    Ok(())
}

fn concat_service(name: &'static str) -> &'static str {
    match name {
        "order" => "order-service",
        "inventory" => "inventory-service",
        "payment" => "payment-service",
        "shipping" => "shipping-service",
        other => other,
    }
}

fn base_management(base: &Base) -> anyhow::Result<Management> {
    Ok(Management::new(base.management_url.expose_secret(), &base.vhost())?)
}

fn tcp_nodelay(listener: tokio::net::TcpListener) -> impl axum::serve::Listener<Addr = SocketAddr> {
    use axum::serve::ListenerExt as _;
    listener.tap_io(|stream| {
        // Answers are small; waiting to fill a packet would cost 40 ms each.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot switch Nagle's algorithm off");
        }
    })
}

fn saga_log_route(pool: PgPool) -> Router {
    Router::new().route(
        "/saga-logs/{order_id}",
        get(move |Path(order): Path<OrderId>| async move {
            saga_log::read(&pool, order).await.map(Json).map_err(Problem::from)
        }),
    )
}

async fn watch_topology(
    service: shared_events::Service,
    management: Management,
    time_scale: u32,
    health: Health,
    stop: CancellationToken,
) {
    loop {
        let found = match topology::check::differences(&management, service, time_scale).await {
            Ok(found) => found,
            Err(error) => vec![format!("{:#}", anyhow::Error::new(error))],
        };
        let well = found.is_empty();
        if let Ok(mut known) = health.topology.lock() {
            if !well && known.as_ref() != Some(&found) {
                tracing::error!(problems = ?found, "the broker's topology differs; run `sagactl topology apply`");
            }
            *known = Some(found);
        }
        metrics::gauge!("broker_topology_problems").set(if well { 0.0 } else { 1.0 });
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(if well { TOPOLOGY_INTERVAL } else { TOPOLOGY_RETRY }) => {}
        }
    }
}

async fn wait_for_signal(stopping: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("cannot listen for signals; stop the process with SIGKILL");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("asked to stop; draining");
    stopping.cancel();
}
