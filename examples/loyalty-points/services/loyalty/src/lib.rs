//! The loyalty service: a customer earns points with every order that is delivered.

mod http;
mod participant;
pub mod rule;
pub mod store;

pub use http::routes;
pub use participant::{Loyalty, participant};
