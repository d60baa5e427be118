//! The notification service: writes to customers about their orders, by e-mail and text message.
//!
//! What is to be written, to whom and when again is decided by [`decide`], which is pure; its
//! [`state`] holds one order's correspondence. [`compose`] puts a letter into words, [`senders`]
//! lets it go, [`store`] has all SQL.
//!
//! Each message is sent once per event and channel, whatever is redelivered and however long it waits
//! for its turn. It is sent again, under the same id, in two cases only: when a crash came between
//! sending and recording, and, at most twice and half an hour apart, when a mail server broke off
//! before its word on a mail that it had in full. SIGTERM during a mail that takes longer than the
//! chassis lets effects finish (six seconds) is such a crash. A file or the SMS provider takes the
//! repetition for the same message; by SMTP a second copy may leave, with the same `Message-ID`, which
//! most mail programs show once.

pub mod compose;
pub mod decide;
mod delivery;
mod http;
mod input;
mod participant;
pub mod policy;
pub mod recipients;
pub mod senders;
pub mod state;
mod step;
pub mod store;
pub mod wording;

pub use http::routes;
pub use input::{Delivery, Effect, Input, NotificationTimer, Post, Report};
pub use participant::{Notifications, participant};
