//! The counters: what each order adds to them, and the figures they make.
//!
//! A batch changes them by the difference between what its orders add now and what they added
//! before, so they always equal a recount of the facts, and no figure ever needs a scan.
//!
//! Money of different currencies is never added up. Counts are over all orders; amounts are those
//! of the platform's main currency, and what came in in another currency is left out of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared_events::{Currency, EventType};

use crate::facts::OrderFacts;

/// Counters at one revision; or, in [`Counters::moved`], by how much they change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Orders that were placed.
    pub orders: i64,
    /// Orders that reached `confirmed`, whatever became of them afterwards.
    pub confirmed: i64,
    /// Orders that failed; cancelled ones are not among them.
    pub failed: i64,
    /// Orders whose money was captured.
    pub payments_captured: i64,
    /// Orders whose payment failed.
    pub payments_failed: i64,
    /// Amounts by currency.
    pub money: BTreeMap<Currency, MoneyTotals>,
    /// Events handled, by type. A name rather than an [`EventType`], so that a replica of an earlier
    /// release can read what a newer one has counted.
    pub events: BTreeMap<String, i64>,
}

/// Sums in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyTotals {
    /// Captured, minor units.
    pub captured_minor: i64,
    /// Given back, minor units.
    pub refunded_minor: i64,
    /// Orders that reached `confirmed`.
    pub confirmed_orders: i64,
    /// What those orders cost, minor units.
    pub confirmed_minor: i64,
}

impl Counters {
    /// Adds by how much one order's change moves the counters.
    pub fn moved(&mut self, before: &OrderFacts, after: &OrderFacts) {
        self.add(before, -1);
        self.add(after, 1);
    }

    /// Counts one event.
    pub fn count(&mut self, event_type: EventType) {
        *self.events.entry(event_type.as_str().to_owned()).or_default() += 1;
    }

    fn add(&mut self, facts: &OrderFacts, sign: i64) {
        let one = |there: bool| if there { sign } else { 0 };
        self.orders += one(facts.placed.is_some());
        self.confirmed += one(facts.confirmed.is_some());
        self.failed += one(facts.failed.is_some());
        self.payments_captured += one(facts.captured.is_some());
        self.payments_failed += one(facts.payment_failed.is_some());
        // Saturating, because an absurd amount gets no further: the table of facts refuses it, and the
        // counters' change with it.
        let adds = |total: &mut i64, minor: i64| *total = total.saturating_add(minor.saturating_mul(sign));
        if let Some(captured) = &facts.captured {
            adds(&mut self.of(captured.what.currency).captured_minor, captured.what.minor);
        }
        if let Some(refunded) = &facts.refunded {
            adds(&mut self.of(refunded.what.currency).refunded_minor, refunded.what.minor);
        }
        if let Some(confirmed) = &facts.confirmed {
            let totals = self.of(confirmed.what.currency);
            totals.confirmed_orders += sign;
            adds(&mut totals.confirmed_minor, confirmed.what.minor);
        }
    }

    fn of(&mut self, currency: Currency) -> &mut MoneyTotals {
        self.money.entry(currency).or_default()
    }

    /// Captured minus refunded in that currency, minor units.
    #[must_use]
    pub fn revenue_minor(&self, currency: Currency) -> i64 {
        self.money.get(&currency).map_or(0, |totals| totals.captured_minor - totals.refunded_minor)
    }

    /// Mean total of the confirmed orders of that currency, minor units, half a cent rounded up; 0
    /// while there is none.
    #[must_use]
    pub fn average_order_minor(&self, currency: Currency) -> i64 {
        match self.money.get(&currency) {
            Some(totals) if totals.confirmed_orders > 0 => {
                (2 * totals.confirmed_minor + totals.confirmed_orders) / (2 * totals.confirmed_orders)
            }
            Some(_) | None => 0,
        }
    }

    /// Which share of the payments that came to an end were captured, from 0 to 1; 0 while none did.
    #[must_use]
    pub fn payment_success_rate(&self) -> f64 {
        let ended = self.payments_captured + self.payments_failed;
        if ended == 0 { 0.0 } else { self.payments_captured as f64 / ended as f64 }
    }

    /// The counted event types, the most frequent first, equally frequent ones by name.
    #[must_use]
    pub fn ranking(&self) -> Vec<(&str, i64)> {
        let mut ranking: Vec<_> = self.events.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        ranking.sort_by(|(one, many), (other, more)| more.cmp(many).then(one.cmp(other)));
        ranking
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Known, Moment, Sum};

    fn eur() -> Currency {
        "EUR".parse().unwrap()
    }

    fn sum(minor: i64, currency: Currency) -> Option<Known<Sum>> {
        Some(Known { at: Moment(1), what: Sum { minor, currency } })
    }

    #[test]
    fn money_of_another_currency_stays_out_of_the_amounts() {
        let mut counters = Counters::default();
        let paid = |minor, currency| OrderFacts {
            captured: sum(minor, currency),
            confirmed: sum(minor, currency),
            ..OrderFacts::default()
        };
        counters.moved(&OrderFacts::default(), &paid(1_000, Currency::USD));
        counters.moved(&OrderFacts::default(), &paid(1_001, Currency::USD));
        counters.moved(&OrderFacts::default(), &paid(70_000, eur()));
        assert_eq!((counters.confirmed, counters.payments_captured), (3, 3));
        assert_eq!(counters.revenue_minor(Currency::USD), 2_001);
        assert_eq!(counters.average_order_minor(Currency::USD), 1_001, "1000.5 is rounded up");
        assert_eq!(counters.revenue_minor(eur()), 70_000);
        assert_eq!(counters.revenue_minor("GBP".parse().unwrap()), 0);
    }

    #[test]
    fn a_refund_lowers_the_revenue_and_not_the_average_order() {
        let before =
            OrderFacts { captured: sum(500, eur()), confirmed: sum(500, eur()), ..OrderFacts::default() };
        let after = OrderFacts { refunded: sum(500, eur()), ..before.clone() };
        let mut counters = Counters::default();
        counters.moved(&OrderFacts::default(), &before);
        counters.moved(&before, &after);
        assert_eq!((counters.revenue_minor(eur()), counters.average_order_minor(eur())), (0, 500));
        assert_eq!(counters.confirmed, 1);
    }

    #[test]
    fn nothing_divides_by_zero() {
        let counters = Counters::default();
        assert_eq!(counters.payment_success_rate(), 0.0);
        assert_eq!(counters.average_order_minor(Currency::USD), 0);
        let counters = Counters { payments_captured: 3, payments_failed: 1, ..Counters::default() };
        assert_eq!(counters.payment_success_rate(), 0.75);
    }

    #[test]
    fn event_types_are_ranked_by_count_and_then_by_name() {
        let mut counters = Counters::default();
        for event_type in
            [EventType::PaymentFailed, EventType::OrderPlaced, EventType::OrderPlaced, EventType::OrderFailed]
        {
            counters.count(event_type);
        }
        assert_eq!(counters.ranking(), [("order.placed", 2), ("order.failed", 1), ("payment.failed", 1)]);
    }
}
