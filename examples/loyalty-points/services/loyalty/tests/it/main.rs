//! The loyalty service at its edges: its table in a real Postgres, and the whole on a real broker.

mod running;
mod store;
