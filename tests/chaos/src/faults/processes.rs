//! Services that die, one at a time or all at once, are asked to stop, or stand still and wake up.

use std::time::{Duration, Instant};

use rand::{Rng as _, seq::SliceRandom as _};
use system_tests::eventually_within;

use super::{RATE, figure, names, signal};
use crate::{
    arena::{Arena, Tally},
    customers::Traffic,
    fault::{Evidence, Fault, Trials, everybody, participants},
};

/// From SIGTERM to the exit.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// A pause that nobody notices from outside: shorter than every timeout.
const SHORT_FREEZE: Duration = Duration::from_secs(3);
/// Longer than the broker and Postgres wait for a silent client.
const LONG_FREEZE: Duration = Duration::from_secs(90);
/// How long one that wakes up may take to see that its connections have gone.
const WAKING_MAX: Duration = Duration::from_secs(20);

/// Each service and one more of it.
const PAIRS: [[&str; 2]; 8] = [
    ["order", "order-2"],
    ["inventory", "inventory-2"],
    ["payment", "payment-2"],
    ["shipping", "shipping-2"],
    ["ai", "ai-2"],
    ["notification", "notification-2"],
    ["analytics", "analytics-2"],
    ["gateway", "gateway-2"],
];

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "service killed at any moment",
        what: "kill -9 of one service after another, at random moments under load; started again at once",
        trials: Trials { sample: 8, full: 250 },
        options: everybody,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(killed_at_any_moment(arena)),
        evidence: &[Evidence::DuplicatesDropped, Evidence::AskedAgain, Evidence::BothEnds],
    },
    Fault {
        name: "all services killed at once",
        what: "kill -9 of all services in the same instant, started again in random order",
        trials: Trials { sample: 1, full: 15 },
        options: everybody,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(all_killed_at_once(arena)),
        evidence: &[Evidence::DuplicatesDropped, Evidence::AskedAgain, Evidence::BothEnds],
    },
    Fault {
        name: "one of two replicas killed",
        what: "two replicas of every service; kill -9 of one of the sixteen, again and again",
        trials: Trials { sample: 0, full: 80 },
        options: everybody,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(replicas_killed(arena)),
        evidence: &[Evidence::DuplicatesDropped, Evidence::BothEnds],
    },
    Fault {
        name: "SIGTERM under load",
        what: "each service in turn is asked to stop: exit status 0 within 5 s; started again at once",
        trials: Trials { sample: 4, full: 64 },
        options: everybody,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(terminated(arena)),
        evidence: &[Evidence::BothEnds],
    },
    Fault {
        name: "service frozen for 3 s",
        what: "SIGSTOP of one service, SIGCONT 3 s later: it goes on as if nothing had been",
        trials: Trials { sample: 0, full: 24 },
        options: participants,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(frozen_shortly(arena)),
        evidence: &[Evidence::BothEnds],
    },
    Fault {
        name: "consumer frozen for 90 s",
        what: "one replica of each participant stands still until all its connections are gone and the other \
               has taken its work, then wakes up in the middle of what it was doing",
        trials: Trials { sample: 0, full: 8 },
        options: participants,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(frozen_long(arena)),
        evidence: &[Evidence::BothEnds],
    },
];

async fn killed_at_any_moment(arena: &Arena) {
    let mut deck = Vec::new();
    while arena.goes_on() {
        // Everybody once, in random order, before anybody dies again.
        if deck.is_empty() {
            deck = names(arena);
            arena.roll(|dice| deck.shuffle(dice));
        }
        let Some(service) = deck.pop() else { return };
        let pause = arena.roll(|dice| dice.random_range(50..600));
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let met = arena.meets().await;
        arena.platform.kill(service);
        arena.platform.launch(service, &[]);
        arena.tally(Tally::ServiceKills, 1);
        arena.trial(met);
        arena.recovers().await;
    }
}

async fn all_killed_at_once(arena: &Arena) {
    let mut services = names(arena);
    while arena.goes_on() {
        let pause = arena.roll(|dice| {
            services.shuffle(dice);
            dice.random_range(200..900)
        });
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let met = arena.meets().await;
        // All have stopped before the first of them is gone: nobody sees another one's end.
        for service in &services {
            signal(arena, "STOP", service);
        }
        for service in &services {
            arena.platform.kill(service);
        }
        for service in &services {
            arena.platform.launch(service, &[]);
        }
        arena.tally(Tally::ServiceKills, services.len() as u64);
        arena.trial(met);
        arena.recovers().await;
    }
}

