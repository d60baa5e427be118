//! The demonstration shop: a catalogue made from word lists, customers who buy from it, and the orders they place.
//!
//! Everything here is a pure function of a seed, so that two runs (and two machines) see the same shop.

pub mod baskets;
pub mod catalogue;
pub mod customers;
pub mod dice;
pub mod flash;
pub mod mix;
mod names;
pub mod orders;
mod shelves;
mod shelves_home;
pub mod shop;

pub use baskets::{Basket, BasketGenerator};
pub use catalogue::{DemoProduct, catalogue};
pub use mix::OutcomeMix;
pub use orders::{Expected, GeneratedOrders, OrderSource, PlannedOrder};
pub use shop::CatalogueItem;
