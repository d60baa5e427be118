//! The whole platform around the saga: what customers are told, what is counted, the gate before the
//! charge, the live feed, and every call of the HTTP contract.

mod calls;
mod dependencies;
mod feed;
mod figures;
mod gate;
mod messages;
mod timeline;
