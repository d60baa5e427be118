//! The bodies our services answer with, as far as this program reads them. Unknown fields are ignored.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use uuid::Uuid;

/// One row of `GET /notifications/{order_id}`.
#[derive(Debug, Clone, Deserialize)]
pub struct Notification {
    /// `email` or `sms`.
    pub channel: String,
    /// Which text: `order_received`, `order_confirmed`, …
    pub template: String,
    /// `queued`, `sent` or `failed`.
    pub status: String,
}

/// `GET /assessments/{order_id}`.
#[derive(Debug, Clone, Deserialize)]
pub struct Assessment {
    /// 0 (harmless) to 100.
    pub score: u8,
    /// `approve`, `review` or `reject`.
    pub verdict: String,
}

/// `GET /orders/{id}`.
#[derive(Debug, Clone, Deserialize)]
pub struct Order {
    /// The order's id.
    pub id: Uuid,
    /// `pending`, `confirmed`, `failed`, …
    pub status: String,
    /// A decimal.
    pub total_amount: Number,
    /// ISO 4217; absent in the seed systems' answers.
    #[serde(default)]
    pub currency: Option<String>,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// How far the making good has come: a word, or an object with a `status`.
    #[serde(default)]
    pub compensation: Option<Value>,
    /// The carrier's number.
    #[serde(default)]
    pub tracking_number: Option<String>,
}

impl Order {
    /// `none`, `pending`, `complete` or `stuck`.
    pub fn compensation(&self) -> &str {
        match &self.compensation {
            Some(Value::String(word)) => word,
            Some(Value::Object(fields)) => {
                let word = fields.get("status").or_else(|| fields.get("state"));
                word.and_then(Value::as_str).unwrap_or("none")
            }
            _ => "none",
        }
    }

    /// Settled: confirmed or later, or failed/cancelled with every compensation accounted for.
    pub fn is_settled(&self) -> bool {
        match self.status.as_str() {
            "confirmed" | "shipped" | "delivered" => true,
            "failed" | "cancelled" => self.compensation() == "complete",
            _ => false,
        }
    }

    /// The total in minor units.
    pub fn total_minor(&self) -> i64 {
        minor_units(&self.total_amount)
    }
}

/// Why an order failed.
#[derive(Debug, Clone, Deserialize)]
pub struct Failure {
    /// `inventory`, `payment`, `shipping`, `timeout`.
    #[serde(default)]
    pub step: String,
    /// A word for programs.
    #[serde(default)]
    pub code: String,
    /// A sentence for people.
    #[serde(default)]
    pub reason: String,
}

/// `GET /products`.
#[derive(Debug, Clone, Deserialize)]
pub struct Product {
    /// The product's id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// A decimal.
    pub price: Number,
    /// ISO 4217; absent in the seed systems' answers.
    #[serde(default)]
    pub currency: Option<String>,
    /// What may still be promised.
    pub available_quantity: i64,
    /// What is promised and not yet committed.
    pub reserved_quantity: i64,
}

/// `POST /products`, and a row of `POST /products/batch`.
#[derive(Debug, Clone, Serialize)]
pub struct NewProduct {
    /// The caller's id; the service makes one when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Its name.
    pub name: String,
    /// One or two sentences.
    pub description: String,
    /// A decimal with two places.
    pub price: Number,
    /// ISO 4217; the service's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Opening stock.
    pub quantity: i64,
    /// The department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The shop's own number for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
}

/// `POST /products/batch`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct BatchAnswer {
    /// Products that did not exist.
    pub created: u64,
    /// Products that did, and were left alone.
    pub existing: u64,
}

/// `GET /reservations/{order_id}`.
#[derive(Debug, Clone, Deserialize)]
pub struct Reservation {
    /// `held`, `committed`, `released` or `rejected`.
    pub status: String,
    /// Its lines.
    #[serde(default)]
    pub items: Vec<ReservedItem>,
}

/// A line of a reservation.
#[derive(Debug, Clone, Deserialize)]
pub struct ReservedItem {
    /// How many.
    pub quantity: i64,
}

/// `GET /transactions/{order_id}`.
#[derive(Debug, Clone, Deserialize)]
pub struct Transaction {
    /// `charging`, `captured`, `failed`, `refunded`, `voided`, …
    pub status: String,
    /// A decimal.
    pub amount: Number,
}

/// `GET /refunds/{order_id}`.
#[derive(Debug, Clone, Deserialize)]
pub struct Refund {
    /// `refunding`, `refunded`, `refund_stuck`, …
    pub status: String,
    /// A decimal.
    pub amount: Number,
}

