//! What `POST /orders` takes: every field checked, every bad one named.

use chassis::http::{Amount, Problem};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared_events::{
    Currency, CustomerId, OrderId, ProductId,
    events::order::{Address, Client, Customer, Line, OrderPlaced, PaymentMethod},
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    card::{CardNumber, looks_like_a_card},
    documents,
};

/// Lines of an order. A larger basket is split by whoever sends it; a hundred lines keep every event
/// far below the broker's limit.
const LINES_MAX: usize = 100;
/// Pieces of one product. More is a typing mistake or a wholesale contract.
const QUANTITY_MAX: i64 = 10_000;
/// Price of one piece: 1,000,000.00.
const PRICE_MINOR_MAX: i64 = 100_000_000;
/// Sum of an order: 10,000,000,000.00, the largest amount that every service reads back.
const TOTAL_MINOR_MAX: i64 = 1_000_000_000_000;
/// Longest text of an address or a name; no postal system prints more.
const TEXT_MAX: usize = 200;
/// Longest short text: postal code, phone number, kind of payment.
const SHORT_TEXT_MAX: usize = 50;
/// Longest e-mail address (RFC 5321).
const EMAIL_MAX: usize = 254;
/// Longest user agent; some browsers come close to it.
const USER_AGENT_MAX: usize = 512;

/// An order that works as it stands: the first product of the demonstration catalogue, and a token
/// with which the simulated gateway charges.
pub(super) fn example() -> Value {
    json!({
        "customer_id": "ada",
        "items": [{"product_id": "60848178-23d2-5ef3-8cc0-fcb345e8337c", "quantity": 2, "price": 24.99}],
        "shipping_address":
            {"street": "1 Harbor Way", "city": "Portland", "state": "OR", "zip": "97201", "country": "US"},
        "payment_method": {"type": "credit_card", "token": "tok_ok"},
        "customer": {"name": "Ada Lovelace", "email": "ada@example.com"}
    })
}

/// An order to be placed.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewOrder)]
pub(super) struct PlaceBody {
    /// The shop's own name for its customer.
    #[schema(example = "ada", min_length = 1, max_length = 128)]
    customer_id: String,
    /// The same product twice becomes one line.
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<LineBody>,
    #[schema(value_type = documents::Address)]
    shipping_address: Address,
    payment_method: PaymentBody,
    /// An id of the client's choice: the second order with it gets the first one's answer.
    #[serde(default)]
    order_id: Option<Uuid>,
    /// ISO 4217; US dollars when absent.
    #[schema(example = "USD", pattern = "^[A-Z]{3}$")]
    #[serde(default)]
    currency: Option<String>,
    #[schema(value_type = Option<documents::Customer>)]
    #[serde(default)]
    customer: Option<Customer>,
    #[schema(value_type = Option<documents::Client>)]
    #[serde(default)]
    client: Option<Client>,
    /// Rows of a batch have no header of their own.
    #[serde(default)]
    pub(super) idempotency_key: Option<String>,
}

/// One product of an order.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewLine)]
struct LineBody {
    #[schema(example = "60848178-23d2-5ef3-8cc0-fcb345e8337c")]
    product_id: Uuid,
    #[schema(example = 2, minimum = 1, maximum = 10_000)]
    quantity: i64,
    /// The price of one as the customer saw it; an order at another price than the catalogue's fails.
    price: Amount,
}

/// How it is to be paid.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewPaymentMethod)]
struct PaymentBody {
    #[schema(example = "credit_card", max_length = 50)]
    #[serde(rename = "type")]
    kind: String,
    /// The gateway's name for the instrument. The simulated one knows `tok_ok`, `tok_declined`,
    /// `tok_insufficient_funds`, `tok_timeout`, `tok_timeout_captured`, `tok_error_twice`, `tok_slow`,
    /// `tok_refund_refused`, and declines one in five without a token.
    #[schema(example = "tok_ok", max_length = 200)]
    #[serde(default)]
    token: Option<String>,
    /// Reduced at once to brand and last four digits; never stored, logged or published.
    #[schema(value_type = Option<String>, write_only)]
    #[serde(default)]
    card_number: Option<CardNumber>,
}

/// An order that may be placed.
#[derive(Clone, Debug)]
pub(super) struct Checked {
    /// The order as it will be published.
    pub(super) order: OrderPlaced,
    /// The id the client chose.
    pub(super) order_id: Option<OrderId>,
    /// SHA-256 of `order`: equal for requests that mean the same, whatever their spacing.
    pub(super) body_sha256: [u8; 32],
}

/// Collects what is wrong, field by field.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(String, String)>);

impl Faults {
    fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push((pointer.into(), detail.into()));
    }

    /// A text that must be there, within its length, and printable: Postgres stores no NUL, and no
    /// address has a line feed.
    pub(super) fn text(&mut self, pointer: &str, text: &str, max: usize) {
        if text.trim().is_empty() {
            self.add(pointer, "must not be empty");
        } else if text.chars().count() > max {
            self.add(pointer, format!("has at most {max} characters"));
        } else if text.chars().any(char::is_control) {
            self.add(pointer, "has no control characters");
        }
    }

    fn optional(&mut self, pointer: &str, text: Option<&String>, max: usize) {
        if let Some(text) = text {
            self.text(pointer, text, max);
        }
    }

    /// What was found, as a problem.
    pub(super) fn into_result(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}

