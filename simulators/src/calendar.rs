//! The carrier's clock: when a booking's time has come, the parcel is handed over or delivered.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::books::Books;
use crate::carrier;
use crate::config::Config;
use crate::facts::Milestone;
use crate::journal::Lost;
use crate::messenger::{self, Messenger};
use crate::world::World;

/// The longest sleep between two looks at the wall clock, which may jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// Bookings moved on under one lock and one flush; more would make customers wait for the lock.
const BATCH_MAX: usize = 500;

type Due = Reverse<(DateTime<Utc>, Milestone, String)>;

/// Runs until the process stops. Starts from the books, so that a restart loses no parcel and
/// repeats what the shipping service has not yet acknowledged.
pub(crate) async fn run(world: Arc<World>, messenger: Arc<Messenger>, mut booked: UnboundedReceiver<String>) {
    let mut due = BinaryHeap::new();
    let opening = world.decide(|desk| {
        let keys: Vec<_> = desk.books.bookings().map(|(key, _)| key.clone()).collect();
        schedule(&world.config, &desk.books, &mut due, &keys);
        keys
    });
    let Ok(keys) = opening.await else { return };
    for key in keys {
        messenger::tell(&world, &messenger, key);
    }
    let mut fresh = Vec::new();
    loop {
        tokio::select! {
            () = world.stopping.cancelled() => return,
            _ = booked.recv_many(&mut fresh, BATCH_MAX) => {
                let scheduling =
                    world.decide(|desk| schedule(&world.config, &desk.books, &mut due, &fresh));
                if scheduling.await.is_err() {
                    return;
                }
                fresh.clear();
            }
            () = tokio::time::sleep(until_first(&due)) => {
                let Ok(moved) = move_due(&world, &mut due).await else { return };
                for key in moved {
                    messenger::tell(&world, &messenger, key);
                }
            }
        }
    }
}

fn schedule(config: &Config, books: &Books, due: &mut BinaryHeap<Due>, keys: &[String]) {
    for key in keys {
        let booking = books.booking(key);
        if let Some((at, milestone)) = booking.and_then(|booking| carrier::next_due(booking, config)) {
            due.push(Reverse((at, milestone, key.clone())));
        }
    }
}

fn until_first(due: &BinaryHeap<Due>) -> Duration {
    let Some(Reverse((at, ..))) = due.peek() else { return LONGEST_SLEEP };
    (*at - Utc::now()).to_std().unwrap_or_default().min(LONGEST_SLEEP)
}

/// Moves on what is due and schedules what comes after; returns the bookings that moved.
async fn move_due(world: &World, due: &mut BinaryHeap<Due>) -> Result<Vec<String>, Lost> {
    let now = Utc::now();
    let mut moved = Vec::new();
    world
        .decide(|desk| {
            while moved.len() < BATCH_MAX && due.peek().is_some_and(|Reverse((at, ..))| *at <= now) {
                let Some(Reverse((_, milestone, key))) = due.pop() else { break };
                if carrier::move_on(desk, &key, milestone) {
                    schedule(&world.config, &desk.books, due, std::slice::from_ref(&key));
                    moved.push(key);
                }
            }
            moved
        })
        .await
}
