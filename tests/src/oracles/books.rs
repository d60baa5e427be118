//! The books of those who carry the saga, and of the outside world, read at one time.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::Outside;
use crate::Platform;

const ORDERS: &str = "SELECT order_id, status, compensation, total_minor, state ? 'tracking_number', \
     COALESCE(state ->> 'cancel', 'none'), COALESCE(state #> '{placed,items}', '[]') FROM orders";
const RESERVATIONS: &str = "SELECT order_id, status, COALESCE(state -> 'items', '[]') FROM reservations";
const PRODUCTS: &str = "SELECT id, on_hand, reserved, \
     (SELECT COALESCE(sum(delta), 0)::bigint FROM stock_adjustments WHERE product_id = products.id) FROM products";
const PAYMENTS: &str = "SELECT t.order_id, status, captured_minor, refunded_minor, \
     COALESCE(sum(e.amount_minor) FILTER (WHERE kind = 'captured'), 0)::bigint, \
     COALESCE(sum(e.amount_minor) FILTER (WHERE kind = 'refunded'), 0)::bigint \
     FROM transactions t LEFT JOIN ledger_entries e USING (order_id) GROUP BY t.order_id";

/// Units of products.
pub type Units = BTreeMap<Uuid, i64>;

/// An order, by the order service's database.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// `pending` … `cancelled`.
    pub status: String,
    /// `none`, `pending`, `complete`, `stuck`.
    pub compensation: String,
    /// What it costs.
    pub total_minor: i64,
    /// Whether it has the carrier's number.
    pub is_tracked: bool,
    /// `none`, `requested`, `rejected`.
    pub cancel: String,
    /// What was ordered.
    pub units: Units,
    /// The event that a person was called for, as the service shows it; asked only of stuck orders.
    pub stuck_on: Option<String>,
}

impl Order {
    /// Paid, and on its way to the customer.
    #[must_use]
    pub fn lives(&self) -> bool {
        ["confirmed", "shipped", "delivered"].contains(&self.status.as_str())
    }

    /// Failed or cancelled.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        ["failed", "cancelled"].contains(&self.status.as_str())
    }

    /// Dead, with every compensation accounted for.
    #[must_use]
    pub fn is_made_good(&self) -> bool {
        self.is_dead() && self.compensation == "complete"
    }
}

/// A reservation, by inventory's database.
#[derive(Clone, Debug, Default)]
pub struct Reservation {
    /// `held`, `committed`, `released`, `rejected`.
    pub status: String,
    /// What.
    pub units: Units,
}

/// A product's stock, by inventory's database.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stock {
    /// On the shelf.
    pub on_hand: i64,
    /// Of these, held.
    pub reserved: i64,
    /// The sum of everything that was ever delivered, lost or counted.
    pub adjusted: i64,
}

/// A payment, by payment's database.
#[derive(Clone, Debug, Default)]
pub struct Payment {
    /// `collecting` … `refunded`.
    pub status: String,
    /// By the state.
    pub captured_minor: i64,
    /// By the state.
    pub refunded_minor: i64,
    /// By the ledger.
    pub ledger_captured_minor: i64,
    /// By the ledger.
    pub ledger_refunded_minor: i64,
}

/// Everybody's books.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// The order service's.
    pub orders: BTreeMap<Uuid, Order>,
    /// Inventory's, by order.
    pub reservations: BTreeMap<Uuid, Reservation>,
    /// Inventory's, by product.
    pub products: BTreeMap<Uuid, Stock>,
    /// Payment's.
    pub payments: BTreeMap<Uuid, Payment>,
    /// The gateway's and the carrier's.
    pub outside: Outside,
}

type OrderRow = (Uuid, String, String, i64, bool, String, Json<Vec<Value>>);

impl Books {
    /// Reads them all.
    pub async fn read(platform: &Platform) -> Self {
        let mut orders = BTreeMap::new();
        let rows: Vec<OrderRow> =
            sqlx::query_as(ORDERS).fetch_all(&mut platform.database("order").await).await.unwrap();
        for (id, status, compensation, total_minor, is_tracked, cancel, items) in rows {
            let units = units(&items.0);
            let stuck_on = match compensation.as_str() {
                "stuck" => platform.order(id).await["stuck_on"].as_str().map(str::to_owned),
                _ => None,
            };
            let order = Order { status, compensation, total_minor, is_tracked, cancel, units, stuck_on };
            orders.insert(id, order);
        }
        let (reservations, products) = inventory(platform).await;
        let payments = payments(platform).await;
        Self { orders, reservations, products, payments, outside: Outside::read(platform) }
    }

    /// Living orders.
    pub fn living(&self) -> impl Iterator<Item = (&Uuid, &Order)> {
        self.orders.iter().filter(|(_, order)| order.lives())
    }

    /// Dead orders.
    pub fn dead(&self) -> impl Iterator<Item = (&Uuid, &Order)> {
        self.orders.iter().filter(|(_, order)| order.is_dead())
    }
}

async fn inventory(platform: &Platform) -> (BTreeMap<Uuid, Reservation>, BTreeMap<Uuid, Stock>) {
    let mut database = platform.database("inventory").await;
    let rows: Vec<(Uuid, String, Json<Vec<Value>>)> =
        sqlx::query_as(RESERVATIONS).fetch_all(&mut database).await.unwrap();
    let reservations = rows
        .into_iter()
        .map(|(id, status, items)| (id, Reservation { status, units: units(&items.0) }))
        .collect();
    let rows: Vec<(Uuid, i64, i64, i64)> = sqlx::query_as(PRODUCTS).fetch_all(&mut database).await.unwrap();
    let products = rows
        .into_iter()
        .map(|(id, on_hand, reserved, adjusted)| (id, Stock { on_hand, reserved, adjusted }))
        .collect();
    (reservations, products)
}

async fn payments(platform: &Platform) -> BTreeMap<Uuid, Payment> {
    let rows: Vec<(Uuid, String, i64, i64, i64, i64)> =
        sqlx::query_as(PAYMENTS).fetch_all(&mut platform.database("payment").await).await.unwrap();
    let payment =
        |(id, status, captured_minor, refunded_minor, ledger_captured_minor, ledger_refunded_minor)| {
            let payment = Payment {
                status,
                captured_minor,
                refunded_minor,
                ledger_captured_minor,
                ledger_refunded_minor,
            };
            (id, payment)
        };
    rows.into_iter().map(payment).collect()
}

/// A product named on two lines has the sum of both.
fn units(lines: &[Value]) -> Units {
    let mut units = Units::new();
    for line in lines {
        let product = line["product_id"].as_str().unwrap().parse().unwrap();
        *units.entry(product).or_default() += line["quantity"].as_i64().unwrap();
    }
    units
}
