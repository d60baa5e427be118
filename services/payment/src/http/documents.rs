//! Shapes of the domain as the OpenAPI document shows them. They are never built: the domain knows
//! nothing of HTTP. The tests hold them against the real ones.
#![allow(dead_code)]

use utoipa::ToSchema;

/// Where a payment stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum PaymentStatus {
    Collecting,
    Charging,
    Unknown,
    Voiding,
    Unresolved,
    Captured,
    Failed,
    Voided,
    Refunding,
    RefundStuck,
    Refunded,
}

/// What is known of the fraud assessment.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum FraudOpinion {
    Unheard,
    Review,
    Approve,
    Reject,
}

/// Why something did not work out.
#[derive(ToSchema)]
pub(super) struct Failure {
    /// A stable word.
    #[schema(example = "card_declined")]
    code: String,
    /// A sentence for a person.
    reason: String,
}

#[cfg(test)]
mod tests {
    use payment_domain::{Opinion, Status};
    use serde_json::{Value, json};

    use super::*;

    fn schema<T: ToSchema>() -> Value {
        serde_json::to_value(T::schema()).unwrap()
    }

    #[test]
    fn the_documented_words_and_fields_are_the_real_ones() {
        assert_eq!(schema::<PaymentStatus>()["enum"], json!(Status::ALL));
        let opinions = [Opinion::Unheard, Opinion::Review, Opinion::Approve, Opinion::Reject];
        assert_eq!(schema::<FraudOpinion>()["enum"], json!(opinions));
        let failure = json!({"code": "a", "reason": "b"});
        let real: payment_domain::Failure = serde_json::from_value(failure.clone()).unwrap();
        assert_eq!(serde_json::to_value(real).unwrap(), failure);
        let documented: Vec<_> =
            schema::<Failure>()["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(documented, ["code", "reason"]);
    }
}
