//! Prices in the files, as pennies.

use std::collections::HashMap;
use std::str::FromStr;

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

/// A decimal price in pennies, half a penny away from zero; `None` when it is no number or too large.
pub(super) fn pennies(text: &str) -> Option<i64> {
    let text = text.trim();
    let price = Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text)).ok()?;
    price
        .checked_mul(Decimal::ONE_HUNDRED)?
        .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
        .to_i64()
}

/// Prices stored as binary floats.
///
/// `1.005` as a float is a little less, and times 100 rounds to 100; the shortest decimal that names the float is what
/// somebody once typed, so that is what is rounded. A shop has few prices: each is worked out once.
#[derive(Default)]
pub(super) struct FloatPrices {
    known: HashMap<u64, Option<i64>>,
}

impl FloatPrices {
    pub(super) fn pennies(&mut self, price: f64) -> Option<i64> {
        *self.known.entry(price.to_bits()).or_insert_with(|| pennies(&price.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_away_from_zero() {
        let mut prices = FloatPrices::default();
        for (price, wanted) in [
            (1.005, 101),
            (1.015, 102),
            (2.675, 268),
            (0.125, 13),
            (-1.005, -101),
            (8.5, 850),
            (649.5, 64_950),
            (0.001, 0),
            (0.29, 29),
        ] {
            assert_eq!(prices.pennies(price), Some(wanted), "{price}");
        }
    }

    #[test]
    fn what_is_no_price_is_none() {
        let mut prices = FloatPrices::default();
        assert_eq!(prices.pennies(f64::NAN), None);
        assert_eq!(prices.pennies(f64::INFINITY), None);
        assert_eq!(prices.pennies(1e300), None);
        assert_eq!(pennies(""), None);
        assert_eq!(pennies("2,55"), None);
    }

    #[test]
    fn text_is_read_digit_by_digit() {
        assert_eq!(pennies(" 2.55 "), Some(255));
        assert_eq!(pennies("11062.06"), Some(1_106_206));
        assert_eq!(pennies("4"), Some(400));
        assert_eq!(pennies("1e-3"), Some(0));
    }
}
