//! The books: what follows from the journal's facts. Everything here can be rebuilt by applying
//! the entries in order, and nothing else may change it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::facts::{DeclineCode, Entry, Fact, Milestone};
use crate::journal::Span;

/// Everything known, by key and by order.
#[derive(Default)]
pub(crate) struct Books {
    charges: HashMap<String, Charge>,
    /// Server errors answered per charge key, which `tok_error_twice` counts.
    errors: HashMap<String, u32>,
    bookings: HashMap<String, Booking>,
    orders: HashMap<Uuid, Order>,
    /// Orders for which a charge was decided, in the order of their first one: the cursor of the
    /// money list counts along it.
    with_money: Vec<Uuid>,
    totals: Totals,
}

/// What became of one charge key.
pub(crate) struct Charge {
    pub(crate) order_id: Option<Uuid>,
    pub(crate) outcome: Outcome,
    pub(crate) refunds: Vec<Refund>,
}

/// The decision on a charge, which never changes; refunds are kept beside it.
#[derive(Clone)]
pub(crate) enum Outcome {
    Captured { charge_id: String, amount_minor: i64, currency: String, refunds_refused: bool },
    Declined { amount_minor: i64, currency: String, code: DeclineCode },
    Voided,
}

/// Money that went back.
pub(crate) struct Refund {
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) amount_minor: i64,
}

/// What became of one booking key.
pub(crate) struct Booking {
    pub(crate) order_id: Option<Uuid>,
    pub(crate) status: BookingStatus,
    /// Tracking number and promised delivery, once booked.
    pub(crate) parcel: Option<Parcel>,
    /// The last milestone the shipping service has been told of.
    pub(crate) told: Option<Milestone>,
}

/// What the carrier gave out when it accepted.
#[derive(Clone)]
pub(crate) struct Parcel {
    pub(crate) tracking_number: String,
    pub(crate) booked_at: DateTime<Utc>,
    pub(crate) estimated_delivery: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BookingStatus {
    Booked,
    Refused,
    Cancelled,
    Dispatched,
    Delivered,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChargeStatus {
    Captured,
    Declined,
    Voided,
    Refunded,
}

/// One order's share of everything.
#[derive(Default)]
pub(crate) struct Order {
    pub(crate) entries: Vec<Span>,
    charge_keys: Vec<String>,
    booking_key: Option<String>,
    captures: u64,
    captured_minor: i64,
    refunded_minor: i64,
    refunds_allowed: bool,
}

/// One order's money, as the audits of the services want it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MoneyRow {
    pub(crate) order_id: Uuid,
    pub(crate) key: String,
    /// Captures ever made; more than one is a double charge.
    pub(crate) captures: u64,
    pub(crate) captured_minor: i64,
    pub(crate) refunded_minor: i64,
    pub(crate) status: ChargeStatus,
}

/// Sums over all orders.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Totals {
    /// Charge keys decided one way or another.
    charges: u64,
    captures: u64,
    declined: u64,
    voided: u64,
    captured_minor: i64,
    refunds: u64,
    refunded_minor: i64,
    /// Orders that were charged more than once; must stay 0.
    double_captures: u64,
    bookings: u64,
    bookings_refused: u64,
    bookings_cancelled: u64,
    dispatched: u64,
    delivered: u64,
    /// Parcels handed over although their booking was cancelled; must stay 0.
    dispatched_after_cancel: u64,
}

impl Books {
    pub(crate) fn charge(&self, key: &str) -> Option<&Charge> {
        self.charges.get(key)
    }

    pub(crate) fn booking(&self, key: &str) -> Option<&Booking> {
        self.bookings.get(key)
    }

    /// Every booking with its key, for the carrier's clock to start from.
    pub(crate) fn bookings(&self) -> impl Iterator<Item = (&String, &Booking)> {
        self.bookings.iter()
    }

    pub(crate) fn order(&self, order_id: Uuid) -> Option<&Order> {
        self.orders.get(&order_id)
    }

