//! The order service: takes orders, remembers how far each has come, and sees it to its end.
//!
//! The saga's side is [`Orders`], which carries out what `order-domain` decides; the people's side
//! is [`routes`]. Both know only [`store`]'s SQL. This service knows no catalogue: an unknown product
//! or a price that disagrees is found by inventory.

mod http;
mod in_flight;
mod participant;
pub mod store;

pub use http::routes;
pub use participant::{Orders, participant};
