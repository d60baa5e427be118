//! Shapes of the published language and of the domain as the OpenAPI document shows them. They are
//! never built: language and domain know nothing of HTTP. The tests hold them against the real ones.
#![allow(dead_code)]

use chrono::{DateTime, Utc};
use utoipa::ToSchema;

/// Where it goes.
#[derive(ToSchema)]
pub(super) struct Address {
    /// Street and number.
    #[schema(example = "1 Harbor Way", max_length = 200)]
    street: String,
    #[schema(example = "Portland", max_length = 200)]
    city: String,
    /// State or region.
    #[schema(example = "OR", max_length = 200)]
    state: String,
    /// Postal code.
    #[schema(example = "97201", max_length = 50)]
    zip: String,
    /// ISO 3166 alpha-2. The simulated carrier refuses `XX`.
    #[schema(example = "US", pattern = "^[A-Z]{2}$")]
    country: Option<String>,
}

/// What the shop tells about its customer; every field may be missing.
#[derive(ToSchema)]
pub(super) struct Customer {
    /// Full name.
    #[schema(example = "Ada Lovelace", max_length = 200)]
    name: Option<String>,
    /// Where notifications go.
    #[schema(example = "ada@example.com", max_length = 254)]
    email: Option<String>,
    #[schema(max_length = 50)]
    phone: Option<String>,
    /// When the account was opened.
    created_at: Option<DateTime<Utc>>,
}

/// The device the order came from; every field may be missing.
#[derive(ToSchema)]
pub(super) struct Client {
    /// The shop's fingerprint of the device.
    #[schema(max_length = 200)]
    device_id: Option<String>,
    /// Its address.
    #[schema(example = "203.0.113.7", max_length = 50)]
    ip: Option<String>,
    /// Its browser.
    #[schema(max_length = 512)]
    user_agent: Option<String>,
}

/// Who asked for something: the customer through the shop, or a person who runs the platform.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum RequestedBy {
    Customer,
    Operator,
}

/// Why an order failed.
#[derive(ToSchema)]
pub(super) struct Failure {
    /// `inventory`, `payment`, `shipping` or `timeout`.
    #[schema(example = "payment")]
    step: String,
    /// A stable word.
    #[schema(example = "card_declined")]
    code: String,
    /// A sentence for a person.
    reason: String,
}

/// How far an order came. It only ever moves down this list.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum OrderStatus {
    Pending,
    InventoryReserved,
    PaymentPending,
    Confirmed,
    Shipped,
    Delivered,
    Failed,
    Cancelled,
}

/// How far the making good of a dead order has come; `none` while it lives.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum CompensationStatus {
    None,
    Pending,
    Complete,
    Stuck,
}

#[cfg(test)]
mod tests {
    use order_domain::{Compensation, Progress};
    use serde::Serialize;
    use serde_json::{Value, json};
    use shared_events::events::order;

    use super::*;

    fn schema<T: ToSchema>() -> Value {
        serde_json::to_value(T::schema()).unwrap()
    }

    /// `real` has every field filled, so its JSON names them all.
    #[track_caller]
    fn assert_same_fields<Shown: ToSchema>(real: impl Serialize) {
        let shown = schema::<Shown>();
        let mut documented: Vec<_> = shown["properties"].as_object().unwrap().keys().cloned().collect();
        let real = serde_json::to_value(real).unwrap();
        let mut existing: Vec<_> = real.as_object().unwrap().keys().cloned().collect();
        documented.sort();
        existing.sort();
        assert_eq!(documented, existing);
    }

    #[test]
    fn the_documented_shapes_are_the_real_ones() {
        let text = || "x".to_owned();
        // Written out in full: a new field does not compile until somebody has been here.
        assert_same_fields::<Address>(order::Address {
            street: text(),
            city: text(),
            state: text(),
            zip: text(),
            country: Some(text()),
        });
        assert_same_fields::<Customer>(order::Customer {
            name: Some(text()),
            email: Some(text()),
            phone: Some(text()),
            created_at: Some(DateTime::UNIX_EPOCH),
        });
        assert_same_fields::<Client>(order::Client {
            device_id: Some(text()),
            ip: Some(text()),
            user_agent: Some(text()),
        });
        assert_same_fields::<Failure>(order_domain::Failure { step: text(), code: text(), reason: text() });
    }

    #[test]
    fn the_documented_words_are_the_real_ones() {
        let statuses: Vec<_> = Progress::STATUSES.iter().map(|status| status.as_str()).collect();
        assert_eq!(schema::<OrderStatus>()["enum"], json!(statuses));
        let compensations =
            [Compensation::None, Compensation::Pending, Compensation::Complete, Compensation::Stuck];
        let compensations: Vec<_> = compensations.iter().map(|status| status.as_str()).collect();
        assert_eq!(schema::<CompensationStatus>()["enum"], json!(compensations));
        assert_eq!(
            schema::<RequestedBy>()["enum"],
            json!([order::RequestedBy::Customer, order::RequestedBy::Operator])
        );
    }
}