/// Starts one more replica of each of these services, and waits for them.
async fn double(arena: &Arena, pairs: &[[&'static str; 2]]) {
    for [_, second] in pairs {
        arena.platform.launch(second, &[]);
    }
    for [_, second] in pairs {
        arena.platform.ready(second).await;
    }
}

/// Ends the second replicas.
async fn single(arena: &Arena, pairs: &[[&'static str; 2]]) {
    for [_, second] in pairs {
        let status = arena.platform.terminate(second).await;
        if !status.success() {
            arena.violation(format!("{second} ended with {status}"));
        }
    }
}

async fn replicas_killed(arena: &Arena) {
    double(arena, &PAIRS).await;
    while arena.goes_on() {
        let (process, pause) = arena.roll(|dice| {
            let pair = PAIRS[dice.random_range(0..PAIRS.len())];
            (pair[dice.random_range(0..2)], dice.random_range(50..600))
        });
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let met = arena.meets().await;
        arena.platform.kill(process);
        arena.platform.launch(process, &[]);
        arena.tally(Tally::ServiceKills, 1);
        arena.trial(met);
        arena.recovers().await;
        // The other one of the pair may be next: a pair is never away together.
        arena.platform.ready(process).await;
    }
    single(arena, &PAIRS).await;
}

async fn terminated(arena: &Arena) {
    let mut services = names(arena);
    let mut drains = Vec::new();
    while arena.goes_on() {
        arena.roll(|dice| services.shuffle(dice));
        for service in &services {
            if !arena.goes_on() {
                break;
            }
            let pause = arena.roll(|dice| dice.random_range(50..300));
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let met = arena.meets().await;
            let asked = Instant::now();
            let status = arena.platform.terminate(service).await;
            let took = asked.elapsed();
            if !status.success() || took > DRAIN_MAX {
                arena.violation(format!("{service} ended with {status} {took:?} after SIGTERM"));
            }
            drains.push(took);
            arena.platform.launch(service, &[]);
            arena.trial(met);
            // One that is still starting would die of the signal, as it should, and not drain.
            arena.platform.ready(service).await;
        }
        arena.recovers().await;
    }
    figure(arena, "drain", drains);
}

async fn frozen_shortly(arena: &Arena) {
    let services = names(arena);
    while arena.goes_on() {
        let service = arena.roll(|dice| services[dice.random_range(0..services.len())]);
        let met = arena.meets().await;
        signal(arena, "STOP", service);
        tokio::time::sleep(SHORT_FREEZE).await;
        signal(arena, "CONT", service);
        arena.trial(met);
        arena.recovers().await;
    }
}

/// Orders that were placed so many seconds ago or earlier and have not ended.
const OLD_AND_OPEN: &str = "SELECT count(*) FROM orders WHERE created_at < now() - interval '60 seconds' AND \
     NOT (status IN ('confirmed', 'shipped', 'delivered') OR compensation IN ('complete', 'stuck'))";

async fn frozen_long(arena: &Arena) {
    let pairs = &PAIRS[..4];
    double(arena, pairs).await;
    while arena.goes_on() {
        // Both replicas are in the middle of it.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let met = arena.meets().await;
        let read: Vec<usize> = pairs.iter().map(|[_, second]| arena.platform.log(second).len()).collect();
        for [_, second] in pairs {
            signal(arena, "STOP", second);
        }
        tokio::time::sleep(LONG_FREEZE).await;
        let left = arena.platform.count("order", OLD_AND_OPEN).await;
        if left > 0 {
            arena.violation(format!(
                "{left} orders waited for a replica that stood still, though another ran"
            ));
        }
        for [_, second] in pairs {
            signal(arena, "CONT", second);
        }
        for ([_, second], read) in pairs.iter().zip(read) {
            eventually_within(
                WAKING_MAX,
                &format!("{second} sees that its connections are gone"),
                async || match arena.platform.log(second)[read..].contains("consuming is interrupted") {
                    true => Ok(()),
                    false => Err("its log does not say so"),
                },
            )
            .await;
            arena.platform.ready(second).await;
            arena.trial(met);
        }
        arena.recovers().await;
    }
    single(arena, pairs).await;
}
