//! What was said and not handled yet, and when that is a fault. Pure: everything asked for comes in from outside.
//!
//! An event that its consumer has not logged may still be on its way: in the inbox of a consumer that is slow or
//! away, or on the retry ladder. It is missing only when it cannot be there any more:
//!
//! - **not in the inbox**, because the inbox was seen empty after the event had been sent, or because the consumer has
//!   handled what the same producer sent much later (a queue keeps its order);
//! - **not on the ladder**, because the ladder was seen empty, or because the event is older than the whole ladder.
//!
//! Both must hold in two looks some time apart, for a message may step from one queue to the other between the moments
//! at which the broker counts them.

use std::collections::BTreeMap;

use chassis::outbox::SentEvent;
use chrono::{DateTime, TimeDelta, Utc};
use shared_events::{EventType, Service};
use uuid::Uuid;

/// The broker counts its queues every five seconds; a count that is asked for may be as old, and the look before it
/// as long ago again.
const COUNTED_AFTER: TimeDelta = TimeDelta::seconds(10);
/// Findings kept at once. A consumer that is further behind is not walked on for until it has caught up.
const OPEN_MAX: usize = 20_000;
/// How often an event is sent again because of one consumer.
const RESENDS_MAX: u32 = 3;
/// … and when it may be among that consumer's dead letters: once more might do, more would only multiply them.
const RESENDS_OF_A_DEAD_LETTER_MAX: u32 = 1;

/// Who said it, and who should have heard.
pub(super) type Pair = (Service, Service);

/// The pair and the event.
type Key = (Pair, Uuid);

/// How long a message may be where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waits {
    /// Events younger than this are not looked at.
    pub(super) grace: TimeDelta,
    /// From the first attempt to the last.
    pub(super) ladder: TimeDelta,
}

/// One consumer's queues, as the broker counted them last; absent is not counted yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Queues {
    pub(super) inbox: Option<u64>,
    pub(super) ladder: Option<u64>,
    pub(super) dead_letters: Option<u64>,
}

/// All consumers' queues at one moment.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) at: DateTime<Utc>,
    pub(super) queues: BTreeMap<Service, Queues>,
}

impl Look {
    pub(super) fn of(&self, consumer: Service) -> Queues {
        self.queues.get(&consumer).copied().unwrap_or_default()
    }
}

/// An event that its consumer has not handled.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) event_type: EventType,
    pub(super) order: Uuid,
    /// When it was last sent, by the producer's clock …
    pub(super) published_at: DateTime<Utc>,
    /// … and by ours.
    pub(super) sent_at: DateTime<Utc>,
    /// Since when it cannot be on its way any more.
    suspected_at: Option<DateTime<Utc>>,
    /// Since when that is certain.
    pub(super) missing_since: Option<DateTime<Utc>>,
    /// How often it was sent again because of this consumer.
    pub(super) resends: u32,
}

/// One page of a producer's events against one consumer's log.
#[derive(Debug)]
pub(super) struct Comparison<'a> {
    pub(super) pair: Pair,
    /// Events that the consumer should have heard.
    pub(super) events: &'a [(SentEvent, EventType)],
    /// The producer's clock.
    pub(super) now: DateTime<Utc>,
    /// Those that it has not handled.
    pub(super) unknown: &'a [Uuid],
    /// How long it has been handling events; what was sent before, it was not there to hear.
    pub(super) hearing_for: Option<TimeDelta>,
}

/// Everything that is open.
#[derive(Debug)]
pub(super) struct Book {
    waits: Waits,
    open: BTreeMap<Key, Finding>,
    /// Of each pair the newest event that was handled, by the producer's clock.
    newest_heard: BTreeMap<Pair, DateTime<Utc>>,
}

impl Book {
    pub(super) fn new(waits: Waits) -> Self {
        Self { waits, open: BTreeMap::new(), newest_heard: BTreeMap::new() }
    }

