//! One event as it travels: its identity, its causes and its payload.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{CorrelationId, Event, EventId, EventType, OrderId, upcast};

/// An event with its metadata; the JSON body of a message (`docs/choreography.md`, section 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Identity, the same on every redelivery, retry, redrive and resend.
    pub event_id: EventId,
    /// The order this is about (for `inventory.stock.adjusted`, the product).
    pub aggregate_id: Uuid,
    /// Copied from whatever caused this.
    pub correlation_id: CorrelationId,
    /// The direct cause; `None` when a person's command is the cause.
    pub causation_id: Option<EventId>,
    /// When the fact happened in its owner's database, microseconds.
    pub timestamp: DateTime<Utc>,
    /// Optional remarks such as `replay_id`; no decision depends on them.
    pub metadata: BTreeMap<String, String>,
    /// The fact itself, at its newest version.
    pub event: Event,
}

/// Everything an envelope needs besides the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Identity of the new event.
    pub event_id: EventId,
    /// The order (or product) it is about.
    pub aggregate_id: Uuid,
    /// Correlation of the cause.
    pub correlation_id: CorrelationId,
    /// The direct cause.
    pub causation_id: Option<EventId>,
    /// When it happened.
    pub timestamp: DateTime<Utc>,
}

/// Why a message body is no event we know. Every kind ends in the dead-letter queue at once: no
/// retry makes it readable.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, wrong UTF-8, or a field of the envelope is missing or of the wrong type.
    #[error("malformed envelope: {0}")]
    Malformed(#[source] serde_json::Error),
    /// A type this release has never heard of.
    #[error("unknown event type `{0}`")]
    UnknownType(String),
    /// Written by a newer release than this one.
    #[error("`{event_type}` version {version} is newer than {newest}, the newest this release reads")]
    FutureVersion {
        /// The type.
        event_type: EventType,
        /// Its version.
        version: u32,
        /// What we could read.
        newest: u32,
    },
    /// The payload does not fit its type and version.
    #[error("malformed data of `{event_type}` version {version}: {source}")]
    Data {
        /// The type.
        event_type: EventType,
        /// Its version.
        version: u32,
        /// What serde said.
        source: serde_json::Error,
    },
}

impl DecodeError {
    /// A stable word for metrics and dead-letter headers.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::UnknownType(_) => "unknown_type",
            Self::FutureVersion { .. } => "future_version",
            Self::Data { .. } => "malformed_data",
        }
    }
}

#[derive(Deserialize)]
struct Incoming<'a> {
    event_id: EventId,
    event_type: String,
    aggregate_id: Uuid,
    correlation_id: CorrelationId,
    causation_id: Option<EventId>,
    timestamp: DateTime<Utc>,
    version: u32,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    event_id: EventId,
    event_type: &'static str,
    aggregate_id: Uuid,
    correlation_id: CorrelationId,
    causation_id: Option<EventId>,
    #[serde(serialize_with = "microseconds")]
    timestamp: DateTime<Utc>,
    version: u32,
    data: &'a Event,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
}

impl Envelope {
    /// Puts an event into its envelope. The timestamp is cut to microseconds, so that an envelope
    /// equals itself after a journey.
    #[must_use]
    pub fn new(draft: Draft, event: Event) -> Self {
        Self {
            event_id: draft.event_id,
            aggregate_id: draft.aggregate_id,
            correlation_id: draft.correlation_id,
            causation_id: draft.causation_id,
            timestamp: draft.timestamp.trunc_subsecs(6),
            metadata: BTreeMap::new(),
            event,
        }
    }

    /// The event's type.
    #[must_use]
    pub fn event_type(&self) -> EventType {
        self.event.event_type()
    }

    /// The order a saga event is about.
    #[must_use]
    pub fn order_id(&self) -> OrderId {
        OrderId(self.aggregate_id)
    }

    /// Reads a message body; an older version is upcast to the newest.
    ///
    /// # Errors
    /// [`DecodeError`] says which part cannot be read.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let raw: Incoming<'_> = serde_json::from_slice(body).map_err(DecodeError::Malformed)?;
        let event_type: EventType =
            raw.event_type.parse().map_err(|_| DecodeError::UnknownType(raw.event_type.clone()))?;
        let newest = event_type.version();
        if raw.version > newest {
            return Err(DecodeError::FutureVersion { event_type, version: raw.version, newest });
        }
        let data_error = |source| DecodeError::Data { event_type, version: raw.version, source };
        let event = if raw.version == newest {
            Event::from_json(event_type, raw.data.get()).map_err(data_error)?
        } else {
            let old = serde_json::from_str(raw.data.get()).map_err(data_error)?;
            let new = upcast::to_newest(event_type, raw.version, old).map_err(data_error)?;
            Event::from_json(event_type, &new.to_string()).map_err(data_error)?
        };
        Ok(Self {
            event_id: raw.event_id,
            aggregate_id: raw.aggregate_id,
            correlation_id: raw.correlation_id,
            causation_id: raw.causation_id,
            timestamp: raw.timestamp,
            metadata: raw.metadata,
            event,
        })
    }

    /// The message body: compact JSON, UTF-8.
    ///
    /// # Panics
    /// Never: every payload is made of strings, integers, lists and maps with string keys.
    #[must_use]
    pub fn encode(&self) -> String {
        let event_type = self.event.event_type();
        let outgoing = Outgoing {
            event_id: self.event_id,
            event_type: event_type.as_str(),
            aggregate_id: self.aggregate_id,
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            timestamp: self.timestamp,
            version: event_type.version(),
            data: &self.event,
            metadata: &self.metadata,
        };
        serde_json::to_string(&outgoing).expect("payloads have string keys and no floats")
    }
}

fn microseconds<S: Serializer>(at: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Micros, true))
}