/// A row of `GET /saga-logs/{order_id}`.
#[derive(Debug, Clone, Deserialize)]
pub struct SagaLogRow {
    /// What came in, or what was decided upon a command.
    pub event_type: String,
    /// `started`, `completed`, `failed`, `compensated`, `ignored`.
    #[serde(default)]
    pub status: String,
}

/// `GET /stock/audit` and `GET /ledger/audit`.
#[derive(Debug, Clone, Deserialize)]
pub struct Audit {
    /// Whether everything adds up.
    pub balanced: bool,
    /// What does not.
    #[serde(default)]
    pub differences: Vec<Value>,
    /// Orders whose money is on its way, counted apart (ledger only).
    #[serde(default)]
    pub in_flight: u64,
}

/// `GET /health`.
#[derive(Debug, Clone, Deserialize)]
pub struct Health {
    /// `healthy` or `degraded`.
    pub status: String,
    /// The checks by name: a word, or an object with a `status`.
    #[serde(default)]
    pub checks: BTreeMap<String, Value>,
}

/// `GET /journal/orders/{order_id}` of the simulators.
#[derive(Debug, Clone, Deserialize)]
pub struct JournalOrder {
    /// How often money was ever taken for this order: 0 or 1, or something is very wrong.
    pub captures: u64,
    /// Taken, in minor units.
    pub captured_minor: i64,
    /// Given back, in minor units.
    pub refunded_minor: i64,
    /// What the gateway knows: `captured`, `declined`, `voided`, `refunded`, or nothing.
    #[serde(default)]
    pub charge_status: Option<String>,
    /// What the carrier knows: `booked`, `refused`, `cancelled`, …, or nothing.
    #[serde(default)]
    pub booking_status: Option<String>,
}

/// `application/problem+json`, or whatever text came instead.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Problem {
    /// The kind.
    #[serde(default)]
    pub title: String,
    /// This case.
    #[serde(default)]
    pub detail: Option<String>,
    /// The bad fields.
    #[serde(default)]
    pub errors: Vec<Value>,
}

impl Problem {
    pub(super) fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_else(|_| Problem {
            title: String::from_utf8_lossy(bytes).chars().take(200).collect(),
            ..Problem::default()
        })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.title)?;
        if let Some(detail) = self.detail.as_deref().filter(|detail| !detail.is_empty()) {
            write!(formatter, " ({detail})")?;
        }
        for error in &self.errors {
            write!(formatter, " {error}")?;
        }
        Ok(())
    }
}

/// Minor units of a JSON decimal. The number's shortest text is read, so `49.98` is 4998 and never 4997.
pub fn minor_units(number: &Number) -> i64 {
    let text = number.to_string();
    let decimal = Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text));
    let minor = decimal.ok().and_then(|value| (value * Decimal::ONE_HUNDRED).round().to_i64());
    // A number beyond 10²⁶ is no amount of ours; it must not pass for one.
    minor.unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        serde_json::from_str(text).expect("a number")
    }

    #[test]
    fn decimals_become_minor_units_without_losing_a_cent() {
        for (text, minor) in
            [("49.98", 4998), ("25.00", 2500), ("0.1", 10), ("1e2", 10_000), ("1249980.29", 124_998_029)]
        {
            assert_eq!(minor_units(&number(text)), minor, "{text}");
        }
        assert_eq!(minor_units(&number("1e300")), i64::MAX);
    }

    #[test]
    fn a_failed_order_is_settled_only_when_its_compensation_is_complete() {
        let order = |status: &str, compensation: Value| Order {
            id: Uuid::nil(),
            status: status.into(),
            total_amount: number("1.00"),
            currency: None,
            failure: None,
            compensation: Some(compensation),
            tracking_number: None,
        };
        assert!(order("confirmed", Value::Null).is_settled());
        assert!(order("failed", "complete".into()).is_settled());
        assert!(order("cancelled", serde_json::json!({"status": "complete"})).is_settled());
        assert!(!order("failed", "pending".into()).is_settled());
        assert!(!order("pending", Value::Null).is_settled());
    }

    #[test]
    fn a_problem_shows_its_detail_and_fields_and_plain_text_stands_for_itself() {
        let problem = Problem::read(
            br#"{"title":"Bad content","detail":"quantity","errors":[{"pointer":"/items/0/quantity"}]}"#,
        );
        assert_eq!(problem.to_string(), r#"Bad content (quantity) {"pointer":"/items/0/quantity"}"#);
        assert_eq!(Problem::read(b"no").to_string(), "no");
    }
}
