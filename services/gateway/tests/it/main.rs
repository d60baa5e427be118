//! The gateway's feed in a real Postgres: what is written at once is read without gap or repeat.

mod events;
mod retention;
mod sse;
mod store;
mod stream;
