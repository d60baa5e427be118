//! The data's orders as a source for the load test, in time order.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{NAMESPACE, RetailOrder};
use crate::demo::orders::{Expected, OrderSource, PlannedOrder, lines};

/// Orders of a file, one after the other.
#[derive(Clone, Debug)]
pub struct RetailOrders {
    orders: std::vec::IntoIter<RetailOrder>,
    run: String,
    before: Option<DateTime<Utc>>,
}

impl RetailOrders {
    /// These orders under ids of their own for this `run`.
    ///
    /// With an empty `run` the ids are those of the data: placing it a second time then gets the first time's answers,
    /// as the order service promises, and sells nothing.
    #[must_use]
    pub fn new(orders: Vec<RetailOrder>, run: &str) -> Self {
        Self { orders: orders.into_iter(), run: run.to_owned(), before: None }
    }

    fn order_id(&self, order: &RetailOrder) -> Uuid {
        if self.run.is_empty() {
            order.order_id
        } else {
            let name = format!("run/{}/{}", self.run, order.order_id);
            Uuid::new_v5(&NAMESPACE, name.as_bytes())
        }
    }
}

impl OrderSource for RetailOrders {
    fn next_order(&mut self) -> Option<PlannedOrder> {
        let order = self.orders.next()?;
        let gap =
            self.before.and_then(|before| (order.placed_at - before).to_std().ok()).unwrap_or(Duration::ZERO);
        self.before = Some(order.placed_at);
        Some(PlannedOrder {
            body: body(&order, self.order_id(&order)),
            gap,
            cancel_after: None,
            expected: Expected::of(TOKEN, order.country, false),
        })
    }
}

/// The data knows only orders that were paid.
const TOKEN: &str = "tok_ok";

/// The data has no addresses: what stands there says so, and the country is the data's.
fn body(order: &RetailOrder, order_id: Uuid) -> Value {
    json!({
        "order_id": order_id,
        "customer_id": order.customer_id,
        "items": lines(&order.lines),
        "shipping_address": {
            "street": format!("Account {}", order.customer_id),
            "city": "Unknown",
            "state": "Unknown",
            "zip": "00000",
            "country": order.country,
        },
        "payment_method": {"type": "credit_card", "token": TOKEN},
        "currency": "GBP",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(part: u32) -> RetailOrder {
        RetailOrder {
            order_id: Uuid::from_u128(u128::from(part)),
            invoice: "536365".to_owned(),
            placed_at: DateTime::UNIX_EPOCH + chrono::Duration::minutes(i64::from(part)),
            customer_id: "17850".to_owned(),
            country: "GB",
            lines: vec![(Uuid::nil(), 6, 255)],
        }
    }

    #[test]
    fn orders_come_in_turn_with_their_gaps_and_end() {
        let mut source = RetailOrders::new(vec![order(1), order(4)], "");
        let first = source.next_order().expect("one");
        let second = source.next_order().expect("two");
        assert_eq!((first.gap, second.gap), (Duration::ZERO, Duration::from_secs(180)));
        assert_eq!(source.next_order(), None);
        assert_eq!(first.body["items"][0]["price"].to_string(), "2.55");
        assert_eq!(first.body["currency"], "GBP");
        assert_eq!(first.expected, Expected::Confirmed);
    }

    #[test]
    fn each_run_has_its_own_ids_and_no_run_has_the_datas() {
        let id = |run: &str| {
            RetailOrders::new(vec![order(1)], run).next_order().expect("one").body["order_id"].clone()
        };
        assert_eq!(id(""), json!(Uuid::from_u128(1)));
        assert_eq!(id("a"), id("a"));
        assert_ne!(id("a"), id("b"));
        assert_ne!(id("a"), id(""));
    }
}
