//! HTTP basics that every service shares: problems, JSON in and out, amounts, paging, health.

mod amount;
mod extract;
pub(crate) mod health;
pub(crate) mod layers;
pub mod openapi;
pub(crate) mod outbox;
mod paging;
mod problem;
pub(crate) mod prometheus;
pub(crate) mod saga_log;

pub use amount::Amount;
pub use extract::{Correlation, Json, Path, Query};
pub use paging::{PAGE_LIMIT_MAX, Page, cut_page, page_limit, read_time_cursor, time_cursor};
pub use problem::{FieldError, Problem};
