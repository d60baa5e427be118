//! `POST /fraud/check`: what the scorecard would say about an order, written nowhere.
//!
//! The body is an order as the order service takes it, read leniently: the seed systems' callers
//! leave out most of it, and ask with a total where there are no lines.

use ai_domain::Features;
use axum::extract::State;
use chassis::{
    App,
    http::{Amount, Json, Problem},
};
use chrono::{DateTime, Datelike as _, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared_events::{
    Currency, CustomerId, OrderId,
    events::{
        fraud::Verdict,
        order::{Client, Customer, PaymentMethod},
    },
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    assessments::{RiskLevel, flags},
    documents,
};
use crate::{Ai, store};

/// Largest total that is believed: 10,000,000,000.00, the order service's own limit.
const TOTAL_MINOR_MAX: i64 = 1_000_000_000_000;

/// An order, or as much of it as is known.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FraudCheck, example = json!({
    "customer_id": "customer-17",
    "items": [{"quantity": 2, "price": 24.99}],
    "shipping_address": {"country": "US"},
    "payment_method": {"type": "credit_card", "card_number": "4242424242424242"},
    "customer": {"email": "ada@example.com", "created_at": "2025-03-01T09:00:00Z"},
    "client": {"device_id": "device-9", "ip": "203.0.113.7"}
}))]
pub(super) struct CheckBody {
    /// When it is placed already: it is not counted as an earlier order of its own.
    order_id: Option<Uuid>,
    #[schema(example = "customer-17")]
    customer_id: Option<String>,
    /// Their sum is the total.
    #[serde(default)]
    items: Vec<LineBody>,
    /// The total, when there are no items.
    #[serde(alias = "amount", alias = "total")]
    total_amount: Option<Amount>,
    /// ISO 4217; `USD` unless told otherwise.
    currency: Option<String>,
    /// Only its `country` is looked at; the seeds also send the address as a text.
    #[schema(value_type = Option<Object>)]
    shipping_address: Option<Value>,
    /// Only `token`, `card_number` or `card_last_four` are looked at; the seeds also send a word.
    #[schema(value_type = Option<Object>)]
    payment_method: Option<Value>,
    customer: Option<CustomerBody>,
    client: Option<ClientBody>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FraudCheckLine)]
struct LineBody {
    #[serde(default = "one")]
    quantity: i64,
    #[serde(alias = "unit_price")]
    price: Amount,
}

const fn one() -> i64 {
    1
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FraudCheckCustomer)]
struct CustomerBody {
    email: Option<String>,
    created_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FraudCheckClient)]
struct ClientBody {
    device_id: Option<String>,
    ip: Option<String>,
}

/// What the scorecard says.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FraudCheckAnswer)]
pub(super) struct CheckAnswer {
    /// 0 (harmless) to 100.
    #[schema(maximum = 100)]
    fraud_score: u8,
    risk_level: RiskLevel,
    /// The codes of the rules that brought points, as `GET /models/info` explains them.
    flags: Vec<String>,
    #[schema(example = "scorecard-1")]
    model_version: String,
    /// Share of the inputs that were known, 0 to 1: customer, account age, e-mail, device, internet
    /// address, instrument, country, earlier orders. It says how much the score could take into
    /// account; it is no probability.
    #[schema(example = 0.75)]
    confidence: f64,
    #[schema(value_type = documents::Verdict)]
    verdict: Verdict,
    /// Sentences with figures, most important first.
    reasons: Vec<String>,
}

