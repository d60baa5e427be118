//! An order's way through all services as one story: their saga logs, merged by cause.
//!
//! The clocks of two services differ, so time says little about what came first. What is certain:
//! an event was said before it was handled, and one service handled its inputs in the order of its
//! log. The story keeps to that; time only chooses among entries of which neither led to the other.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared_events::Service;
use uuid::Uuid;

/// An event that an entry led to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Emitted {
    /// Its id; absent when something was said again and only its type is known.
    pub event_id: Option<Uuid>,
    /// Its type.
    #[schema(example = "inventory.reserved")]
    pub event_type: String,
    /// True when it had been said before.
    #[serde(default)]
    pub resent: bool,
}

/// A row of a service's saga log, as the service shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LogRow {
    /// Ascending within the service.
    pub id: i64,
    /// The event that came in; for other inputs the event they led to, or the input's own name.
    pub event_type: String,
    /// `started`, `completed`, `failed`, `compensated` or `ignored`.
    pub status: String,
    /// Why, for a person.
    pub note: String,
    /// What came in, by its full name.
    pub input: String,
    /// The event that came in; none for timers, answers of the outside world and commands.
    pub event_id: Option<Uuid>,
    /// What had caused an input that is no event.
    pub causation_id: Option<Uuid>,
    /// Correlation of the input.
    pub correlation_id: Uuid,
    /// What it led to.
    pub emitted: Vec<Emitted>,
    /// When it was decided, by the service's clock.
    pub created_at: DateTime<Utc>,
}

/// Names an entry of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
pub struct EntryKey {
    /// Whose log it is in.
    #[schema(value_type = String, example = "inventory")]
    pub service: Service,
    /// Its id there.
    pub id: i64,
}

/// One entry of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Entry {
    /// Whose log it is from.
    #[schema(value_type = String, example = "inventory")]
    pub service: Service,
    /// Its id there.
    pub id: i64,
    /// The event that came in; for other inputs the event they led to, or the input's own name.
    #[schema(example = "inventory.reserve.requested")]
    pub event_type: String,
    /// `started`, `completed`, `failed`, `compensated` or `ignored`.
    #[schema(example = "completed")]
    pub status: String,
    /// Why, for a person.
    pub note: String,
    /// What came in, by its full name.
    pub input: String,
    /// The event that came in; null for timers, answers of the outside world and commands.
    pub event_id: Option<Uuid>,
    /// What had caused an input that is no event.
    pub causation_id: Option<Uuid>,
    /// Correlation of the input.
    pub correlation_id: Uuid,
    /// What it led to.
    pub emitted: Vec<Emitted>,
    /// When it was decided, by its service's clock.
    pub created_at: DateTime<Utc>,
    /// How many causes lie behind it; 0 when none is known.
    pub depth: u32,
    /// The entry that led to this one; always further up. Null for a person's command, and where
    /// the service that knows is missing.
    pub caused_by: Option<EntryKey>,
}

/// Merges the logs. What comes out depends on the rows alone, not on who answered first.
#[must_use]
pub fn merge(logs: impl IntoIterator<Item = (Service, Vec<LogRow>)>) -> Vec<Entry> {
    let rows: BTreeMap<EntryKey, LogRow> = logs
        .into_iter()
        .flat_map(|(service, rows)| rows.into_iter().map(move |row| (EntryKey { service, id: row.id }, row)))
        .collect();
    let causes = causes(&rows);
    let mut depths: HashMap<EntryKey, u32> = HashMap::new();
    let mut entries = Vec::with_capacity(rows.len());
    for key in in_order(&rows, &causes) {
        // A cause that stands further down can only come from a log that contradicts itself.
        let caused_by = causes.get(&key).copied().filter(|cause| depths.contains_key(cause));
        let depth = caused_by.map_or(0, |cause| depths[&cause] + 1);
        depths.insert(key, depth);
        entries.push(entry(key, rows[&key].clone(), depth, caused_by));
    }
    entries
}

/// Which entry led to which, as far as the logs say.
fn causes(rows: &BTreeMap<EntryKey, LogRow>) -> HashMap<EntryKey, EntryKey> {
    let mut said: HashMap<Uuid, EntryKey> = HashMap::new();
    let mut heard: HashMap<(Service, Uuid), EntryKey> = HashMap::new();
    for (key, row) in rows {
        for event in row.emitted.iter().filter(|emitted| !emitted.resent).filter_map(|e| e.event_id) {
            said.entry(event).or_insert(*key);
        }
        if let Some(event) = row.event_id {
            heard.entry((key.service, event)).or_insert(*key);
        }
    }
    let cause = |key: &EntryKey, row: &LogRow| match (row.event_id, row.causation_id) {
        (Some(event), _) => said.get(&event).copied(),
        // A timer or an answer was asked for where the event was said, or, if nothing was said then,
        // where it was heard.
        (None, Some(event)) => {
            let speaker = said.get(&event).copied();
            let own = speaker.filter(|speaker| speaker.service == key.service);
            own.or_else(|| heard.get(&(key.service, event)).copied()).or(speaker)
        }
        (None, None) => None,
    };
    rows.iter()
        .filter_map(|(key, row)| cause(key, row).filter(|cause| cause != key).map(|cause| (*key, cause)))
        .collect()
}

/// Every key once: causes before what they caused, each service's own in the order of its log, and
/// the earliest first where both leave a choice.
fn in_order(rows: &BTreeMap<EntryKey, LogRow>, causes: &HashMap<EntryKey, EntryKey>) -> Vec<EntryKey> {
    let mut before: HashMap<EntryKey, BTreeSet<EntryKey>> = HashMap::new();
    let mut behind: HashMap<EntryKey, Vec<EntryKey>> = HashMap::new();
    let neighbors = rows.keys().zip(rows.keys().skip(1)).filter(|(a, b)| a.service == b.service);
    let edges =
        neighbors.map(|(a, b)| (*a, *b)).chain(causes.iter().map(|(effect, cause)| (*cause, *effect)));
    for (first, then) in edges {
        if before.entry(then).or_default().insert(first) {
            behind.entry(first).or_default().push(then);
        }
    }
    let rank = |key: &EntryKey| Reverse((rows[key].created_at, *key));
    let mut waiting: BTreeSet<(DateTime<Utc>, EntryKey)> =
        rows.iter().map(|(key, row)| (row.created_at, *key)).collect();
    let mut ready: BinaryHeap<_> = rows.keys().filter(|key| !before.contains_key(key)).map(rank).collect();
    let mut order = Vec::with_capacity(rows.len());
    loop {
        // Nothing is ready and something waits: the logs contradict each other. The earliest goes on.
        let next = ready.pop().map(|Reverse(next)| next).or_else(|| waiting.first().copied());
        let Some(next) = next else { return order };
        if !waiting.remove(&next) {
            continue;
        }
        let (_, key) = next;
        order.push(key);
        for follower in behind.remove(&key).unwrap_or_default() {
            let open = before.entry(follower).or_default();
            open.remove(&key);
            if open.is_empty() {
                ready.push(rank(&follower));
            }
        }
    }
}

fn entry(key: EntryKey, row: LogRow, depth: u32, caused_by: Option<EntryKey>) -> Entry {
    let LogRow { event_type, status, note, input, event_id, causation_id, correlation_id, .. } = row;
    let EntryKey { service, id } = key;
    let (emitted, created_at) = (row.emitted, row.created_at);
    Entry {
        service,
        id,
        event_type,
        status,
        note,
        input,
        event_id,
        causation_id,
        correlation_id,
        emitted,
        created_at,
        depth,
        caused_by,
    }
}

#[cfg(test)]
mod tests;
