//! The payment service: charges orders whose stock is held, and refunds those that died.
//!
//! The saga's side is [`participant`], which carries out what `payment-domain` decides, calls the
//! gateway through [`gateway`] and keeps the [`ledger`]. The people's side is [`routes`], with the
//! [`audit`] that holds our books against the gateway's [`journal`]. Both know only [`store`]'s SQL.

pub mod audit;
pub mod gateway;
mod http;
pub mod journal;
pub mod ledger;
mod participant;
mod planted;
pub mod store;

pub use http::routes;
pub use participant::{Payment, participant};