    pub(crate) fn bookings_made(&self) -> u64 {
        self.totals.bookings
    }

    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    pub(crate) fn errors_answered(&self, key: &str) -> u32 {
        self.errors.get(key).copied().unwrap_or_default()
    }

    /// Whether someone has talked the bank into refunds for this charge's order.
    pub(crate) fn refunds_allowed(&self, charge: &Charge) -> bool {
        charge.order_id.and_then(|id| self.orders.get(&id)).is_some_and(|order| order.refunds_allowed)
    }

    /// The order's money; `None` when no charge was ever decided for it.
    ///
    /// When a client used several keys for one order, the row shows the captured one.
    pub(crate) fn money(&self, order_id: Uuid) -> Option<MoneyRow> {
        let order = self.orders.get(&order_id)?;
        let captured = |key: &&String| matches!(self.charges[*key].outcome, Outcome::Captured { .. });
        let key = order.charge_keys.iter().find(captured).or(order.charge_keys.first())?;
        Some(MoneyRow {
            order_id,
            key: key.clone(),
            captures: order.captures,
            captured_minor: order.captured_minor,
            refunded_minor: order.refunded_minor,
            status: self.charges[key].status(),
        })
    }

    /// Up to `limit` rows after the first `after` orders with money, and whether more follow.
    pub(crate) fn money_page(&self, after: usize, limit: usize) -> (Vec<MoneyRow>, bool) {
        let rest = self.with_money.get(after..).unwrap_or_default();
        let rows = rest.iter().take(limit).filter_map(|id| self.money(*id)).collect();
        (rows, rest.len() > limit)
    }

    /// The order's booking, if the carrier ever heard of it.
    pub(crate) fn booking_of(&self, order_id: Uuid) -> Option<&Booking> {
        self.bookings.get(self.orders.get(&order_id)?.booking_key.as_ref()?)
    }

    /// Takes one fact into the books. Called once per entry, in the journal's order.
    pub(crate) fn apply(&mut self, entry: &Entry, span: Span) {
        if let Some(order_id) = entry.order_id {
            self.orders.entry(order_id).or_default().entries.push(span);
        }
        match &entry.fact {
            Fact::ChargeCaptured { key, charge_id, amount_minor, currency, refunds_refused } => {
                let (amount_minor, refunds_refused) = (*amount_minor, *refunds_refused);
                self.count_capture(entry.order_id, amount_minor);
                let (charge_id, currency) = (charge_id.clone(), currency.clone());
                let outcome = Outcome::Captured { charge_id, amount_minor, currency, refunds_refused };
                self.settle_charge(entry.order_id, key, outcome);
            }
            Fact::ChargeDeclined { key, amount_minor, currency, code } => {
                self.totals.declined += 1;
                let (amount_minor, currency, code) = (*amount_minor, currency.clone(), *code);
                self.settle_charge(entry.order_id, key, Outcome::Declined { amount_minor, currency, code });
            }
            Fact::ChargeVoided { key } => {
                self.totals.voided += 1;
                self.settle_charge(entry.order_id, key, Outcome::Voided);
            }
            Fact::ChargeUnanswered { .. } | Fact::RefundRefused { .. } => {}
            Fact::ChargeErrored { key } => *self.errors.entry(key.clone()).or_default() += 1,
            Fact::RefundMade { key, refund_key, refund_id, amount_minor } => {
                self.refund(entry.order_id, key, refund_key, refund_id, *amount_minor);
            }
            Fact::RefundsAllowed {} => match entry.order_id {
                Some(order_id) => self.orders.entry(order_id).or_default().refunds_allowed = true,
                None => self.orders.values_mut().for_each(|order| order.refunds_allowed = true),
            },
            Fact::BookingMade { key, tracking_number, estimated_delivery } => {
                self.totals.bookings += 1;
                let parcel = Parcel {
                    tracking_number: tracking_number.clone(),
                    booked_at: entry.at,
                    estimated_delivery: *estimated_delivery,
                };
                self.open_booking(entry.order_id, key, BookingStatus::Booked, Some(parcel));
            }
            Fact::BookingRefused { key } => {
                self.totals.bookings_refused += 1;
                self.open_booking(entry.order_id, key, BookingStatus::Refused, None);
            }
            Fact::BookingCancelled { key } => {
                self.totals.bookings_cancelled += 1;
                let parcel = self.bookings.get(key).and_then(|booking| booking.parcel.clone());
                self.open_booking(entry.order_id, key, BookingStatus::Cancelled, parcel);
            }
            Fact::HandedOver { key } => {
                self.totals.dispatched += 1;
                if self.bookings.get(key).is_some_and(|b| b.status == BookingStatus::Cancelled) {
                    self.totals.dispatched_after_cancel += 1;
                }
                self.move_booking(key, BookingStatus::Dispatched);
            }
            Fact::Delivered { key } => {
                self.totals.delivered += 1;
                self.move_booking(key, BookingStatus::Delivered);
            }
            Fact::ShippingTold { key, milestone, .. } => {
                if let Some(booking) = self.bookings.get_mut(key) {
                    booking.told = Some(*milestone);
                }
            }
        }
    }

