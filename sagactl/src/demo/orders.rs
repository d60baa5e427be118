//! Orders ready to be placed, whatever they come from: the one interface the load test knows.

use std::time::Duration;

use serde_json::{Value, json};

use super::baskets::{Basket, BasketGenerator};

/// A source of orders in the order they are to be placed.
pub trait OrderSource {
    /// The next order; `None` at the end of the data (a generator has none).
    fn next_order(&mut self) -> Option<PlannedOrder>;
}

/// One order to place, and what to do and expect afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedOrder {
    /// The body of `POST /orders`.
    pub body: Value,
    /// How long customers waited since the order before, on their own clock; a load test may run it faster.
    pub gap: Duration,
    /// When to send `POST /orders/{id}/cancel` after the order was accepted, if at all.
    pub cancel_after: Option<Duration>,
    /// How it ends.
    pub expected: Expected,
}

/// How an order ends if the stock suffices; where it does not, the order fails at the reservation instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Expected {
    /// Confirmed, or later on the way to delivered.
    Confirmed,
    /// The payment fails: declined, no funds, or a gateway that never answers.
    PaymentFailed,
    /// The carrier refuses after confirmation; money and stock go back.
    CarrierRefused,
    /// Undone, but the refund is refused: ends stuck, for a person.
    RefundStuck,
    /// A cancel races the saga: cancelled if it came in time, else whatever the order would have been without it.
    CancelRace,
}

impl Expected {
    /// What the card, the country and the customer's mind make of an order.
    #[must_use]
    pub fn of(token: &str, country: &str, cancelled: bool) -> Self {
        match (token, country == "XX") {
            _ if cancelled => Self::CancelRace,
            ("tok_declined" | "tok_insufficient_funds" | "tok_timeout", _) => Self::PaymentFailed,
            ("tok_refund_refused", true) => Self::RefundStuck,
            (_, true) => Self::CarrierRefused,
            (_, false) => Self::Confirmed,
        }
    }
}

/// The demonstration shop's customers as a source of orders.
#[derive(Clone, Debug)]
pub struct GeneratedOrders {
    baskets: BasketGenerator,
}

impl GeneratedOrders {
    /// Orders of this generator's baskets.
    #[must_use]
    pub fn new(baskets: BasketGenerator) -> Self {
        Self { baskets }
    }
}

impl OrderSource for GeneratedOrders {
    fn next_order(&mut self) -> Option<PlannedOrder> {
        Some(PlannedOrder::from(&self.baskets.next_basket()))
    }
}

impl From<&Basket> for PlannedOrder {
    fn from(basket: &Basket) -> Self {
        let address = &basket.shipping_address;
        let body = json!({
            "customer_id": basket.customer_id,
            "items": lines(&basket.items),
            "shipping_address": {
                "street": address.street,
                "city": address.city,
                "state": address.state,
                "zip": address.zip,
                "country": address.country,
            },
            "payment_method": {
                "type": basket.payment_method.kind,
                "token": basket.payment_method.token,
            },
            "currency": "USD",
            "customer": {
                "name": basket.customer.name,
                "email": basket.customer.email,
                "phone": basket.customer.phone,
                "created_at": basket.customer.created_at,
            },
            "client": {
                "device_id": basket.client.device_id,
                "ip": basket.client.ip,
                "user_agent": basket.client.user_agent,
            },
        });
        Self {
            body,
            gap: Duration::from_secs_f64(basket.gap_seconds),
            cancel_after: basket.cancel_after,
            expected: Expected::of(
                basket.payment_method.token,
                &address.country,
                basket.cancel_after.is_some(),
            ),
        }
    }
}

/// The `items` of an order's body.
#[must_use]
pub fn lines(items: &[(uuid::Uuid, u32, i64)]) -> Value {
    items
        .iter()
        .map(|(product_id, quantity, price_minor)| {
            json!({"product_id": product_id, "quantity": quantity, "price": decimal(*price_minor)})
        })
        .collect()
}

/// Minor units as a JSON number of two decimals, made from its digits and not by dividing.
#[must_use]
pub fn decimal(minor: i64) -> Value {
    let sign = if minor < 0 { "-" } else { "" };
    let digits = minor.unsigned_abs();
    let text = format!("{sign}{}.{:02}", digits / 100, digits % 100);
    serde_json::from_str(&text).expect("digits, a point and two digits are a JSON number")
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use rust_decimal::Decimal;

    use super::*;
    use crate::demo::{CatalogueItem, OutcomeMix, catalogue};

    fn source(mix: OutcomeMix) -> GeneratedOrders {
        let items: Vec<CatalogueItem> = catalogue().iter().map(CatalogueItem::from).collect();
        GeneratedOrders::new(BasketGenerator::new(1, &items).with_mix(mix))
    }

    #[test]
    fn every_price_up_to_a_thousand_prints_as_itself() {
        for minor in 0..100_000_i64 {
            let printed = decimal(minor).to_string();
            let read = Decimal::from_str(&printed).expect("a plain decimal");
            assert_eq!(read, Decimal::new(minor, 2), "{printed}");
        }
    }

    #[test]
    fn large_and_negative_amounts_keep_their_digits() {
        assert_eq!(decimal(123_456_789_012_345).to_string(), "1234567890123.45");
        assert_eq!(decimal(-5).to_string(), "-0.05");
    }

    #[test]
    fn the_body_has_the_shape_of_the_contract() {
        let order = source(OutcomeMix::default()).next_order().expect("endless");
        let keys: Vec<&str> = order.body.as_object().expect("an object").keys().map(String::as_str).collect();
        for wanted in ["customer_id", "items", "shipping_address", "payment_method", "customer", "client"] {
            assert!(keys.contains(&wanted), "{keys:?}");
        }
        let item = &order.body["items"][0];
        assert!(item["price"].is_number() && item["quantity"].is_u64());
        assert!(item["product_id"].as_str().is_some_and(|id| id.len() == 36));
        let created = order.body["customer"]["created_at"].as_str().expect("text");
        assert!(chrono::DateTime::parse_from_rfc3339(created).is_ok());
    }

    #[test]
    fn the_expectation_follows_the_card_the_country_and_the_cancel() {
        assert_eq!(Expected::of("tok_ok", "US", false), Expected::Confirmed);
        assert_eq!(Expected::of("tok_timeout_captured", "US", false), Expected::Confirmed);
        assert_eq!(Expected::of("tok_declined", "XX", false), Expected::PaymentFailed);
        assert_eq!(Expected::of("tok_ok", "XX", false), Expected::CarrierRefused);
        assert_eq!(Expected::of("tok_refund_refused", "XX", false), Expected::RefundStuck);
        assert_eq!(Expected::of("tok_declined", "US", true), Expected::CancelRace);
    }

    #[test]
    fn a_default_stream_shows_every_kind_of_end_it_should() {
        let mut orders = source(OutcomeMix::default());
        let seen: std::collections::BTreeSet<Expected> =
            std::iter::from_fn(|| orders.next_order()).take(3_000).map(|order| order.expected).collect();
        let wanted =
            [Expected::Confirmed, Expected::PaymentFailed, Expected::CarrierRefused, Expected::CancelRace];
        assert!(seen.iter().eq(wanted.iter()), "{seen:?}");
    }
}
