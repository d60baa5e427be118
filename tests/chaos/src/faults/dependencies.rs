//! What the saga can do without: counters, mail, the scorer, and the services that only watch.

use std::time::{Duration, Instant};

use lapin::{Channel, options::QueueDeclareOptions, types::FieldTable};
use rand::Rng as _;
use system_tests::{Weather, Wire};

use super::{
    impersonator::Impersonator,
    mailserver::{MailServer, Mood},
};
use crate::{
    arena::{Allowance, Arena},
    customers::{Kind, Traffic},
    fault::{Evidence, Fault, Trials, by_build, everybody},
};

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "counters lost",
        what: "Redis down, mute, or emptied",
        trials: Trials { sample: 0, full: 48 },
        options: || everybody().proxied(),
        traffic: || Traffic::mixed(by_build(8.0, 20.0)),
        inject: |arena| Box::pin(counters_lost(arena)),
        evidence: &[Evidence::BothEnds],
    },
    Fault {
        name: "mail server away",
        what: "the mail server silent, gone, or busy for a while; each mail must still be taken once",
        trials: Trials { sample: 0, full: 21 },
        options: everybody,
        traffic: || Traffic::mixed(by_build(6.0, 15.0)),
        inject: |arena| Box::pin(mail_away(arena)),
        evidence: &[Evidence::BothEnds],
    },
    Fault {
        name: "scorer and observers away",
        what: "ai (while charges wait for its verdict), notification, analytics and gateway gone for seconds",
        trials: Trials { sample: 0, full: 40 },
        options: || everybody().with("payment", "FRAUD_MODE", "gate"),
        traffic: || Traffic::mixed(by_build(8.0, 20.0)),
        inject: |arena| Box::pin(observers_away(arena)),
        evidence: &[Evidence::BothEnds],
    },
];

