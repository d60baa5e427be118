//! What the carrier decides about bookings, cancellations, hand-over and delivery.
//!
//! Every rule runs under the desk's lock. A booking that was cancelled is never handed over, and
//! one that was handed over is never cancelled.

use chrono::{DateTime, SubsecRound, Utc};
use serde::Serialize;
use tokio::time::Instant;
use uuid::Uuid;

use crate::books::{Booking, BookingStatus, Books};
use crate::config::Config;
use crate::facts::{Fact, Milestone, order_of_key};
use crate::world::{Desk, SlowBooking};

/// Without the letters that are read as digits.
const TRACKING_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Odd, so that multiplying by it modulo 2^25 maps different counts to different numbers.
const TRACKING_STRIDE: u64 = 0x9E_3779;

/// A wish to have an order's parcel fetched.
pub(crate) struct BookingRequest {
    pub(crate) key: String,
    pub(crate) order_id: Uuid,
    pub(crate) country: Option<String>,
}

/// What the client is told about a wish to book, or is not told.
pub(crate) enum BookingReply {
    Booked(BookingView),
    Refused,
    Cancelled,
    /// The key stands for another order.
    Mismatch,
    /// Only when the process forgot what it was about to do.
    ServerError,
    Silence,
    /// Ask `after_waiting` then.
    Wait(Instant),
}

/// A booking key as the carrier shows it.
#[derive(Debug, Serialize)]
pub(crate) struct BookingView {
    pub(crate) key: String,
    pub(crate) status: BookingStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tracking_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) estimated_delivery: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<&'static str>,
}

/// Books, or says what became of the key before.
pub(crate) fn book(desk: &mut Desk, config: &Config, request: &BookingRequest) -> BookingReply {
    if let Some(booking) = desk.books.booking(&request.key) {
        return repeated(booking, request);
    }
    if let Some(slow) = desk.slow_bookings.get(&request.key) {
        let same = slow.order_id == request.order_id;
        return if same { BookingReply::Wait(slow.until) } else { BookingReply::Mismatch };
    }
    let order_id = Some(request.order_id);
    match request.country.as_deref() {
        Some("XX") => {
            desk.record(order_id, Fact::BookingRefused { key: request.key.clone() });
            BookingReply::Refused
        }
        // Accepted, and the answer lost on the way: what the client must find out by the key.
        Some("XT") => {
            let fact = accept(&desk.books, config, &request.key);
            desk.record(order_id, fact);
            BookingReply::Silence
        }
        Some("XS") => {
            let until = Instant::now() + config.slow();
            let slow = SlowBooking { until, order_id: request.order_id };
            desk.slow_bookings.insert(request.key.clone(), slow);
            BookingReply::Wait(until)
        }
        Some(_) | None => {
            let fact = accept(&desk.books, config, &request.key);
            desk.record(order_id, fact);
            answer(desk, request)
        }
    }
}

/// The end of a slow booking: booked now, unless it was cancelled or finished meanwhile.
pub(crate) fn finish(desk: &mut Desk, config: &Config, key: &str) {
    if let Some(slow) = desk.slow_bookings.remove(key) {
        let fact = accept(&desk.books, config, key);
        desk.record(Some(slow.order_id), fact);
    }
}

/// What a client that waited for a slow booking is told.
pub(crate) fn after_waiting(desk: &mut Desk, config: &Config, request: &BookingRequest) -> BookingReply {
    finish(desk, config, &request.key);
    answer(desk, request)
}

/// Makes a later booking under this key impossible, or says why it is too late for that.
pub(crate) fn cancel(desk: &mut Desk, key: &str) -> BookingView {
    let order_id = match desk.books.booking(key) {
        Some(booking) => (booking.status == BookingStatus::Booked).then_some(booking.order_id),
        None => {
            let slow = desk.slow_bookings.remove(key);
            Some(slow.map(|slow| slow.order_id).or(order_of_key(key)))
        }
    };
    if let Some(order_id) = order_id {
        desk.record(order_id, Fact::BookingCancelled { key: key.to_owned() });
    }
    view(&desk.books, key).expect("a key is in the books once it has been cancelled")
}

/// What is known of a key; `None` = never heard of.
pub(crate) fn view(books: &Books, key: &str) -> Option<BookingView> {
    let booking = books.booking(key)?;
    let refused = booking.status == BookingStatus::Refused;
    Some(BookingView {
        key: key.to_owned(),
        status: booking.status,
        tracking_number: booking.parcel.as_ref().map(|parcel| parcel.tracking_number.clone()),
        estimated_delivery: booking.parcel.as_ref().map(|parcel| parcel.estimated_delivery),
        code: refused.then_some("address_unserviceable"),
    })
}

