//! The payloads, one file per producer. Unknown fields are ignored on reading; a field added later
//! must have a default, or the event gets a new version.

pub mod fraud;
pub mod inventory;
pub mod notification;
pub mod order;
pub mod payment;
pub mod shipping;
