//! What payment decides: when an order may be charged, what becomes of a charge that nobody answers
//! for, and how captured money goes back. Pure: no clock, no database, no gateway.
//!
//! * [`State`]: all that payment knows of one order.
//! * [`Input`]: what can happen to it: events, timers, answers of the gateway, commands of people.
//! * [`decide`] and [`command`]: the rules, one story a file.
//! * [`answers`]: what is said again when somebody asks again.
//!
//! The rules are those of `docs/choreography.md`; comments name them by number.

mod answers;
mod charge;
mod collect;
mod death;
mod decide;
mod input;
mod people;
mod policy;
mod refund;
mod state;

pub use answers::answers;
pub use decide::{PaymentDecision, decide, handles};
pub use input::{Answer, Asked, Command, Effect, Input, PaymentTimer};
pub use people::command;
pub use policy::{FraudFallback, FraudMode, Policy, UnknownWord};
pub use state::{Failure, Fate, Intent, Opinion, Silence, State, Status};
