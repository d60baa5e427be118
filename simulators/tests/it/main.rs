//! The simulators over their own HTTP, in this process on a free port, and once as a real process.

mod carrier;
mod gateway;
mod journal;
mod process;
mod support;
