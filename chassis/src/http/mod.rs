//! HTTP basics that every service shares: problems, JSON in and out, amounts, paging, health.

mod amount;
mod extract;
pub(crate) mod health;
pub(crate) mod layers;
pub mod openapi;
pub(crate) mod outbox;
mod problem;
pub(crate) mod prometheus;
pub(crate) mod saga_log;

pub use amount::Amount;
pub use extract::{Correlation, Json, Path, Query};
pub use problem::{FieldError, Problem};

use serde::Serialize;

/// Largest page a list gives.
pub const PAGE_LIMIT_MAX: u32 = 200;

/// One page of a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Pass it as `cursor` to get the next page; null on the last.
    pub next_cursor: Option<String>,
}