impl PlaceBody {
    /// The order this body asks for.
    ///
    /// # Errors
    /// 422 with every field that is not valid.
    pub(super) fn check(self) -> Result<Checked, Problem> {
        let mut faults = Faults::default();
        let customer_id = CustomerId::try_from(self.customer_id)
            .map_err(|error| faults.add("/customer_id", error.to_string()))
            .ok();
        let items = check_lines(&self.items, &mut faults);
        let currency = self.currency.as_deref().map_or(Ok(Currency::USD), str::parse);
        let currency = currency.map_err(|error| faults.add("/currency", error.to_string())).ok();
        check_address(&self.shipping_address, &mut faults);
        let payment_method = check_payment(self.payment_method, &mut faults);
        check_people(self.customer.as_ref(), self.client.as_ref(), &mut faults);
        faults.into_result()?;

        let total_minor = items.iter().map(|line| i64::from(line.quantity) * line.unit_price_minor).sum();
        // Both are there, for a missing one has left a fault above.
        let (Some(customer_id), Some(currency)) = (customer_id, currency) else {
            return Err(Problem::internal(&"a fault was lost"));
        };
        let order = OrderPlaced {
            customer_id,
            items,
            total_minor,
            currency,
            shipping_address: self.shipping_address,
            payment_method,
            customer: self.customer,
            client: self.client,
        };
        let normalized = serde_json::to_vec(&order).map_err(|error| Problem::internal(&error))?;
        let body_sha256 = Sha256::digest(&normalized).into();
        Ok(Checked { order, order_id: self.order_id.map(OrderId), body_sha256 })
    }
}

/// The lines, each product once: the same product twice becomes one line when the prices agree.
fn check_lines(items: &[LineBody], faults: &mut Faults) -> Vec<Line> {
    if items.is_empty() || items.len() > LINES_MAX {
        faults.add("/items", format!("an order has 1 to {LINES_MAX} lines, not {}", items.len()));
        return Vec::new();
    }
    let mut lines: Vec<Line> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let Amount(price) = item.price;
        if !(0..=PRICE_MINOR_MAX).contains(&price) {
            faults
                .add(format!("/items/{index}/price"), format!("is from 0.00 to {}", Amount(PRICE_MINOR_MAX)));
        }
        let pointer = format!("/items/{index}/quantity");
        let quantity =
            u32::try_from(item.quantity).ok().filter(|_| (1..=QUANTITY_MAX).contains(&item.quantity));
        let Some(quantity) = quantity else {
            faults.add(pointer, format!("is from 1 to {QUANTITY_MAX}"));
            continue;
        };
        let product_id = ProductId(item.product_id);
        match lines.iter_mut().find(|line| line.product_id == product_id) {
            None => lines.push(Line { product_id, quantity, unit_price_minor: price }),
            Some(line) if line.unit_price_minor != price => {
                faults
                    .add(format!("/items/{index}/price"), "differs from an earlier line of the same product");
            }
            Some(line) if i64::from(line.quantity + quantity) > QUANTITY_MAX => {
                faults
                    .add(pointer, format!("with an earlier line of the same product exceeds {QUANTITY_MAX}"));
            }
            Some(line) => line.quantity += quantity,
        }
    }
    // A hundred lines of at most 10¹² each fit an i64 a thousand times over.
    let total: i64 = lines
        .iter()
        .map(|line| i64::from(line.quantity) * line.unit_price_minor.clamp(0, PRICE_MINOR_MAX))
        .sum();
    if total > TOTAL_MINOR_MAX {
        faults.add("/items", format!("the total exceeds {}", Amount(TOTAL_MINOR_MAX)));
    }
    lines
}

fn check_address(address: &Address, faults: &mut Faults) {
    faults.text("/shipping_address/street", &address.street, TEXT_MAX);
    faults.text("/shipping_address/city", &address.city, TEXT_MAX);
    faults.text("/shipping_address/state", &address.state, TEXT_MAX);
    faults.text("/shipping_address/zip", &address.zip, SHORT_TEXT_MAX);
    if let Some(country) = &address.country
        && !(country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()))
    {
        faults.add("/shipping_address/country", "is two capital letters (ISO 3166), such as US");
    }
}

fn check_payment(payment: PaymentBody, faults: &mut Faults) -> PaymentMethod {
    faults.text("/payment_method/type", &payment.kind, SHORT_TEXT_MAX);
    faults.optional("/payment_method/token", payment.token.as_ref(), TEXT_MAX);
    if payment.token.as_deref().is_some_and(looks_like_a_card) {
        faults.add("/payment_method/token", "is the gateway's token, not a card number");
    }
    PaymentMethod {
        kind: payment.kind,
        token: payment.token,
        card_brand: payment.card_number.as_ref().map(|card| card.brand().to_owned()),
        card_last_four: payment.card_number.as_ref().map(CardNumber::last_four),
    }
}

fn check_people(customer: Option<&Customer>, client: Option<&Client>, faults: &mut Faults) {
    if let Some(customer) = customer {
        faults.optional("/customer/name", customer.name.as_ref(), TEXT_MAX);
        faults.optional("/customer/email", customer.email.as_ref(), EMAIL_MAX);
        faults.optional("/customer/phone", customer.phone.as_ref(), SHORT_TEXT_MAX);
        check_year(customer.created_at, faults);
    }
    if let Some(client) = client {
        faults.optional("/client/device_id", client.device_id.as_ref(), TEXT_MAX);
        faults.optional("/client/ip", client.ip.as_ref(), SHORT_TEXT_MAX);
        faults.optional("/client/user_agent", client.user_agent.as_ref(), USER_AGENT_MAX);
    }
}

fn check_year(opened: Option<DateTime<Utc>>, faults: &mut Faults) {
    use chrono::Datelike as _;
    if opened.is_some_and(|at| !(1900..=9999).contains(&at.year())) {
        faults.add("/customer/created_at", "lies between the years 1900 and 9999");
    }
}

#[cfg(test)]
mod tests;
