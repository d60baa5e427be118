//! The inventory service: the catalogue, its stock, and what orders hold of it.
//!
//! The saga's side is [`Inventory`], which carries out what `inventory-domain` decides; the
//! people's side is [`routes`], which changes things through [`catalogue`]. Both write through [`store`], where products are always locked in id
//! order.

pub mod catalogue;
mod http;
mod participant;
mod planted;
pub mod store;

pub use http::routes;
pub use participant::{Inventory, participant};
