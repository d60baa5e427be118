//! Placing an order for a seed system: what its calls leave out, and where it is sent.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use chassis::http::{Amount, Problem};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared_events::Currency;
use uuid::Uuid;

use super::items::Product;
use crate::upstream::{Reply, Upstream};

/// What the seed systems do not know; the order service refuses an empty address.
const NOT_GIVEN: &str = "not given";
/// Pieces of one product that the order service takes.
pub(super) const QUANTITY_MAX: i64 = 10_000;
/// Different products of one order.
pub(super) const LINES_MAX: usize = 100;

/// What a call may add to the seed's own fields, in the shape the order service takes.
#[derive(Clone, Debug, Default)]
pub(super) struct Extras {
    pub(super) shipping_address: Option<Value>,
    pub(super) payment_method: Option<Value>,
}

/// The body of the order service's `POST /orders`.
#[derive(Debug, Serialize)]
pub(super) struct NewOrder {
    order_id: Uuid,
    customer_id: String,
    items: Vec<Line>,
    currency: Currency,
    shipping_address: Value,
    payment_method: Value,
}

/// A line of an order, in both directions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) product_id: Uuid,
    pub(super) quantity: i64,
    price: Amount,
}

/// An order as the order service shows it, as far as the adapters show it on.
#[derive(Debug, Deserialize)]
pub(super) struct Order {
    pub(super) id: Uuid,
    pub(super) customer_id: String,
    pub(super) status: String,
    pub(super) total_amount: Amount,
    pub(super) items: Vec<Line>,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) failure: Option<Value>,
    pub(super) compensation: Option<String>,
}

impl NewOrder {
    /// An order of these products and quantities at the catalogue's prices. The same product twice
    /// becomes one line.
    ///
    /// # Errors
    /// 422 when the products are priced in different currencies.
    pub(super) fn new(
        order_id: Uuid,
        customer_id: String,
        products: &[(Product, i64)],
        extras: Extras,
    ) -> Result<Self, Problem> {
        let mut lines: Vec<Line> = Vec::with_capacity(products.len());
        for (product, quantity) in products {
            match lines.iter_mut().find(|line| line.product_id == product.id) {
                Some(line) => line.quantity += quantity,
                None => {
                    let (product_id, price) = (product.id, product.price);
                    lines.push(Line { product_id, quantity: *quantity, price });
                }
            }
        }
        let currency = products.first().map_or(Currency::USD, |(product, _)| product.currency);
        if let Some((other, _)) = products.iter().find(|(product, _)| product.currency != currency) {
            let words = format!("\"{}\" is priced in {}, others in {currency}", other.name, other.currency);
            return Err(Problem::invalid([("", words)]).code("mixed_currencies"));
        }
        let address = json!({"street": NOT_GIVEN, "city": NOT_GIVEN, "state": NOT_GIVEN, "zip": NOT_GIVEN});
        Ok(Self {
            order_id,
            customer_id,
            items: lines,
            currency,
            shipping_address: extras.shipping_address.unwrap_or(address),
            payment_method: extras.payment_method.unwrap_or_else(|| json!({"type": "credit_card"})),
        })
    }

    /// What it costs.
    pub(super) fn total(&self) -> Amount {
        // A hundred lines of at most 10¹² each fit an i64 a thousand times over.
        Amount(self.items.iter().map(|line| line.quantity * line.price.0).sum())
    }

    /// Sends it. The same order again is the same answer, also when the catalogue has changed its
    /// prices since.
    ///
    /// # Errors
    /// The order service's problems.
    pub(super) async fn place(
        &self,
        service: &Upstream,
        key: HeaderMap,
    ) -> Result<(Order, HeaderMap), Problem> {
        let body = serde_json::to_vec(self).map_err(|error| Problem::internal(&error))?;
        let refused = match service.send(Method::POST, "/orders", &key, Some(body)).await {
            Ok(reply) => return Ok((reply.read(service)?, replayed(&reply))),
            Err(problem) => problem,
        };
        if refused.status().is_client_error()
            && let Some(order) = find(service, self.order_id).await?
            && self.means(&order)
        {
            return Ok(again(order));
        }
        Err(refused)
    }

    /// Whether that order is this customer's, of these pieces; what they cost then is not asked.
    pub(super) fn means(&self, order: &Order) -> bool {
        let counted = |lines: &[Line]| {
            let mut counted: Vec<_> = lines.iter().map(|line| (line.product_id, line.quantity)).collect();
            counted.sort_unstable();
            counted
        };
        self.customer_id == order.customer_id && counted(&self.items) == counted(&order.items)
    }
}

const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// An order that was placed before, as the answer to the same request again.
pub(super) fn again(order: Order) -> (Order, HeaderMap) {
    (order, HeaderMap::from_iter([(REPLAYED, HeaderValue::from_static("true"))]))
}

fn replayed(reply: &Reply) -> HeaderMap {
    reply.headers.get(&REPLAYED).map(|value| (REPLAYED, value.clone())).into_iter().collect()
}

/// The order of that id.
///
/// # Errors
/// The order service's problems.
pub(super) async fn find(service: &Upstream, order: Uuid) -> Result<Option<Order>, Problem> {
    service.find(&format!("/orders/{order}")).await
}
