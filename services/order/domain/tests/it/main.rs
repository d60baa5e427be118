//! The order's rules, told as stories, and properties of all stories.

// Helpers outside of test functions may panic too: that is how a test fails.
#![allow(clippy::unwrap_used)]

mod compensation;
mod confirmation;
mod properties;
mod shipment;
mod story;
