//! The way between the services and the broker: mute, reset, slow, cut at the worst moment.

use std::{collections::BTreeMap, time::Duration};

use rand::Rng as _;
use system_tests::{Options, Proxy, Towards, Trap, Weather, Wire};

use crate::{
    arena::Arena,
    customers::Traffic,
    fault::{Evidence, Fault, Trials, by_build, everybody},
};

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "broker connection cut at the worst moment",
        what: "cut when a confirm comes back, when an ack leaves, when an event is published; unread or just read",
        trials: Trials { sample: 6, full: 150 },
        options: proxied,
        traffic: || Traffic::mixed(by_build(8.0, 20.0)),
        inject: |arena| Box::pin(cut_at_the_worst_moment(arena)),
        evidence: &[Evidence::DuplicatesDropped, Evidence::BothEnds],
    },
    Fault {
        name: "broker out of reach",
        what: "the way to the broker of one service or of all: mute, refusing, reset, 50 ms late",
        trials: Trials { sample: 4, full: 90 },
        options: proxied,
        traffic: || Traffic::mixed(by_build(8.0, 20.0)),
        inject: |arena| Box::pin(out_of_reach(arena)),
        evidence: &[Evidence::BothEnds],
    },
];

fn proxied() -> Options {
    everybody().proxied()
}

/// The beginning of a `basic.ack`: its length (13), class 60, method 80.
const ACK: &[u8] = &[0, 0, 0, 13, 0, 60, 0, 80];
/// Class 60, method 40: `basic.publish`, of any length.
const PUBLISH: &[u8] = &[0, 60, 0, 40];
/// How long a trap may lie until some traffic springs it.
const TRAP_PATIENCE: Duration = Duration::from_secs(5);
/// Longer than two missed heartbeats of 10 s and a confirm's 10 s.
const LONG_SILENCE: Duration = Duration::from_secs(25);
/// Every so many trials of a full run is a long silence.
const LONG_SILENCE_EVERY: usize = 30;

/// Where a connection is cut: name, direction, bytes, whether they still arrive.
const MOMENTS: [(&str, Towards, &[u8], bool); 5] = [
    ("confirm lost", Towards::Client, ACK, false),
    ("ack lost", Towards::Server, ACK, false),
    ("ack sent, then cut", Towards::Server, ACK, true),
    ("publish lost", Towards::Server, PUBLISH, false),
    ("published, then cut", Towards::Server, PUBLISH, true),
];

fn amqp<'a>(arena: &'a Arena, service: &str) -> &'a Proxy {
    arena.platform.proxy(service, Wire::Amqp)
}

async fn cut_at_the_worst_moment(arena: &Arena) {
    let mut cuts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut moment = arena.roll(|dice| dice.random_range(0..MOMENTS.len()));
    while arena.goes_on() {
        moment = (moment + 1) % MOMENTS.len();
        let (name, towards, pattern, passing) = MOMENTS[moment];
        // Who publishes nothing is never confirmed.
        let services: Vec<&str> = arena
            .platform
            .services()
            .iter()
            .filter(|service| service.produces() || name.starts_with("ack"))
            .map(|service| service.name())
            .collect();
        let (service, every) =
            arena.roll(|dice| (services[dice.random_range(0..services.len())], dice.random_range(1..6)));
        let proxy = amqp(arena, service);
        let (before, met) = (proxy.cuts(), arena.meets().await);
        proxy.trap(vec![Trap { towards, pattern: pattern.to_vec(), passing, every }]);
        let sprung = tokio::time::timeout(TRAP_PATIENCE, async {
            while proxy.cuts() == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        proxy.trap(Vec::new());
        // A trap that nobody stepped into proves nothing, but it was a trial.
        arena.trial(met && sprung.is_ok());
        *cuts.entry(name).or_default() += usize::from(sprung.is_ok());
        arena.recovers().await;
    }
    for (name, times) in cuts {
        arena.figure(name, times);
    }
}

async fn out_of_reach(arena: &Arena) {
    let services: Vec<&str> = arena.platform.services().iter().map(|service| service.name()).collect();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    let long_runs = arena.wanted() > LONG_SILENCE_EVERY;
    let mut trial: usize = arena.roll(|dice| dice.random_range(0..4));
    while arena.goes_on() {
        trial += 1;
        // Every fourth trial all are cut off, otherwise one.
        let (one, all, millis) = arena.roll(|dice| {
            (
                services[dice.random_range(0..services.len())],
                dice.random_range(0..4) == 0,
                dice.random_range(200..1200),
            )
        });
        let hit: Vec<&Proxy> =
            services.iter().filter(|service| all || **service == one).map(|s| amqp(arena, s)).collect();
        let long = long_runs && trial.is_multiple_of(LONG_SILENCE_EVERY);
        let (name, weather) = match trial % 4 {
            _ if long => ("mute for 25 s", Some(Weather::BlackHole)),
            0 => ("mute", Some(Weather::BlackHole)),
            1 => ("refusing", Some(Weather::Down)),
            2 => ("50 ms late", Some(Weather::Slow(Duration::from_millis(50)))),
            _ => ("reset", None),
        };
        let met = arena.meets().await;
        match weather {
            None => {
                for proxy in &hit {
                    proxy.reset();
                }
            }
            Some(weather) => {
                hit.iter().for_each(|proxy| proxy.weather(weather));
                let lasts = if long { LONG_SILENCE } else { Duration::from_millis(millis) };
                tokio::time::sleep(lasts).await;
                hit.iter().for_each(|proxy| proxy.weather(Weather::Clear));
            }
        }
        arena.trial(met);
        *times.entry(name).or_default() += 1;
        arena.recovers().await;
    }
    for (name, times) in times {
        arena.figure(name, times);
    }
}
