//! The payment service's store and audit on a real Postgres, with a journal played by the test.
//!
//! `SAGA_TEST_STACK` names the file that describes the running test stack; `make test` sets it.

// Support functions of tests are tests too, though clippy sees that only inside of `#[test]`.
#![allow(clippy::unwrap_used)]

mod audit;
mod life;
mod store;
mod store_properties;
