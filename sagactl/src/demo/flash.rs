//! When customers come: a Poisson process whose rate follows the hour of the day and leaps during flash sales.

use std::f64::consts::TAU;

use chrono::{DateTime, Duration, Timelike, Utc};

use super::dice::Dice;

/// Evening has 1.6 times the average rate, early morning 0.4 times.
const DAY_SWING: f64 = 0.6;
/// The hour of the day (UTC) at which most customers come.
const BUSIEST_HOUR: f64 = 20.0;
/// Hours from the end of a sale to the start of the next, on average.
const SALE_EVERY_SECONDS: f64 = 2.0 * 3_600.0;
/// How long a sale lasts.
const SALE_SECONDS: (i64, i64) = (180, 600);
/// By how much a sale multiplies the rate.
const SALE_FACTOR: (i64, i64) = (6, 12);

/// A flash sale of one product.
#[derive(Clone, Debug, PartialEq)]
pub struct Sale {
    /// Index of the product on sale.
    pub star: usize,
    starts: DateTime<Utc>,
    ends: DateTime<Utc>,
    factor: f64,
}

/// The clock of the shop's door.
#[derive(Clone, Debug)]
pub struct Arrivals {
    now: DateTime<Utc>,
    orders_per_second: f64,
    products: usize,
    sale: Sale,
}

impl Arrivals {
    /// A door that opens at `start` and sees this many orders a second on average outside sales.
    #[must_use]
    pub fn new(start: DateTime<Utc>, orders_per_second: f64, products: usize, dice: &mut Dice) -> Self {
        Self { now: start, orders_per_second, products, sale: next_sale(start, products, dice) }
    }

    /// The time of the latest arrival.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The product on sale at the moment.
    #[must_use]
    pub fn star(&self) -> Option<usize> {
        (self.sale.starts <= self.now && self.now < self.sale.ends).then_some(self.sale.star)
    }

    /// Waits for the next customer; answers the seconds it took.
    ///
    /// Thinning (Lewis and Shedler 1979): candidates come at the highest rate there can be, and each is kept with the
    /// probability that the rate of its moment has of that highest one.
    pub fn next_gap(&mut self, dice: &mut Dice) -> f64 {
        let highest = self.orders_per_second * (1.0 + DAY_SWING) * SALE_FACTOR.1 as f64;
        let mut waited = 0.0;
        loop {
            let gap = dice.exponential(1.0 / highest);
            waited += gap;
            self.now += Duration::microseconds((gap * 1e6) as i64);
            if self.sale.ends <= self.now {
                self.sale = next_sale(self.now, self.products, dice);
            }
            if dice.unit() * highest < self.rate() {
                return waited;
            }
        }
    }

    fn rate(&self) -> f64 {
        let hour = f64::from(self.now.num_seconds_from_midnight()) / 3_600.0;
        let daily = 1.0 + DAY_SWING * (TAU * (hour - BUSIEST_HOUR) / 24.0).cos();
        let sale = self.star().map_or(1.0, |_| self.sale.factor);
        self.orders_per_second * daily * sale
    }
}

fn next_sale(after: DateTime<Utc>, products: usize, dice: &mut Dice) -> Sale {
    let starts = after + Duration::seconds(dice.exponential(SALE_EVERY_SECONDS) as i64);
    Sale {
        star: dice.below(products),
        starts,
        ends: starts + Duration::seconds(dice.between(SALE_SECONDS.0, SALE_SECONDS.1)),
        factor: dice.between(SALE_FACTOR.0, SALE_FACTOR.1) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sales_bring_bursts_and_evenings_bring_more_than_mornings() {
        let mut dice = Dice::new(11);
        let mut door = Arrivals::new(DateTime::UNIX_EPOCH, 0.05, 100, &mut dice);
        let (mut in_sale, mut quiet) = ((0.0, 0_u32), (0.0, 0_u32));
        let mut by_hour = [0_u32; 24];
        for _ in 0..200_000 {
            let gap = door.next_gap(&mut dice);
            let side = if door.star().is_some() {
                &mut in_sale
            } else {
                by_hour[door.now().hour() as usize] += 1;
                &mut quiet
            };
            side.0 += gap;
            side.1 += 1;
        }
        let pace = |side: (f64, u32)| f64::from(side.1) / side.0;
        // Sales multiply by nine on average; a gap that straddles a border blurs it a little.
        let leap = pace(in_sale) / pace(quiet);
        assert!((6.0..12.0).contains(&leap), "{leap}");
        assert!((0.04..0.06).contains(&pace(quiet)), "{}", pace(quiet));
        let swing = f64::from(by_hour[20]) / f64::from(by_hour[8]);
        assert!((3.0..5.5).contains(&swing), "{swing}");
    }
}