/// When the clock next has something to do with this booking.
pub(crate) fn next_due(booking: &Booking, config: &Config) -> Option<(DateTime<Utc>, Milestone)> {
    let booked_at = booking.parcel.as_ref()?.booked_at;
    let (wait, milestone) = match booking.status {
        BookingStatus::Booked => (config.dispatch_after()?, Milestone::Dispatch),
        BookingStatus::Dispatched => (config.deliver_after()?, Milestone::Deliver),
        BookingStatus::Refused | BookingStatus::Cancelled | BookingStatus::Delivered => return None,
    };
    Some((booked_at + wait, milestone))
}

/// The clock's turn: hands over what is booked, delivers what was handed over. A booking that was
/// cancelled meanwhile is left alone.
pub(crate) fn move_on(desk: &mut Desk, key: &str, milestone: Milestone) -> bool {
    let Some(booking) = desk.books.booking(key) else { return false };
    let order_id = booking.order_id;
    let key = key.to_owned();
    let fact = match (booking.status, milestone) {
        (BookingStatus::Booked, Milestone::Dispatch) => Fact::HandedOver { key },
        (BookingStatus::Dispatched, Milestone::Deliver) => Fact::Delivered { key },
        (BookingStatus::Booked, Milestone::Deliver)
        | (BookingStatus::Dispatched, Milestone::Dispatch)
        | (BookingStatus::Refused | BookingStatus::Cancelled | BookingStatus::Delivered, _) => {
            return false;
        }
    };
    desk.record(order_id, fact);
    true
}

/// What the shipping service has yet to be told of, in the order in which it happened.
pub(crate) fn untold(booking: &Booking) -> Option<Milestone> {
    match (booking.status, booking.told) {
        (BookingStatus::Dispatched | BookingStatus::Delivered, None) => Some(Milestone::Dispatch),
        (BookingStatus::Delivered, Some(Milestone::Dispatch)) => Some(Milestone::Deliver),
        (BookingStatus::Dispatched | BookingStatus::Delivered, Some(_))
        | (BookingStatus::Booked | BookingStatus::Refused | BookingStatus::Cancelled, _) => None,
    }
}

/// A second request under a decided key gets the first one's answer.
fn repeated(booking: &Booking, request: &BookingRequest) -> BookingReply {
    let same = booking.order_id == Some(request.order_id);
    match (booking.status, &booking.parcel) {
        (BookingStatus::Cancelled, _) => BookingReply::Cancelled,
        (BookingStatus::Refused, _) if same => BookingReply::Refused,
        (BookingStatus::Booked | BookingStatus::Dispatched | BookingStatus::Delivered, Some(parcel))
            if same =>
        {
            BookingReply::Booked(BookingView {
                key: request.key.clone(),
                status: BookingStatus::Booked,
                tracking_number: Some(parcel.tracking_number.clone()),
                estimated_delivery: Some(parcel.estimated_delivery),
                code: None,
            })
        }
        (BookingStatus::Booked | BookingStatus::Dispatched, _)
        | (BookingStatus::Delivered | BookingStatus::Refused, _) => BookingReply::Mismatch,
    }
}

fn answer(desk: &Desk, request: &BookingRequest) -> BookingReply {
    match desk.books.booking(&request.key) {
        Some(booking) => repeated(booking, request),
        None => BookingReply::ServerError,
    }
}

fn accept(books: &Books, config: &Config, key: &str) -> Fact {
    let promised = Utc::now() + config.promised_after();
    Fact::BookingMade {
        key: key.to_owned(),
        tracking_number: tracking_number(books.bookings_made()),
        // Cut to what Postgres keeps, so that the promise compares equal everywhere.
        estimated_delivery: promised.trunc_subsecs(6),
    }
}

/// `TRK-` and five characters: unique for the first 33 million bookings of a journal, and without
/// the look of a counter.
fn tracking_number(earlier_bookings: u64) -> String {
    let mixed = (earlier_bookings + 1).wrapping_mul(TRACKING_STRIDE);
    let character = |place: u32| TRACKING_ALPHABET[(mixed >> (5 * place)) as usize % 32] as char;
    let code: String = (0..5).rev().map(character).collect();
    format!("TRK-{code}")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn tracking_numbers_do_not_repeat() {
        let numbers: HashSet<_> = (0..200_000).map(tracking_number).collect();
        assert_eq!(numbers.len(), 200_000);
        assert!(numbers.iter().all(|number| number.len() == 9 && number.starts_with("TRK-")));
    }
}
