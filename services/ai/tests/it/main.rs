//! The service on a real database: its tables, its batches, its routes, and the demonstration
//! shop's orders. A failing test is meant to panic, so its helpers unwrap too.
#![allow(clippy::unwrap_used)]

mod batches;
mod demo;
mod http;
mod plans;
mod store;
mod store_properties;
mod world;
