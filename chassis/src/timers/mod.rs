//! Durable timers: deadlines as rows, acted on by whichever replica sees them first.

#[cfg(feature = "faults")]
pub(crate) mod planted;
pub(crate) mod sweep;
pub(crate) mod table;
