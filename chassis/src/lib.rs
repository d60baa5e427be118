//! What every service stands on: the machinery of the saga, without any business.
//!
//! A service implements [`Participant`] and calls [`run`]. The chassis consumes its inbox in
//! micro-batches, decides each batch in one transaction, relays the events, fires the timers, calls
//! the outside world, serves HTTP, and drains on SIGTERM. How a message travels through it is told
//! in `ARCHITECTURE.md`.

mod app;
mod batch;
mod broker;
pub mod config;
mod db;
mod drain;
mod effects;
mod engine;
pub mod faults;
pub mod http;
mod intake;
pub mod outbox;
mod participant;
mod record;
pub mod saga_log;
mod service;
mod settings;
mod state_table;
pub mod telemetry;
mod timers;
pub mod topology;
#[cfg(feature = "trial")]
pub mod trial;
mod work;

pub use app::{App, Commands};
pub use broker::tap::Tap;
pub use db::{Fault, in_transaction};
pub use intake::CommandError;
pub use participant::{Change, DecisionOf, Participant};
pub use service::run;
pub use state_table::StateTable;
pub use work::Committed;