/// How long something may take to be as it was once it may.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// Waits until this is true; says so when it never is.
async fn until(arena: &Arena, what: &str, mut is_true: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true().await {
        if Instant::now() > deadline {
            return arena.violation(format!("{what}: not within {PATIENCE:?}"));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// From which of its stores analytics answers.
async fn served_from(arena: &Arena) -> String {
    let answer = arena.platform.ask("analytics", "/metrics").await;
    answer.headers.get("x-served-from").and_then(|from| from.to_str().ok()).unwrap_or_default().to_owned()
}

async fn counters_lost(arena: &Arena) {
    let cable = arena.platform.proxy("analytics", Wire::Redis);
    let (mut keys, mut trial) = (0, arena.roll(|dice| dice.random_range(0..3)));
    while arena.goes_on() {
        trial += 1;
        let lasts = Duration::from_millis(arena.roll(|dice| dice.random_range(200..1_200)));
        let met = arena.meets().await;
        match trial % 3 {
            0 => keys += arena.platform.lose_counters().await,
            kind => {
                cable.weather(if kind == 1 { Weather::Down } else { Weather::BlackHole });
                until(arena, "analytics answers from Postgres", async || {
                    served_from(arena).await == "postgres"
                })
                .await;
                tokio::time::sleep(lasts).await;
                // What Redis forgets while nobody can reach it must be noticed too.
                keys += arena.platform.lose_counters().await;
                cable.weather(Weather::Clear);
            }
        }
        arena.trial(met);
        arena.recovers().await;
        until(arena, "analytics answers from Redis again", async || served_from(arena).await == "redis")
            .await;
    }
    arena.figure("counters lost", keys);
}

async fn queued(arena: &Arena, attempts: i64) -> i64 {
    let waiting =
        "SELECT count(*) FROM notifications WHERE status = 'queued' AND channel = 'email' AND attempts >= ";
    arena.platform.count("notification", &format!("{waiting}{attempts}")).await
}

async fn mail_away(arena: &Arena) {
    arena.allow(Allowance::MailElsewhere);
    let server = MailServer::open().await;
    arena.platform.terminate("notification").await;
    arena.platform.launch("notification", &[("SMTP_URL", &server.url())]);
    arena.platform.ready("notification").await;
    const MAILS: &str = "SELECT count(*) FROM notifications WHERE channel = 'email'";
    let in_the_folder = arena.platform.count("notification", MAILS).await;
    let mut mood = arena.roll(|dice| dice.random_range(0..3));
    let mut held = 0;
    while arena.goes_on() {
        mood += 1;
        let lasts = Duration::from_millis(arena.roll(|dice| dice.random_range(800..2_000)));
        let met = arena.meets().await;
        server.is([Mood::Silent, Mood::Closed, Mood::Busy][mood % 3]);
        let began = Instant::now();
        // Those who order notice nothing of it.
        arena.recovers().await;
        tokio::time::sleep(lasts.saturating_sub(began.elapsed())).await;
        let waiting = queued(arena, 0).await;
        held += waiting;
        server.is(Mood::Willing);
        arena.trial(met && waiting > 0);
        until(arena, "the mails that waited are taken", async || queued(arena, 2).await == 0).await;
    }
    arena.customers.close();
    until(arena, "no order is on its way", async || arena.in_flight().await == 0).await;
    until(arena, "all mails are taken", async || queued(arena, 0).await == 0).await;
    let taken = server.taken();
    let copies = taken.values().filter(|times| **times > 1).count();
    if copies > 0 {
        arena
            .violation(format!("{copies} mails were taken more than once, though none of them was in doubt"));
    }
    let written = arena.platform.count("notification", MAILS).await - in_the_folder;
    // Of those written before the change of servers some may have gone the new way.
    if (taken.len() as i64) < written {
        arena.violation(format!("{written} mails were written and {} taken", taken.len()));
    }
    arena.figure("mails taken", taken.len());
    arena.figure("mails that waited", held);
    arena.platform.terminate("notification").await;
    arena.platform.launch("notification", &[]);
    arena.platform.ready("notification").await;
    arena.recovers().await;
}

/// Messages in an inbox that nobody has yet.
async fn depth(channel: &Channel, service: &str) -> u32 {
    let there = QueueDeclareOptions { passive: true, ..Default::default() };
    let inbox = format!("{service}.inbox");
    channel.queue_declare(inbox.into(), there, FieldTable::default()).await.unwrap().message_count()
}

async fn observers_away(arena: &Arena) {
    let impersonator = Impersonator::enter(&arena.platform).await;
    let channel = impersonator.channel().await;
    let mut deepest = 0;
    let mut turn = arena.roll(|dice| dice.random_range(0..4));
    while arena.goes_on() {
        turn += 1;
        let service = ["ai", "notification", "analytics", "gateway"][turn % 4];
        let lasts = Duration::from_millis(arena.roll(|dice| dice.random_range(500..2_000)));
        let met = arena.meets().await;
        arena.platform.kill(service);
        let began = Instant::now();
        // Without it an order is confirmed all the same: a missing verdict lets the charge pass.
        let order = arena.customers.insist(Kind::Ok).await;
        until(arena, &format!("order {order} is confirmed without {service}"), async || {
            let confirmed =
                format!("SELECT count(*) FROM orders WHERE order_id = '{order}' AND status = 'confirmed'");
            arena.platform.count("order", &confirmed).await == 1
        })
        .await;
        tokio::time::sleep(lasts.saturating_sub(began.elapsed())).await;
        let waiting = depth(&channel, service).await;
        deepest = deepest.max(waiting);
        if waiting == 0 {
            arena.violation(format!("nothing waits for {service} although it is away"));
        }
        arena.platform.launch(service, &[]);
        arena.trial(met);
        arena.recovers().await;
        until(arena, &format!("{service} has read what waited"), async || {
            depth(&channel, service).await < 50
        })
        .await;
    }
    arena.figure("deepest inbox", deepest);
    impersonator.leave(&arena.platform).await;
}
