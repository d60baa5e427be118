//! The gateway on the test stack's servers.

#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

mod seeds;
