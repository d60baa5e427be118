//! All faults, by what they break, and what several of them need.

mod broker;
mod clients;
mod clocks;
mod database;
mod delivery;
mod dependencies;
mod impersonator;
mod input;
mod mailserver;
mod middleman;
mod network;
mod outside;
mod points;
mod processes;
mod undeliverable;

use std::{process::Command, time::Duration};

use shared_events::Service;
use system_tests::Stack;

use crate::{
    arena::Arena,
    fault::{Fault, by_build},
};

/// Orders a second that two cores carry beside a fault, all services running. More would
/// pile up, and deadlines would pass that have nothing to do with what is broken.
const RATE: f64 = by_build(10.0, 30.0);
/// Between two looks at something that changes within milliseconds.
const LOOK: Duration = Duration::from_millis(10);

/// Every fault, in the order in which they are run.
pub(crate) fn all() -> impl Iterator<Item = &'static Fault> {
    [
        processes::FAULTS,
        points::FAULTS,
        broker::FAULTS,
        database::FAULTS,
        clocks::FAULTS,
        network::FAULTS,
        delivery::FAULTS,
        undeliverable::FAULTS,
        clients::FAULTS,
        outside::FAULTS,
        input::FAULTS,
        dependencies::FAULTS,
    ]
    .into_iter()
    .flatten()
}

/// Sees to it that a server runs again, also when a fault is broken off: everything after it needs it.
struct RunsAgain {
    stack: Stack,
    server: &'static str,
}

impl RunsAgain {
    fn new(arena: &Arena, server: &'static str) -> Self {
        Self { stack: arena.platform.stack().clone(), server }
    }
}

impl Drop for RunsAgain {
    fn drop(&mut self) {
        self.stack.server("start", self.server);
    }
}

/// `stack.sh <verb> <server>`, while everything else goes on.
async fn server(arena: &Arena, verb: &'static str, server: &'static str) {
    let stack = arena.platform.stack().clone();
    tokio::task::spawn_blocking(move || stack.server(verb, server)).await.unwrap();
}

/// The broker's own command line, while everything else goes on.
async fn rabbitmqctl(arena: &Arena, arguments: &[&str]) {
    let stack = arena.platform.stack().clone();
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let run = move || stack.rabbitmqctl(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    tokio::task::spawn_blocking(run).await.unwrap();
}

/// Sends a signal to a process of this platform.
fn signal(arena: &Arena, signal: &str, process: &str) {
    let pid = arena.platform.pid(process).to_string();
    let sent = Command::new("kill").args(["-s", signal, &pid]).status().unwrap();
    assert!(sent.success(), "kill -s {signal} {process}");
}

/// The names of this platform's services.
fn names(arena: &Arena) -> Vec<&'static str> {
    arena.platform.services().iter().map(|service| service.name()).collect()
}

/// … of those that consume events.
fn consumers(arena: &Arena) -> Vec<Service> {
    arena.platform.services().iter().copied().filter(|service| service.consumes()).collect()
}

/// How many committed events wait to be sent, over all services.
async fn unsent(arena: &Arena) -> i64 {
    let mut unsent = 0;
    for service in names(arena) {
        unsent +=
            arena.platform.count(service, "SELECT count(*) FROM outbox WHERE published_at IS NULL").await;
    }
    unsent
}

/// Median, 99th percentile and maximum of what was measured, as one figure.
fn figure(arena: &Arena, name: &str, mut measured: Vec<Duration>) {
    measured.sort_unstable();
    let at = |p: usize| measured[(measured.len() * p / 100).min(measured.len() - 1)].as_millis();
    if !measured.is_empty() {
        arena.figure(name, format!("p50 {} ms, p99 {} ms, n {}", at(50), at(99), measured.len()));
    }
}
