//! The gateway on a real Postgres: its feed, where what is written at once is read without gap or repeat, and the calls
//! of the other seed systems.

mod events;
mod retention;
mod seeds;
mod sse;
mod store;
mod stream;
