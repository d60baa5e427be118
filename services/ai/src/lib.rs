//! The AI service: scores every order for fraud, and keeps the reviews that people decide.
//!
//! The saga's side is [`Ai`], which carries out what `ai-domain` decides; the people's side is
//! [`routes`]. Both know only [`store`]'s SQL.

mod http;
mod participant;
pub mod store;

pub use http::routes;
pub use participant::{Ai, participant};