/// What the scorecard would say about this order now. Nothing is written, and nobody is told.
#[utoipa::path(
    post, path = "/fraud/check", tag = "fraud", operation_id = "check_fraud", request_body = CheckBody,
    responses(
        (status = 200, description = "The score, and why.", body = CheckAnswer),
        (status = 422, description = "Fields that make no sense."),
    )
)]
pub(super) async fn check(
    State(app): State<App<Ai>>,
    Json(body): Json<CheckBody>,
) -> Result<Json<CheckAnswer>, Problem> {
    let order_id = OrderId(body.order_id.unwrap_or_default());
    // A question is asked now, on whatever clock; only the windows of its own answer hang on it.
    let now = Utc::now();
    let features = body.features(now)?;
    let mut connection = app.pool().acquire().await?;
    let memory = store::remember(&mut connection, std::slice::from_ref(&features)).await?;
    drop(connection);
    let history = memory.history(order_id, &features);
    let assessment = app.participant().scorecard().assess(&features, &history, now);
    Ok(Json(CheckAnswer {
        fraud_score: assessment.score,
        risk_level: assessment.verdict.into(),
        flags: flags(&assessment),
        confidence: f64::from(assessment.known_percent) / 100.0,
        verdict: assessment.verdict,
        reasons: assessment.sentences(),
        model_version: assessment.model_version,
    }))
}

impl CheckBody {
    fn features(self, now: DateTime<Utc>) -> Result<Features, Problem> {
        let mut faults: Vec<(&str, String)> = Vec::new();
        let total_minor = self.total().unwrap_or_else(|fault| {
            faults.push(fault);
            0
        });
        let customer = self.customer_id.map(CustomerId::try_from).transpose();
        let customer =
            customer.map_err(|error| faults.push(("/customer_id", error.to_string()))).unwrap_or_default();
        let currency = self.currency.as_deref().map_or(Ok(Currency::USD), str::parse);
        let currency = currency.map_err(|error| faults.push(("/currency", error.to_string())));
        let opened = self.customer.as_ref().and_then(|customer| customer.created_at);
        if opened.is_some_and(|at| !(1900..=9999).contains(&at.year())) {
            faults.push(("/customer/created_at", "lies between the years 1900 and 9999".to_owned()));
        }
        let (Ok(currency), true) = (currency, faults.is_empty()) else {
            return Err(Problem::invalid(faults));
        };
        let mut features = Features { customer, ..Features::bare(total_minor, currency, now) };
        features.country = self.shipping_address.as_ref().and_then(|address| text(address, "country"));
        if let Some(method) = &self.payment_method {
            features.pays_with(&payment(method));
        }
        if let Some(CustomerBody { email, created_at }) = self.customer {
            features.ordered_by(&Customer { email, created_at, ..Customer::default() });
        }
        if let Some(ClientBody { device_id, ip }) = self.client {
            features.ordered_from(&Client { device_id, ip, user_agent: None });
        }
        Ok(features)
    }

    /// The sum of the lines; without lines the total as it was given.
    fn total(&self) -> Result<i64, (&'static str, String)> {
        let (pointer, total) = if self.items.is_empty() {
            let Some(Amount(total)) = self.total_amount else {
                return Err(("/items", "give the items, or the total_amount".to_owned()));
            };
            ("/total_amount", Some(total))
        } else {
            let line = |line: &LineBody| line.quantity.checked_mul(line.price.0).filter(|sum| *sum >= 0);
            let mut sums = self.items.iter().map(line);
            ("/items", sums.try_fold(0_i64, |sum, line| sum.checked_add(line?)))
        };
        let believable = total.filter(|total| (0..=TOTAL_MINOR_MAX).contains(total));
        believable.ok_or_else(|| (pointer, format!("the total is from 0.00 to {}", Amount(TOTAL_MINOR_MAX))))
    }
}

fn text(object: &Value, field: &str) -> Option<String> {
    object.get(field)?.as_str().map(str::to_owned)
}

fn payment(method: &Value) -> PaymentMethod {
    let card_last_four = text(method, "card_last_four").or_else(|| last_four(method.get("card_number")?));
    PaymentMethod { kind: String::new(), token: text(method, "token"), card_brand: None, card_last_four }
}

/// The last four digits of a card number, written as a text or a number; the rest is forgotten.
fn last_four(number: &Value) -> Option<String> {
    let digits: String = number.to_string().chars().filter(char::is_ascii_digit).collect();
    (4..=19).contains(&digits.len()).then(|| digits[digits.len() - 4..].to_owned())
}

#[cfg(test)]
mod tests;
