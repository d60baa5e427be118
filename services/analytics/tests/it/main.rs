//! The analytics service at its edges: histories in every sequence, its routes, its tables in a real Postgres,
//! its copy in a real Redis.
//!
//! A failing test is meant to panic, its helpers too.
#![allow(clippy::unwrap_used)]

mod facts;
mod http;
mod mirror;
mod reports;
mod store;
mod store_properties;
mod world;
