//! Durable timers: deadlines as rows, acted on by whichever replica sees them first.

pub(crate) mod sweep;
pub(crate) mod table;
