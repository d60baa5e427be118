//! What the outside is told of each event: JSON Schema of every version, and AsyncAPI of the whole.
//!
//! The files lie in `schemas/` and are written by `sagactl generate` from the Rust types (feature
//! `schemas`). A file in that folder is released: its version may get optional fields and better
//! words, and nothing else.
//!
//! What was released is on record. `schemas/released/` keeps what each version promised to
//! programs, without words for people, and `schemas/released.sha256` the digests of those files and
//! of the golden files, which nobody changes any more: messages of that shape are out there.
//! `sagactl generate` appends to the record and never rewrites it. When the type has got an
//! optional field, the addition is frozen beside the first release (`order.placed.v2.1.json`), and
//! from then on the type has to keep both. Whoever wants to break a contract has to remove or change
//! a line of the record, and a review sees that.
//!
//! To release a new version of an event, say 3 of `order.placed`:
//!
//! 1. change the payload, its version in `event.rs`, and add the step from 2 to 3 in `upcast.rs`;
//! 2. add `golden/order.placed.v3.json`, a complete message body; `golden/order.placed.v2.json`
//!    stays, without loss readable through the step;
//! 3. run `sagactl generate`: it writes `schemas/order.placed.v3.json`, puts it and the golden file
//!    on record, and leaves the file of version 2 as it is, since the type it was made from is gone.

use crate::EventType;

#[cfg(feature = "schemas")]
pub mod generate;

/// The contract of one version of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The event.
    pub event_type: EventType,
    /// The version of its payload.
    pub version: u32,
    /// JSON Schema 2020-12 of the whole message body, envelope and payload, with an example.
    pub text: &'static str,
}

/// Every released version of every event, by name and version.
pub const ALL: &[Schema] = include!(concat!(env!("OUT_DIR"), "/schemas.rs"));

/// Channels, operations and messages of the platform: AsyncAPI 3.0 in JSON.
pub const ASYNCAPI: &str = include_str!("../schemas/asyncapi.json");

/// The schema of that version of that event, if it was ever released.
#[must_use]
pub fn find(event_type: &str, version: u32) -> Option<&'static Schema> {
    ALL.iter().find(|schema| schema.event_type.as_str() == event_type && schema.version == version)
}
