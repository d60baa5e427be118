//! From a participant to a running service: start in order, run, drain, stop.

use std::{
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context as _;
use futures::FutureExt as _;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    app::App,
    broker::{
        connection::Connected,
        consumer::{self, Consumer},
        publisher,
    },
    config::{ConfigError, Reader},
    db,
    drain::Running,
    effects::EffectRunner,
    engine::Engine,
    faults,
    http::{self, health::Health, openapi::OpenApiRouter},
    intake,
    outbox::relay,
    participant::Participant,
    settings::Settings,
    telemetry,
    timers::sweep,
    topology::{self, watch},
};

/// How long an answer may wait for a client that takes nothing of it. Without an end, readers that stand
/// still, or are gone without a word, would keep the places of the gateway's streams for ever.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How often the metrics recorder folds what it has gathered.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// The main function of a service: reads the configuration, runs until SIGTERM, drains.
///
/// # Errors
/// When the configuration is wrong, the handler and the catalogue disagree, or the port is taken.
pub fn run<P: Participant>(
    participant: impl FnOnce(&mut Reader) -> Result<P, ConfigError>,
    routes: impl FnOnce(App<P>) -> OpenApiRouter,
) -> anyhow::Result<()> {
    // One TLS story for everything; an error only says that it was installed before. First of all,
    // because a participant may build its HTTP client while it reads its configuration.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut env = Reader::from_env();
    let settings = Settings::read(&mut env)?;
    let participant = participant(&mut env)?;
    if std::env::args().any(|argument| argument == "--print-config") {
        print!("{}", env.print());
        return Ok(());
    }
    topology::check_handler(P::SERVICE, P::handles).map_err(anyhow::Error::msg)?;
    telemetry::logs(settings.json_logs)?;
    faults::check().map_err(anyhow::Error::msg)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(settings, participant, routes));
    // Dropping the runtime would wait for whatever still blocks a thread (the look-up of a name, say).
    runtime.shutdown_background();
    served
}

async fn serve<P: Participant>(
    settings: Settings,
    participant: P,
    routes: impl FnOnce(App<P>) -> OpenApiRouter,
) -> anyhow::Result<()> {
    let name = P::SERVICE.name();
    // First of all: a signal that came before would end the process as a crash does.
    let mut signals = Signals::listen()?;
    let prometheus = telemetry::metrics()?;
    let listener = tokio::net::TcpListener::bind(settings.http_addr).await.with_context(|| {
        format!("cannot listen on {}; is the port taken? Set HTTP_ADDR", settings.http_addr)
    })?;
    let (running, app, health) = start(&settings, participant)?;
    let pool = app.pool.clone();
    let routes = routes(app)
        .merge(http::health::routes(health))
        .merge(http::saga_log::routes(pool.clone()))
        .merge(http::outbox::routes(pool.clone()))
        .merge(http::prometheus::routes(P::PROMETHEUS_PATH, prometheus.clone()));
    let routes = http::openapi::with_document(P::SERVICE, routes);
    let router = http::layers::around(routes, running.stopping.clone());
    let upkeep = tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP_INTERVAL).await;
            prometheus.run_upkeep();
        }
    });
    tracing::info!(service = name, http = %settings.http_addr, "started");
    let graceful = running.stop_serving.clone().cancelled_owned();
    let serving = axum::serve(tuned(listener), router).with_graceful_shutdown(graceful);
    let mut serving = tokio::spawn(serving.into_future());
    tokio::select! {
        ended = &mut serving => anyhow::bail!("HTTP ended by itself: {ended:?}"),
        () = signals.wait() => {}
    }
    tracing::info!("asked to stop; draining");
    running.drain(serving, pool, settings.drain_notice).await;
    upkeep.abort();
    tracing::info!(service = name, "stopped");
    Ok(())
}

fn start<P: Participant>(settings: &Settings, participant: P) -> anyhow::Result<(Running, App<P>, Health)> {
    let name = P::SERVICE.name();
    let participant = Arc::new(participant);
    let pools = db::pools(&settings.database_url, name, settings.database_connections_max)?;
    let token = CancellationToken::new;
    let (stopping, stop_serving, stop_intake) = (token(), token(), token());
    let (stop_relay, stop_publisher) = (token(), token());
    let effects = TaskTracker::new();

    let (publisher_handle, publisher) = publisher::channel(settings.amqp_url.clone(), name);
    let (relay_handle, relay) =
        relay::channel(pools.saga.clone(), publisher_handle.clone(), settings.time_scale);
    let (intake_handle, intake) = intake::channel();
    let runner = EffectRunner::new(intake_handle.clone(), effects.clone());
    let engine = Arc::new(Engine::new(participant.clone(), pools.saga, relay_handle, runner));

    let consuming = Connected::default();
    let health = Health {
        service: format!("{name}-service"),
        pool: pools.http.clone(),
        publishing: publisher_handle.connected(),
        consuming: consuming.clone(),
        topology: Arc::new(Mutex::new(None)),
        stopping: stopping.clone(),
    };
    let consumer = Consumer {
        url: settings.amqp_url.clone(),
        engine: engine.clone(),
        publisher: publisher_handle,
        limits: settings.limits,
        connected: consuming,
    };
    let watch = watch::run(
        P::SERVICE,
        settings.management()?,
        settings.time_scale,
        health.topology.clone(),
        stopping.clone(),
    );
    let app = App { participant, pool: pools.http, intake: intake_handle.clone() };
    // It lives as long as requests are taken, for some of them need it: the live feed, for one.
    let background = P::background(app.clone(), stop_serving.clone());
    let running = Running {
        publisher: essential("publisher", &stopping, publisher::run(publisher, stop_publisher.clone())),
        relay: essential("relay", &stopping, relay::run(relay, stop_relay.clone())),
        intake: tokio::spawn(intake::run(intake, engine.clone(), intake_handle, stop_intake.clone())),
        sources: vec![
            essential("consumer", &stopping, consumer::run(consumer, stopping.clone())),
            essential("timers", &stopping, sweep::run(engine, stopping.clone())),
            essential("topology watch", &stopping, watch),
            essential("background", &stopping, background),
        ],
        effects,
        stopping,
        stop_serving,
        stop_intake,
        stop_relay,
        stop_publisher,
    };
    Ok((running, app, health))
}

/// Runs a task without which the service would be up and do nothing. If it ends before it is asked
/// to, by a panic or otherwise, the process ends with it: whoever supervises it starts it again, and
/// nothing is lost that a crash would not lose.
fn essential(
    name: &'static str,
    stopping: &CancellationToken,
    task: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    let stopping = stopping.clone();
    tokio::spawn(async move {
        let ended = AssertUnwindSafe(task).catch_unwind().await;
        if ended.is_err() || !stopping.is_cancelled() {
            tracing::error!(
                task = name,
                panicked = ended.is_err(),
                "an essential task ended; ending the process"
            );
            std::process::exit(1);
        }
    })
}

fn tuned(listener: tokio::net::TcpListener) -> impl axum::serve::Listener<Addr = SocketAddr> {
    use axum::serve::ListenerExt as _;
    listener.tap_io(|stream| {
        // Answers are small; waiting to fill a packet would cost 40 ms each.
        let tuned = stream
            .set_nodelay(true)
            .and_then(|()| socket2::SockRef::from(&*stream).set_tcp_user_timeout(Some(UNREAD_TIMEOUT)));
        if let Err(error) = tuned {
            tracing::debug!(%error, "cannot tune a connection");
        }
    })
}

/// The signals that ask the process to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
