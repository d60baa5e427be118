//! The published language of the platform: what services may say to each other, and nothing else.
//!
//! This crate is pure. It knows no broker, database, clock or source of ids; whoever needs a time or
//! an id passes it in. Everything here derives `Eq` and `Hash`, because the model checker runs the
//! production types, and therefore nothing here holds a float.
//!
//! * [`Envelope`]: one event as it travels, with its identity and its causes.
//! * [`Event`]: every fact the platform publishes; one file of payloads per producer in [`events`].
//! * [`catalogue`]: the one table of who emits what and who reacts how. Bindings, broker
//!   definitions, the events page and the diagram are generated from it.
//! * [`schemas`]: what the outside is told of each event, as JSON Schema and AsyncAPI.
//! * [`Decision`]: the shape of what a participant concludes; the four domain crates return it.

pub mod catalogue;
pub mod decision;
pub mod docs;
mod envelope;
mod event;
pub mod events;
mod ids;
mod money;
pub mod schemas;
mod upcast;

pub use catalogue::Service;
pub use decision::{Decision, NoTimer, Outcome, Rejection, Timer, TimerChange};
pub use envelope::{DecodeError, Draft, Envelope};
pub use event::{Event, EventType, UnknownEventType};
pub use ids::{CorrelationId, CustomerId, EventId, InvalidCustomerId, OrderId, ProductId};
pub use money::{Currency, InvalidCurrency, Money};
