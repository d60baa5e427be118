//! Planted bug [`Bug::TimersInMemory`]: what is armed is known to this process only.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use shared_events::{OrderId, Timer as _};

use super::table::Armed;
use crate::{
    faults::{Bug, planted},
    participant::Participant,
    record::TimerWord,
    work::{Cause, Work},
};

static ARMED: Mutex<BTreeMap<(OrderId, &'static str), Armed>> = Mutex::new(BTreeMap::new());

fn armed() -> MutexGuard<'static, BTreeMap<(OrderId, &'static str), Armed>> {
    ARMED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps in memory what a batch says about timers, and forgets those that it acted on; gives back what
/// there is to write.
pub(crate) fn kept_in_memory(
    words: Vec<TimerWord>,
    fired: &[(OrderId, &'static str)],
    at: DateTime<Utc>,
) -> Vec<TimerWord> {
    if !planted(Bug::TimersInMemory) {
        return words;
    }
    let mut armed = armed();
    for key in fired {
        if armed.get(key).is_some_and(|timer| timer.due_at <= at) {
            armed.remove(key);
        }
    }
    for (key, word) in words {
        match word {
            Some(timer) => armed.insert(key, timer),
            None => armed.remove(&key),
        };
    }
    Vec::new()
}

/// Which of these timers are due.
pub(super) fn fire(timers: &[(OrderId, &'static str)], at: DateTime<Utc>) -> Vec<(OrderId, String)> {
    let armed = armed();
    let is_due = |key: &&(OrderId, &'static str)| armed.get(*key).is_some_and(|timer| timer.due_at <= at);
    timers.iter().filter(is_due).map(|(order, name)| (*order, (*name).to_owned())).collect()
}

/// Those that are due now, as inputs.
pub(super) fn due<P: Participant>(count_max: usize) -> Vec<Work<P>> {
    let now = Utc::now();
    let work = |timer: &Armed| {
        let name = P::Timer::from_name(timer.name)?;
        Some(Work {
            order: timer.order,
            input: P::timer_input(name),
            cause: Cause::timer(timer.name, timer.armed_by, timer.correlation),
        })
    };
    armed().values().filter(|timer| timer.due_at <= now).filter_map(work).take(count_max).collect()
}
