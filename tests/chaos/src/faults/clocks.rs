//! Services whose clocks jump by an hour while they run: nothing may be decided by them.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use rand::Rng as _;
use system_tests::{Platform, eventually_within};

use super::{RATE, names};
use crate::{
    arena::Arena,
    customers::Traffic,
    fault::{Evidence, Fault, Trials, participants},
};

/// By how many seconds clocks are put forward or back.
const JUMPS: [i64; 4] = [3_600, -3_600, 600, -90];
/// The library looks into its file once a second, and an HTTP server writes its date as often.
const JUMP_MAX: Duration = Duration::from_secs(10);

pub(crate) const FAULTS: &[Fault] = &[Fault {
    name: "clock jumps",
    what: "the clock of one service after another is put forward or back by up to an hour while it runs \
           (libfaketime; deadlines and order must not depend on it), each by another amount",
    trials: Trials { sample: 0, full: 30 },
    options: participants,
    traffic: || Traffic::mixed(RATE),
    inject: |arena| Box::pin(jumping(arena)),
    evidence: &[Evidence::BothEnds],
}];

/// The library: installed, or unpacked into the project's folder of packages.
fn library() -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("faketime.sh");
    let found = Command::new(script).output().ok().filter(|output| output.status.success())?;
    let path = PathBuf::from(String::from_utf8(found.stdout).ok()?.trim());
    path.is_file().then_some(path)
}

async fn jumping(arena: &Arena) {
    let Some(library) = tokio::task::spawn_blocking(library).await.unwrap() else {
        arena.figure("not run", "no libfaketime, and none to be had");
        return;
    };
    let (platform, services) = (&arena.platform, names(arena));
    for service in &services {
        put(platform, service, 0);
        let file = clock(platform, service);
        platform.kill(service);
        platform.launch(
            service,
            &[
                ("LD_PRELOAD", library.to_str().unwrap()),
                ("FAKETIME_TIMESTAMP_FILE", file.to_str().unwrap()),
                ("FAKETIME_CACHE_DURATION", "1"),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
                ("NO_FAKE_STAT", "1"),
            ],
        );
    }
    for service in &services {
        platform.ready(service).await;
    }
    while arena.goes_on() {
        let (service, jump) = arena.roll(|dice| {
            (services[dice.random_range(0..services.len())], JUMPS[dice.random_range(0..JUMPS.len())])
        });
        let met = arena.meets().await;
        put(platform, service, jump);
        until_seen(platform, service, jump).await;
        arena.trial(met);
        arena.recovers().await;
    }
    for service in services {
        platform.kill(service);
        platform.launch(service, &[]);
    }
}

/// The file that says what a service takes the time for.
fn clock(platform: &Platform, service: &str) -> PathBuf {
    platform.logs().join(format!("{service}.clock"))
}

/// Puts a service's clock forward or back from the real time; by renaming, so that nobody reads half.
fn put(platform: &Platform, service: &str, seconds: i64) {
    let file = clock(platform, service);
    let new = file.with_extension("new");
    std::fs::write(&new, format!("{seconds:+}\n")).unwrap();
    std::fs::rename(new, file).unwrap();
}

/// Waits until the service itself says another time, in the `Date` of its answers.
async fn until_seen(platform: &Platform, service: &str, seconds: i64) {
    let within = TimeDelta::seconds(5);
    eventually_within(JUMP_MAX, &format!("the clock of {service} jumps by {seconds} s"), async || {
        let answer = platform.ask(service, "/livez").await;
        let says = DateTime::parse_from_rfc2822(answer.headers["date"].to_str().unwrap()).unwrap();
        let off = says.to_utc() - (Utc::now() + TimeDelta::seconds(seconds));
        if off.abs() < within { Ok(()) } else { Err(format!("it says {says}")) }
    })
    .await;
}
