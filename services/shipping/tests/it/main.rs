//! The shipping service at its edges: a carrier over HTTP, and its tables in a real Postgres.

mod gateway;
mod store;
mod store_properties;
