//! The broker dies, is restarted, hangs up, takes nothing more, or loses part of its topology.

use std::time::{Duration, Instant};

use rand::Rng as _;
use reqwest::Method;
use serde_json::json;
use system_tests::eventually_within;
use tokio::net::TcpStream;

use super::{LOOK, RATE, RunsAgain, figure, names, rabbitmqctl, server, unsent};
use crate::{
    arena::{Arena, Tally},
    customers::Traffic,
    fault::{Evidence, Fault, Trials, everybody, participants},
};

/// How long a broker may take to boot, and a service to find it; far beyond what is wanted of them.
const RETURN_MAX: Duration = Duration::from_secs(60);
/// How long an alarm lasts: some hundred orders.
const ALARM: Duration = Duration::from_secs(4);
/// How long a queue takes nothing.
const FULL: Duration = Duration::from_secs(3);
/// How long a part of the topology is missing.
const MISSING: Duration = Duration::from_secs(1);
/// How long a backlog may take to be sent: one claim of the outbox (15 s) and then some.
const BACKLOG_MAX: Duration = Duration::from_secs(60);

/// How long a new connection may take to be listed.
const LISTED_WITHIN: Duration = Duration::from_secs(15);

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "broker killed",
        what: "kill -9 of the broker under load, started again at once",
        trials: Trials { sample: 1, full: 16 },
        options: everybody,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(down_and_up(arena, "kill")),
        evidence: &[Evidence::Swept, Evidence::BothEnds],
    },
    Fault {
        name: "broker stopped",
        what: "the broker is shut down in good order under load, and started again",
        trials: Trials { sample: 0, full: 12 },
        options: everybody,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(down_and_up(arena, "stop")),
        evidence: &[Evidence::Swept, Evidence::BothEnds],
    },
    Fault {
        name: "all connections closed by the broker",
        what: "an operator closes every AMQP connection of the platform",
        trials: Trials { sample: 2, full: 40 },
        options: participants,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(hung_up_on(arena)),
        evidence: &[Evidence::BothEnds],
    },
    Fault {
        name: "alarm: relays paused with a backlog",
        what: "a memory alarm, then a disk alarm, of 4 s: nothing is published, everything is accepted, and \
               the backlog is sent afterwards",
        trials: Trials { sample: 0, full: 8 },
        options: participants,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(alarmed(arena)),
        evidence: &[Evidence::BothEnds],
    },
    Fault {
        name: "queue full",
        what: "a participant is away and its inbox takes three messages and no more: producers keep the \
               rest and send it when there is room",
        trials: Trials { sample: 0, full: 9 },
        options: participants,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(full(arena)),
        evidence: &[Evidence::Swept, Evidence::BothEnds],
    },
    Fault {
        name: "inbox deleted, binding removed",
        what: "an inbox is deleted with what is in it, or loses a binding; mended 1 s later, and what was \
               lost is said again",
        trials: Trials { sample: 0, full: 12 },
        options: everybody,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(dismantled(arena)),
        evidence: &[Evidence::BothEnds],
    },
];

async fn down_and_up(arena: &Arena, verb: &'static str) {
    let mut consuming = Vec::new();
    while arena.goes_on() {
        let pause = arena.roll(|dice| dice.random_range(100..900));
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let met = arena.meets().await;
        let again = RunsAgain::new(arena, "rabbitmq");
        server(arena, verb, "rabbitmq").await;
        let (back, ()) = tokio::join!(consuming_again(arena), server(arena, "start", "rabbitmq"));
        drop(again);
        consuming.extend(back);
        arena.tally(Tally::BrokerKills, 1);
        arena.trial(met);
        arena.recovers().await;
    }
    figure(arena, "consuming again", consuming);
}

/// From the moment when the broker's port opens: how long each service takes to say that it consumes.
async fn consuming_again(arena: &Arena) -> Vec<Duration> {
    let port: u16 = arena.platform.stack().get("AMQP_PORT").parse().unwrap();
    eventually_fast("the broker's port opens", async || {
        TcpStream::connect(("127.0.0.1", port)).await.is_ok()
    })
    .await;
    let opened = Instant::now();
    let each = names(arena).into_iter().map(async |service| {
        let url = arena.platform.url(service, "/readyz");
        let what = format!("{service} consumes again");
        eventually_fast(&what, async || match arena.platform.http().get(&url).await {
            Ok(answer) => answer.json()["checks"]["broker_consume"] == "ok",
            Err(_) => false,
        })
        .await;
        opened.elapsed()
    });
    futures::future::join_all(each).await
}

