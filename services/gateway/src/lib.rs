//! The gateway: the front door for browsers and the other seed systems, and the live feed of events.
//!
//! It asks the services through [`upstream`], hears every event as an observer of the saga
//! ([`participant`]), and keeps the last of them in a table from which streams are resumed. Beside that it
//! holds what the services sent against what each of them has handled ([`reconciler`]).

pub mod feed;
mod http;
mod participant;
pub mod reconciler;
pub mod seeds;
pub mod store;
pub mod timeline;
pub mod upstream;

pub use http::{feed_routes, routes};
pub use participant::{Gateway, participant};
