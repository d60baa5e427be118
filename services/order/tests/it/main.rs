//! The order service's tables in a real Postgres, written as the engine writes them.

// Helpers outside of test functions may panic too: that is how a test fails.
#![allow(clippy::unwrap_used)]

mod store;
mod store_properties;
