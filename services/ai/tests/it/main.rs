//! The service on a real database: its tables, its batches, its routes, and the demonstration
//! shop's orders.

mod batches;
mod demo;
mod http;
mod store;
mod world;
