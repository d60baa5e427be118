//! The shipping service: books the carrier for confirmed orders, and follows each parcel to its end.
//!
//! The saga's side is [`participant`], which carries out what `shipping-domain` decides and calls
//! the carrier through [`gateway`]; the people's side is [`routes`]. Both know only [`store`]'s SQL.

pub mod gateway;
mod http;
mod participant;
pub mod store;

pub use http::routes;
pub use participant::{Shipping, participant};
