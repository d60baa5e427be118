//! The rules of inventory: what it holds for an order, and what it says about that.
//!
//! Pure. [`decide`] reads one order's [`State`] and the [`Stock`] that all orders share, and returns
//! data; the service writes it down. Times, ids and stock levels are arguments.

mod decide;
mod input;
mod policy;
mod state;
mod stock;

pub use decide::{InventoryDecision, answers, decide, handles};
pub use input::{Effect, Input, InventoryTimer};
pub use policy::Policy;
pub use state::State;
pub use stock::{Delta, Movement, Stock, StockChange, StockLevel};
