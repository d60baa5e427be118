//! The notification service: its rule, its words, its senders, and its tables in a real Postgres.

mod histories;
mod rules;
mod senders;
mod store;
mod words;
mod world;
