//! Bodies of orders, and products to order.

use serde_json::{Value, json};
use uuid::Uuid;

/// A product made for one test.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    /// Its id.
    pub id: Uuid,
    /// Its price in cents.
    pub price_minor: i64,
}

impl Product {
    /// The price as JSON writes it.
    #[must_use]
    pub fn price(&self) -> Value {
        serde_json::from_str(&format!("{}.{:02}", self.price_minor / 100, self.price_minor % 100)).unwrap()
    }
}

/// An order of `quantity` of one product, paid with `token`, to Portland.
#[must_use]
pub fn order_body(product: Product, quantity: u32, token: &str) -> Value {
    json!({
        "customer_id": "customer-17",
        "items": [{ "product_id": product.id, "quantity": quantity, "price": product.price() }],
        "shipping_address": {
            "street": "1 Harbor Way", "city": "Portland", "state": "OR", "zip": "97201", "country": "US",
        },
        "payment_method": { "type": "credit_card", "token": token },
    })
}
