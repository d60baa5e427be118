//! Baskets: what customers with tastes, habits and bad cards put into them, one after the other, for ever.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::customers::{Address, Client, Contact, Customer};
use super::dice::Dice;
use super::flash::Arrivals;
use super::mix::OutcomeMix;
use super::shop::{CatalogueItem, Shop};

/// How often the next visitor was here before, once there is anybody to come back.
const RETURNING_SHARE: f64 = 0.6;
/// How often a returning customer reaches for something bought before.
const REPEAT_SHARE: f64 = 0.35;
/// How often a basket holds the product on sale, while there is a sale.
const STAR_SHARE: f64 = 0.6;
/// How many returning candidates are weighed by loyalty: enough to favor the loyal, few enough to be cheap.
const CANDIDATES: usize = 8;
/// Relative frequency of baskets with 1, 2, 3 … lines.
const LINES: [f64; 10] = [42.0, 26.0, 15.0, 8.0, 4.0, 2.0, 1.2, 0.8, 0.6, 0.4];
/// Relative frequency of 1, 2, 3 … units in a line.
const UNITS: [f64; 6] = [78.0, 14.0, 4.0, 2.0, 1.0, 1.0];
/// Outside sales, on average; a thousand orders are then about four hours of the shop.
const ORDERS_PER_SECOND: f64 = 0.05;
/// The shop's first morning (2026-01-05T08:00:00Z) unless told otherwise.
const OPENING_SECONDS: i64 = 1_767_600_000;

/// How a basket is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentMethod {
    /// `credit_card` or `debit_card`.
    pub kind: &'static str,
    /// The gateway simulator's token, which decides what becomes of the charge.
    pub token: &'static str,
}

/// One order before it is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Basket {
    /// Such as `cust-000042`.
    pub customer_id: String,
    /// Product, quantity, unit price in minor units; no product twice.
    pub items: Vec<(Uuid, u32, i64)>,
    /// Where it goes.
    pub shipping_address: Address,
    /// How it is paid.
    pub payment_method: PaymentMethod,
    /// Who orders.
    pub customer: Contact,
    /// What they order with.
    pub client: Client,
    /// When they order, on the shop's clock.
    pub placed_at: DateTime<Utc>,
    /// Seconds of the shop's clock since the order before.
    pub gap_seconds: f64,
    /// How long after placing they change their mind, if they do.
    pub cancel_after: Option<Duration>,
}

/// An endless stream of baskets; the same seed, catalogue and mix give the same stream.
#[derive(Clone, Debug)]
pub struct BasketGenerator {
    dice: Dice,
    shop: Shop,
    arrivals: Arrivals,
    customers: Vec<Customer>,
    mix: OutcomeMix,
}

impl BasketGenerator {
    /// A generator with the default mix, clock and rate.
    ///
    /// # Panics
    /// When the catalogue is empty: there is nothing to buy.
    #[must_use]
    pub fn new(seed: u64, catalogue: &[CatalogueItem]) -> Self {
        assert!(!catalogue.is_empty(), "a shop must have something to sell");
        let mut dice = Dice::new(seed);
        let shop = Shop::new(catalogue, &mut dice);
        let opening = DateTime::UNIX_EPOCH + chrono::Duration::seconds(OPENING_SECONDS);
        let arrivals = Arrivals::new(opening, ORDERS_PER_SECOND, catalogue.len(), &mut dice);
        Self { dice, shop, arrivals, customers: Vec::new(), mix: OutcomeMix::default() }
    }

    /// The same with other shares of failures.
    #[must_use]
    pub fn with_mix(mut self, mix: OutcomeMix) -> Self {
        self.mix = mix;
        self
    }

    /// The same with the shop opening at `start` and this average rate outside sales.
    #[must_use]
    pub fn with_clock(mut self, start: DateTime<Utc>, orders_per_second: f64) -> Self {
        let products = self.shop.items.len();
        self.arrivals = Arrivals::new(start, orders_per_second, products, &mut self.dice);
        self
    }

    /// The next basket.
    pub fn next_basket(&mut self) -> Basket {
        let gap_seconds = self.arrivals.next_gap(&mut self.dice);
        let (index, returning) = self.visitor();
        let items = self.fill(index, returning);
        let dice = &mut self.dice;
        let customer = &self.customers[index];
        let mut shipping_address = customer.address.clone();
        if dice.chance(self.mix.carrier_refused) {
            shipping_address.country = "XX".to_owned();
        }
        Basket {
            customer_id: customer.id.clone(),
            items,
            shipping_address,
            payment_method: PaymentMethod { kind: customer.payment_type, token: self.mix.token(dice) },
            customer: customer.contact.clone(),
            client: customer.client(dice),
            placed_at: self.arrivals.now(),
            gap_seconds,
            // Up to 200 ms: some overtake the payment, some the booking, some come after both.
            cancel_after: dice
                .chance(self.mix.cancelled)
                .then(|| Duration::from_millis(dice.between(0, 200) as u64)),
        }
    }

    /// Somebody who comes back, the loyal more often, or somebody new.
    fn visitor(&mut self) -> (usize, bool) {
        if !self.customers.is_empty() && self.dice.chance(RETURNING_SHARE) {
            let candidates: Vec<usize> =
                (0..CANDIDATES).map(|_| self.dice.below(self.customers.len())).collect();
            let weights: Vec<f64> = candidates.iter().map(|index| self.customers[*index].loyalty).collect();
            return (candidates[self.dice.weighted(&weights)], true);
        }
        let number = self.customers.len() + 1;
        let departments = self.shop.departments.len();
        let now = self.arrivals.now();
        self.customers.push(Customer::new(number, departments, now, &mut self.dice));
        (number - 1, false)
    }

    fn fill(&mut self, customer: usize, returning: bool) -> Vec<(Uuid, u32, i64)> {
        let dice = &mut self.dice;
        let customer = &mut self.customers[customer];
        let wanted = (dice.weighted(&LINES) + 1).min(self.shop.items.len());
        let mut chosen: Vec<usize> = Vec::with_capacity(wanted);
        if let Some(star) = self.arrivals.star()
            && dice.chance(STAR_SHARE)
        {
            chosen.push(star);
        }
        // A draw that is in the basket already is drawn again; a tiny catalogue may run out of patience, not of time.
        for _ in 0..wanted * 4 {
            if chosen.len() >= wanted {
                break;
            }
            let repeat = (returning && dice.chance(REPEAT_SHARE)).then(|| customer.favorite(dice)).flatten();
            let item = repeat.unwrap_or_else(|| self.shop.browse(customer, dice));
            if !chosen.contains(&item) {
                chosen.push(item);
            }
        }
        chosen
            .into_iter()
            .map(|index| {
                customer.remember(index);
                let item = &self.shop.items[index];
                let quantity = dice.weighted(&UNITS) as u32 + 1;
                (item.product_id, quantity, item.price_minor)
            })
            .collect()
    }
}

impl Iterator for BasketGenerator {
    type Item = Basket;

    fn next(&mut self) -> Option<Basket> {
        Some(self.next_basket())
    }
}

#[cfg(test)]
mod tests;
