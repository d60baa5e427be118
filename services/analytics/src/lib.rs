//! The analytics service: counts what happened, from the events alone.
//!
//! [`facts`] folds the events of one order, in whatever sequence they come; [`counters`] is what all
//! orders add up to. Both are pure. [`store`] keeps them in Postgres, which is the truth; [`mirror`]
//! keeps a copy of the counters in Redis, which may vanish at any time. [`routes`] answers from them.

pub mod counters;
pub mod facts;
mod http;
pub mod mirror;
mod participant;
pub mod store;

pub use http::routes;
pub use participant::{Analytics, participant};
