//! The notification service: its rule, its words, its senders, and its tables in a real Postgres.

mod histories;
mod live;
mod mailserver;
mod rules;
mod senders;
mod smtp;
mod store;
mod store_properties;
mod turns;
mod words;
mod world;
