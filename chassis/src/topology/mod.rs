//! Exchanges, queues, bindings, policies and users of the broker, all made from the catalogue.
//!
//! Services may not declare anything: `sagactl topology apply` does it, with these definitions, and
//! every service checks before it is ready, and every minute, that what it needs is there.
//!
//! For a consumer `S`: events come from the producers' exchanges into `S.inbox`. A failed message is
//! copied to the direct exchange `S.retry`, waits in `S.retry.<delay>` and comes back through
//! `S.redeliver`. What is given up goes through `S.dlx` to `S.dlq`, which nothing empties but a
//! person. The dead-letter exchange of an inbox leads only there: a ladder fed by dead-lettering
//! loses messages to the broker's cycle detection.

pub mod check;
mod definitions;
pub(crate) mod watch;

use std::time::Duration;

use serde_json::{Value, json};
use shared_events::{EventType, Service, catalogue::CATALOGUE};

pub use definitions::{Secrets, User, definitions};

/// The broker's user for people and their tools; it may put dead letters back.
pub const OPERATOR: &str = "operator";

/// One rung of the retry ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Its name, which is also its routing key.
    pub name: &'static str,
    /// How long a message waits there, before `TIME_SCALE`.
    pub delay: Duration,
}

/// The ladder: a message is tried once and then up to five times more, over almost six minutes.
pub const LADDER: [Rung; 5] = [
    Rung { name: "1s", delay: Duration::from_secs(1) },
    Rung { name: "4s", delay: Duration::from_secs(4) },
    Rung { name: "16s", delay: Duration::from_secs(16) },
    Rung { name: "64s", delay: Duration::from_secs(64) },
    Rung { name: "256s", delay: Duration::from_secs(256) },
];

/// How often a message may come back because its consumer died. Explicit, because the default
/// differs by version of the broker; generous, because we never retry by it.
const DELIVERY_LIMIT: u32 = 200;
/// For queues that are browsed: with a limit set, a message that is put back keeps its place.
const DELIVERY_LIMIT_BROWSED: u32 = 1_000_000;

/// The exchange on which copies for retry are published, by rung.
#[must_use]
pub fn retry_exchange(service: Service) -> String {
    format!("{service}.retry")
}

/// The exchange that leads to the dead letters.
#[must_use]
pub fn dead_letter_exchange(service: Service) -> String {
    format!("{service}.dlx")
}

/// The exchange through which messages come back to the inbox.
#[must_use]
pub fn redeliver_exchange(service: Service) -> String {
    format!("{service}.redeliver")
}

/// The queue of one rung.
#[must_use]
pub fn retry_queue(service: Service, rung: Rung) -> String {
    format!("{service}.retry.{}", rung.name)
}

/// The queue of dead letters.
#[must_use]
pub fn dead_letter_queue(service: Service) -> String {
    format!("{service}.dlq")
}

/// A queue and the policy it must be under.
#[derive(Clone, Debug)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// What its policy says.
    pub policy: Value,
}

/// A binding of a queue to an exchange.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    /// Where messages come from.
    pub exchange: String,
    /// Where they go.
    pub queue: String,
    /// Which of them.
    pub routing_key: String,
}

/// The queues of one consumer.
#[must_use]
pub fn queues(service: Service, time_scale: u32) -> Vec<Queue> {
    let mut queues = vec![
        Queue {
            name: service.inbox(),
            policy: json!({
                "delivery-limit": DELIVERY_LIMIT,
                "dead-letter-exchange": dead_letter_exchange(service),
                "dead-letter-strategy": "at-least-once",
                "overflow": "reject-publish",
            }),
        },
        Queue {
            name: dead_letter_queue(service),
            policy: json!({ "delivery-limit": DELIVERY_LIMIT_BROWSED }),
        },
    ];
    queues.extend(LADDER.iter().map(|rung| Queue {
        name: retry_queue(service, *rung),
        policy: json!({
            "message-ttl": (rung.delay.as_millis() as u64 / u64::from(time_scale)).max(1),
            "delivery-limit": DELIVERY_LIMIT_BROWSED,
            "dead-letter-exchange": redeliver_exchange(service),
            "dead-letter-strategy": "at-least-once",
            "overflow": "reject-publish",
        }),
    }));
    queues
}

/// The bindings of one consumer.
#[must_use]
pub fn bindings(service: Service) -> Vec<Binding> {
    let bind =
        |exchange: String, queue: String, key: &str| Binding { exchange, queue, routing_key: key.to_owned() };
    let mut bindings: Vec<Binding> = CATALOGUE
        .iter()
        .filter(|entry| entry.is_consumed_by(service))
        .map(|entry| bind(entry.producer.exchange(), service.inbox(), entry.event_type.as_str()))
        .collect();
    bindings.extend(
        LADDER.iter().map(|rung| bind(retry_exchange(service), retry_queue(service, *rung), rung.name)),
    );
    bindings.push(bind(redeliver_exchange(service), service.inbox(), ""));
    bindings.push(bind(dead_letter_exchange(service), dead_letter_queue(service), ""));
    bindings
}

/// Holds a participant's handler against the table.
///
/// # Errors
/// Names every type on which the two disagree.
pub fn check_handler(service: Service, handles: impl Fn(EventType) -> bool) -> Result<(), String> {
    let disagreements: Vec<String> = CATALOGUE
        .iter()
        .filter(|entry| handles(entry.event_type) != entry.is_consumed_by(service))
        .map(|entry| match handles(entry.event_type) {
            true => format!("{service} handles `{}`, which the catalogue does not give it", entry.event_type),
            false => {
                format!("{service} does not handle `{}`, which the catalogue gives it", entry.event_type)
            }
        })
        .collect();
    if disagreements.is_empty() { Ok(()) } else { Err(disagreements.join("; ")) }
}
