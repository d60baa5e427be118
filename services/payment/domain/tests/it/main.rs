//! Payment's rules: tables of decisions, properties over every reachable state, and whole lives
//! against a gateway that loses answers.

mod charge;
mod collect;
mod death;
mod life;
mod people;
mod properties;
mod resend;
mod support;
mod world;
