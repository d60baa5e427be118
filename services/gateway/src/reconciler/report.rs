//! What the last comparison found, for people and for `sagactl reconcile`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared_events::{EventType, Service};
use utoipa::ToSchema;
use uuid::Uuid;

/// What producers sent, held against what each consumer logged.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Report {
    /// When the comparison ended; null before the first one.
    pub compared_at: Option<DateTime<Utc>>,
    /// How long it took.
    #[schema(example = 180)]
    pub took_millis: u64,
    /// How far back a gateway that starts begins.
    #[schema(example = 24)]
    pub window_hours: u32,
    /// Events younger than this are not looked at yet.
    #[schema(example = 60.0)]
    pub grace_seconds: f64,
    /// Pairs of an event and a consumer that were compared this time …
    pub compared: u64,
    /// … and since the gateway started.
    pub compared_since_start: u64,
    /// False while the comparison is still behind what is being sent.
    pub is_caught_up: bool,
    /// Not handled yet, and perhaps still on the way: the consumer is slow or away, or tries it again.
    pub late: usize,
    /// Not handled, and not on the way any more.
    pub missing_total: usize,
    /// The first 200 of them, the oldest first.
    pub missing: Vec<Missing>,
    /// Who could not be asked, and why.
    pub not_asked: Vec<NotAsked>,
    /// Consumers that get nothing again before this is mended.
    pub obstacles: Vec<Obstacle>,
}

/// An event that a consumer has not handled.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Missing {
    /// The event.
    pub event_id: Uuid,
    /// Its type.
    #[schema(value_type = String, example = "order.placed")]
    pub event_type: EventType,
    /// The order (or product) it is about.
    pub order_id: Uuid,
    /// Who said it.
    #[schema(value_type = String, example = "order")]
    pub producer: Service,
    /// Who has not handled it.
    #[schema(value_type = String, example = "analytics")]
    pub consumer: Service,
    /// When it was last sent.
    pub sent_at: DateTime<Utc>,
    /// How long ago that was.
    pub age_seconds: i64,
    /// Since when it is known to be missing.
    pub missing_since: DateTime<Utc>,
    /// How often the reconciler has had it sent again.
    pub resends: u32,
    /// Whether it may be among the consumer's dead letters: the broker tells their number, not their names.
    pub perhaps_a_dead_letter: bool,
}

/// A service, or the broker, that did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NotAsked {
    /// Its name.
    #[schema(example = "analytics")]
    pub name: String,
    /// Why, for a person.
    pub reason: String,
}

/// What keeps a consumer from getting what it misses.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Obstacle {
    /// The consumer.
    #[schema(value_type = String, example = "analytics")]
    pub consumer: Service,
    /// What is wrong with its queues.
    pub problems: Vec<String>,
}