/// Looks every 10 ms, because it measures.
async fn eventually_fast(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + RETURN_MAX;
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}: not within {RETURN_MAX:?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Closes all; the broker lists a connection only some seconds after it was opened.
async fn closed_connections(arena: &Arena) -> usize {
    let deadline = Instant::now() + LISTED_WITHIN;
    loop {
        let closed = arena.platform.broker().close_connections().await;
        if closed > 0 || Instant::now() > deadline {
            return closed;
        }
        tokio::time::sleep(LOOK * 20).await;
    }
}

async fn hung_up_on(arena: &Arena) {
    let mut closed = 0;
    while arena.goes_on() {
        let pause = arena.roll(|dice| dice.random_range(50..600));
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let met = arena.meets().await;
        let connections = closed_connections(arena).await;
        closed += connections;
        arena.trial(met && connections > 0);
        arena.recovers().await;
    }
    arena.figure("connections closed", closed);
}

/// Ends both alarms, also when a fault is broken off.
struct Calm(system_tests::Stack);

impl Drop for Calm {
    fn drop(&mut self) {
        // The broker's own default, and what deploy/local sets.
        self.0.rabbitmqctl(&["set_vm_memory_high_watermark", "0.4"]);
        self.0.rabbitmqctl(&["set_disk_free_limit", "512MB"]);
    }
}

async fn alarmed(arena: &Arena) {
    let kinds = [
        ("mem_alarm", ["set_vm_memory_high_watermark", "0.00001"]),
        ("disk_free_alarm", ["set_disk_free_limit", "1000000GB"]),
    ];
    let (mut backlogs, mut drained) = (Vec::new(), Vec::new());
    for (alarm, command) in kinds.into_iter().cycle() {
        if !arena.goes_on() {
            break;
        }
        let calm = Calm(arena.platform.stack().clone());
        rabbitmqctl(arena, &command).await;
        eventually_within(RETURN_MAX, alarm, async || {
            let nodes = arena.platform.broker().admin(Method::GET, "nodes", None).await;
            if nodes[0][alarm] == true { Ok(()) } else { Err("it does not ring") }
        })
        .await;
        tokio::time::sleep(ALARM).await;
        let backlog = unsent(arena).await;
        tokio::task::spawn_blocking(move || drop(calm)).await.unwrap();
        let calmed = Instant::now();
        drained.push(until_sent(arena, backlog, calmed).await);
        backlogs.push(backlog);
        arena.trial(backlog > 0);
        arena.recovers().await;
    }
    arena.figure("backlog", format!("{backlogs:?} events"));
    figure(arena, "backlog sent after", drained);
}

/// How long a backlog took to be sent, most of it: new events come in meanwhile.
async fn until_sent(arena: &Arena, backlog: i64, since: Instant) -> Duration {
    eventually_within(BACKLOG_MAX, "the backlog is sent", async || match unsent(arena).await {
        few if few <= backlog / 10 => Ok(()),
        many => Err(format!("{many} of {backlog} are unsent")),
    })
    .await;
    since.elapsed()
}

async fn full(arena: &Arena) {
    let broker = arena.platform.broker();
    let policy = format!("operator-policies/{}/full", broker.vhost());
    let mut kept = Vec::new();
    for service in ["inventory", "payment", "shipping"].into_iter().cycle() {
        if !arena.goes_on() {
            break;
        }
        // An operator's policy is joined to the one that the inbox has, whose overflow says that what
        // does not fit is refused.
        let few = json!({
            "pattern": format!(r"^{service}\.inbox$"), "definition": { "max-length": 3 },
            "apply-to": "queues",
        });
        broker.admin(Method::PUT, &policy, Some(few)).await;
        arena.platform.kill(service);
        tokio::time::sleep(FULL).await;
        let backlog = unsent(arena).await;
        kept.push(backlog);
        broker.admin(Method::DELETE, &policy, None).await;
        arena.platform.launch(service, &[]);
        arena.tally(Tally::ServiceKills, 1);
        arena.trial(backlog > 0);
        arena.recovers().await;
    }
    arena.figure("kept by producers", format!("{kept:?} events"));
}

async fn dismantled(arena: &Arena) {
    let (platform, broker) = (&arena.platform, arena.platform.broker());
    let bindings = [
        ("order.events", "payment", "order.placed"),
        ("order.events", "shipping", "order.confirmed"),
        ("inventory.events", "order", "inventory.reserved"),
        ("payment.events", "analytics", "payment.succeeded"),
    ];
    let mut deletes = true;
    while arena.goes_on() {
        let (exchange, service, key) = arena.roll(|dice| bindings[dice.random_range(0..bindings.len())]);
        let queue = format!("{service}.inbox");
        let met = arena.meets().await;
        if deletes {
            broker.admin(Method::DELETE, &format!("queues/{}/{queue}", broker.vhost()), None).await;
        } else {
            broker.unbind(exchange, &queue, key).await;
        }
        deletes = !deletes;
        tokio::time::sleep(MISSING).await;
        platform.apply_topology().await;
        arena.trial(met);
        arena.recovers().await;
    }
}
