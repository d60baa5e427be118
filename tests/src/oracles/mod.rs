//! Oracles: what must be true of a platform once the dust has settled, told from everybody's books.
//!
//! Each oracle is a function from books to complaints, sentences that name the order, event or service
//! concerned; no complaint means that all is well. None of them asks a service how it thinks it is
//! doing where somebody else knows: money is judged by the gateway's own journal, parcels by the
//! carrier's, stock by arithmetic, events by the outbox rows and the log of each consumer. Tests and
//! the fault suite share them; the `assert_*` methods of [`Platform`](crate::Platform) only panic with
//! what they say.

mod audits;
mod books;
mod carrier;
mod events;
mod figures;
mod letters;
mod mail;
mod money;
mod orders;
mod outside;
mod processes;
#[cfg(test)]
mod samples;
mod stock;

pub use audits::audits;
pub use books::{Books, Order, Payment, Reservation, Stock, Units};
pub use carrier::{parcels, parcels_handed_over_too_late};
pub use events::{Events, Said};
pub use figures::{Figures, figures, recount};
pub use letters::{DeadLetter, dead_letters, told_why};
pub use mail::mail;
pub use money::{double_captures, money};
pub use orders::{Claim, accepted, ended, unended};
pub use outside::{Charge, Outside, Parcel};
pub use processes::{panics, unready};
pub use stock::stock;