    /// Whether nothing more should be compared until something is handled.
    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= OPEN_MAX
    }

    /// What the consumer may have handled meanwhile.
    pub(super) fn open_of(&self, pair: Pair) -> Vec<Uuid> {
        let of_pair = self.open.range((pair, Uuid::nil())..=(pair, Uuid::max()));
        of_pair.map(|((_, event), _)| *event).collect()
    }

    /// Closes what has been handled.
    pub(super) fn handled(&mut self, pair: Pair, asked: &[Uuid], unknown: &[Uuid]) {
        for event in asked.iter().filter(|event| !unknown.contains(event)) {
            self.open.remove(&(pair, *event));
        }
    }

    /// Takes a page in; says how many events could be compared.
    pub(super) fn compare(&mut self, page: &Comparison<'_>, at: DateTime<Utc>) -> u64 {
        let mut compared = 0;
        for (event, event_type) in page.events {
            let age = page.now - event.published_at;
            if page.hearing_for.is_none_or(|hearing_for| age >= hearing_for) {
                continue;
            }
            compared += 1;
            let key = (page.pair, event.event_id);
            if !page.unknown.contains(&event.event_id) {
                self.open.remove(&key);
                // What was sent again may have been handled long before.
                if event.resends == 0 {
                    let newest = self.newest_heard.entry(page.pair).or_insert(event.published_at);
                    *newest = event.published_at.max(*newest);
                }
                continue;
            }
            let finding = self.open.entry(key).or_insert_with(|| Finding {
                event_type: *event_type,
                order: event.order_id,
                published_at: event.published_at,
                sent_at: at - age,
                suspected_at: None,
                missing_since: None,
                resends: 0,
            });
            if finding.published_at != event.published_at {
                (finding.published_at, finding.sent_at, finding.suspected_at) =
                    (event.published_at, at - age, None);
            }
        }
        compared
    }

    /// Sorts what is late from what is missing; gives what is newly missing.
    pub(super) fn judge(&mut self, look: &Look) -> Vec<(Pair, Uuid)> {
        let mut new = Vec::new();
        for ((pair, event), finding) in &mut self.open {
            let newest_heard = self.newest_heard.get(pair).copied();
            if may_be_under_way(finding, look, look.of(pair.1), newest_heard, self.waits) {
                finding.suspected_at = None;
                continue;
            }
            let since = *finding.suspected_at.get_or_insert(look.at);
            if look.at - since >= COUNTED_AFTER && finding.missing_since.is_none() {
                finding.missing_since = Some(look.at);
                new.push((*pair, *event));
            }
        }
        new
    }

    /// What should be sent again now: missing beyond doubt since it was last sent, and not tried too often.
    pub(super) fn due(&self, look: &Look) -> Vec<(Pair, Uuid)> {
        let is_due = |(pair, _): &Key, finding: &Finding| {
            let most = match look.of(pair.1).dead_letters {
                Some(0) => RESENDS_MAX,
                _ => RESENDS_OF_A_DEAD_LETTER_MAX,
            };
            let certain = finding.suspected_at.is_some_and(|since| look.at - since >= COUNTED_AFTER);
            finding.missing_since.is_some() && certain && finding.resends < most
        };
        self.open.iter().filter(|(key, finding)| is_due(key, finding)).map(|(key, _)| *key).collect()
    }

    /// Notes that an event went out again: from now on it is on its way, to everyone it is open for.
    pub(super) fn sent_again(&mut self, producer: Service, event: Uuid, at: DateTime<Utc>) {
        let of_event = self.open.iter_mut().filter(|((pair, id), _)| pair.0 == producer && *id == event);
        for (_, finding) in of_event {
            // The producer's own word about it comes with a later page.
            finding.published_at += at - finding.sent_at;
            (finding.sent_at, finding.suspected_at) = (at, None);
            finding.resends += 1;
        }
    }

    /// What is missing, the oldest first.
    pub(super) fn missing(&self) -> Vec<(Pair, Uuid, &Finding)> {
        let missing = self.open.iter().filter(|(_, finding)| finding.missing_since.is_some());
        let mut missing: Vec<_> = missing.map(|((pair, event), finding)| (*pair, *event, finding)).collect();
        missing.sort_by_key(|(_, event, finding)| (finding.missing_since, *event));
        missing
    }

    /// How many events are open and may yet arrive.
    pub(super) fn late(&self) -> usize {
        self.open.values().filter(|finding| finding.missing_since.is_none()).count()
    }

    /// One open finding.
    pub(super) fn get(&self, pair: Pair, event: Uuid) -> Option<&Finding> {
        self.open.get(&(pair, event))
    }
}

fn may_be_under_way(
    finding: &Finding,
    look: &Look,
    queues: Queues,
    newest_heard: Option<DateTime<Utc>>,
    waits: Waits,
) -> bool {
    let counted = finding.sent_at + COUNTED_AFTER < look.at;
    let overtaken = newest_heard.is_some_and(|newest| newest > finding.published_at + waits.grace);
    let has_left_inbox = overtaken || (counted && queues.inbox == Some(0));
    let outlived = look.at - finding.sent_at > waits.ladder + waits.grace;
    let has_left_ladder = outlived || (counted && queues.ladder == Some(0));
    !(has_left_inbox && has_left_ladder)
}

#[cfg(test)]
mod tests;
