//! Payment's rules: tables of decisions, properties over every reachable state, and whole lives
//! against a gateway that loses answers.

// Support functions of tests are tests too, though clippy sees that only inside of `#[test]`.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

mod charge;
mod collect;
mod death;
mod life;
mod people;
mod properties;
mod resend;
mod support;
mod world;
