//! Postgres dies, hangs up, gives no answer to a commit, is slow, mute, or has no room.

use std::time::Duration;

use futures::future::join_all;
use rand::{Rng as _, seq::IndexedRandom as _};
use sqlx::Executor as _;
use system_tests::{Towards, Trap, Weather, Wire};

use super::{RATE, RunsAgain, names, server};
use crate::{
    arena::{Arena, Tally},
    customers::Traffic,
    fault::{Evidence, Fault, Trials, everybody, participants},
};

/// How long a database is slow, mute, or full.
const AWAY: Duration = Duration::from_secs(2);
/// How much a slow database holds up each piece of each answer and question.
const SLOW: Duration = Duration::from_millis(40);
/// How long the same traps lie.
const TRAPPED: Duration = Duration::from_millis(500);

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "Postgres killed",
        what: "kill -9 of Postgres and so of all its backends under load, started again at once",
        trials: Trials { sample: 1, full: 55 },
        options: everybody,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(down_and_up(arena, "kill")),
        evidence: &[Evidence::AskedAgain, Evidence::MessagesHeld, Evidence::BothEnds],
    },
    Fault {
        name: "Postgres stopped",
        what: "Postgres is shut down (fast: clients are cut off) under load, and started again",
        trials: Trials { sample: 0, full: 8 },
        options: participants,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(down_and_up(arena, "stop")),
        evidence: &[Evidence::AskedAgain, Evidence::MessagesHeld, Evidence::BothEnds],
    },
    Fault {
        name: "backends terminated",
        what: "all connections of one service, or of all, to their databases are terminated three times in a row",
        trials: Trials { sample: 2, full: 100 },
        options: participants,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(terminated(arena)),
        evidence: &[Evidence::BothEnds],
    },
    Fault {
        name: "commit of unknown outcome",
        what: "the connection is cut when COMMIT passes: before Postgres has it, after, or when its answer \
               is on the way back; at every service at once",
        trials: Trials { sample: 25, full: 600 },
        options: || participants().proxied(),
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(cut_commits(arena)),
        evidence: &[Evidence::UnknownCommits, Evidence::BothEnds],
    },
    Fault {
        name: "database slow, mute or full",
        what: "for 2 s: every answer 40 ms late; no answer at all; no connection to be had; all connections \
               taken by transactions that wait for a lock",
        trials: Trials { sample: 4, full: 40 },
        options: || participants().proxied(),
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(troubled(arena)),
        evidence: &[Evidence::MessagesHeld, Evidence::BothEnds],
    },
];

async fn down_and_up(arena: &Arena, verb: &'static str) {
    while arena.goes_on() {
        let pause = arena.roll(|dice| dice.random_range(100..900));
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let met = arena.meets().await;
        let again = RunsAgain::new(arena, "postgres");
        server(arena, verb, "postgres").await;
        server(arena, "start", "postgres").await;
        drop(again);
        if verb == "kill" {
            arena.tally(Tally::PostgresKills, 1);
        }
        arena.trial(met);
        arena.recovers().await;
    }
}

const TERMINATE: &str = "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
     WHERE datname = current_database() AND usename <> current_user) AS terminated";