    fn count_capture(&mut self, order_id: Option<Uuid>, amount_minor: i64) {
        self.totals.captures += 1;
        self.totals.captured_minor += amount_minor;
        let Some(order) = order_id.map(|id| self.orders.entry(id).or_default()) else { return };
        order.captures += 1;
        order.captured_minor += amount_minor;
        if order.captures == 2 {
            self.totals.double_captures += 1;
        }
    }

    fn settle_charge(&mut self, order_id: Option<Uuid>, key: &str, outcome: Outcome) {
        let charge = Charge { order_id, outcome, refunds: Vec::new() };
        if self.charges.insert(key.to_owned(), charge).is_none() {
            self.totals.charges += 1;
        }
        self.errors.remove(key);
        let Some(order_id) = order_id else { return };
        let order = self.orders.entry(order_id).or_default();
        if order.charge_keys.is_empty() {
            self.with_money.push(order_id);
        }
        if !order.charge_keys.iter().any(|known| known == key) {
            order.charge_keys.push(key.to_owned());
        }
    }

    fn refund(&mut self, order_id: Option<Uuid>, key: &str, refund_key: &str, id: &str, amount_minor: i64) {
        self.totals.refunds += 1;
        self.totals.refunded_minor += amount_minor;
        if let Some(order) = order_id.map(|id| self.orders.entry(id).or_default()) {
            order.refunded_minor += amount_minor;
        }
        if let Some(charge) = self.charges.get_mut(key) {
            let refund = Refund { key: refund_key.to_owned(), id: id.to_owned(), amount_minor };
            charge.refunds.push(refund);
        }
    }

    fn open_booking(
        &mut self,
        order_id: Option<Uuid>,
        key: &str,
        status: BookingStatus,
        parcel: Option<Parcel>,
    ) {
        self.bookings.insert(key.to_owned(), Booking { order_id, status, parcel, told: None });
        if let Some(order) = order_id.map(|id| self.orders.entry(id).or_default()) {
            order.booking_key = Some(key.to_owned());
        }
    }

    fn move_booking(&mut self, key: &str, status: BookingStatus) {
        if let Some(booking) = self.bookings.get_mut(key) {
            booking.status = status;
        }
    }
}

impl Charge {
    pub(crate) fn status(&self) -> ChargeStatus {
        match self.outcome {
            // A partial refund leaves the charge captured.
            Outcome::Captured { amount_minor, .. }
                if !self.refunds.is_empty() && self.refunded_minor() == amount_minor =>
            {
                ChargeStatus::Refunded
            }
            Outcome::Captured { .. } => ChargeStatus::Captured,
            Outcome::Declined { .. } => ChargeStatus::Declined,
            Outcome::Voided => ChargeStatus::Voided,
        }
    }

    pub(crate) fn refunded_minor(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount_minor).sum()
    }
}