async fn terminated(arena: &Arena) {
    let services = names(arena);
    let mut terminated = 0;
    while arena.goes_on() {
        let met = arena.meets().await;
        let all = arena.roll(|dice| dice.random_range(0..4) == 0);
        let one = arena.roll(|dice| services[dice.random_range(0..services.len())]);
        let whose: &[&str] = if all { &services } else { &[one] };
        let mut now = 0;
        for _ in 0..3 {
            let each = whose.iter().map(|service| arena.platform.count(service, TERMINATE));
            now += join_all(each).await.into_iter().sum::<i64>();
            let pause = arena.roll(|dice| dice.random_range(10..150));
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        terminated += now;
        arena.trial(met && now > 0);
        arena.recovers().await;
    }
    arena.figure("backends terminated", terminated);
}

/// What may happen to a commit: it does not arrive; it arrives and nobody is told; its answer is lost.
fn fates() -> [(&'static str, Trap); 3] {
    let trap =
        |towards, pattern: &[u8], passing| Trap { towards, pattern: pattern.to_vec(), passing, every: 1 };
    [
        ("never arrived", trap(Towards::Server, b"COMMIT\0", false)),
        ("arrived, cut", trap(Towards::Server, b"COMMIT\0", true)),
        ("answer lost", trap(Towards::Client, b"COMMIT\0", false)),
    ]
}

async fn cut_commits(arena: &Arena) {
    let services = names(arena);
    let mut cut = [0; 3];
    let cuts = |service: &&str| arena.platform.proxy(service, Wire::Postgres).cuts();
    while arena.goes_on() {
        // The same fate for all, so that cuts can be told apart; another frequency for each.
        let (fate, mut trap) = arena.roll(|dice| {
            let fate = dice.random_range(0..3);
            (fate, fates()[fate].1.clone())
        });
        let before: u64 = services.iter().map(cuts).sum();
        for service in &services {
            trap.every = arena.roll(|dice| *[2, 3, 5, 8].choose(dice).unwrap());
            arena.platform.proxy(service, Wire::Postgres).trap(vec![trap.clone()]);
        }
        tokio::time::sleep(TRAPPED).await;
        for service in &services {
            arena.platform.proxy(service, Wire::Postgres).trap(Vec::new());
        }
        // A proxy counts while it springs; nothing is cut after the traps are gone.
        let now = services.iter().map(cuts).sum::<u64>() - before;
        cut[fate] += now;
        arena.tally(Tally::CutCommits, now);
        // Whoever commits has work in hand.
        (0..now).for_each(|_| arena.trial(true));
        arena.recovers().await;
    }
    for ((name, _), times) in fates().iter().zip(cut) {
        arena.figure(name, times);
    }
}

async fn troubled(arena: &Arena) {
    let services = names(arena);
    for kind in (0..4).cycle() {
        if !arena.goes_on() {
            break;
        }
        let service = arena.roll(|dice| services[dice.random_range(0..services.len())]);
        let met = arena.meets().await;
        match kind {
            0 => weather(arena, &services, Weather::Slow(SLOW)).await,
            1 => weather(arena, &[service], Weather::BlackHole).await,
            2 => no_connections(arena, service).await,
            _ => all_connections_wait(arena, service).await,
        }
        arena.trial(met);
        arena.recovers().await;
    }
}

async fn weather(arena: &Arena, services: &[&str], weather: Weather) {
    let set = |weather| {
        for service in services {
            arena.platform.proxy(service, Wire::Postgres).weather(weather);
        }
    };
    set(weather);
    tokio::time::sleep(AWAY).await;
    set(Weather::Clear);
}

/// The service may not connect any more, and what it has is taken away. Administrators still may: the
/// limit does not hold for them.
async fn no_connections(arena: &Arena, service: &str) {
    let limit = |limit: i32| {
        let database = format!("{}_{service}", arena.platform.name());
        format!("ALTER DATABASE {database} CONNECTION LIMIT {limit}")
    };
    arena.platform.sql(service, &limit(0)).await;
    arena.platform.count(service, TERMINATE).await;
    tokio::time::sleep(AWAY).await;
    arena.platform.sql(service, &limit(-1)).await;
}

/// Every transaction of the service waits for a lock that a stranger holds, until the pool is empty.
async fn all_connections_wait(arena: &Arena, service: &str) {
    let mut stranger = arena.platform.database(service).await;
    stranger.execute("BEGIN; LOCK TABLE saga_log, outbox IN ACCESS EXCLUSIVE MODE").await.unwrap();
    tokio::time::sleep(AWAY).await;
    stranger.execute("ROLLBACK").await.unwrap();
}
