//! Shapes of the domain as the OpenAPI document shows them. They are never built: the domain knows
//! nothing of HTTP. The tests hold them against the real ones.
#![allow(dead_code)]

use utoipa::ToSchema;

/// How far a shipment is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum ShipmentStatus {
    Unknown,
    Booking,
    Scheduled,
    Dispatched,
    Delivered,
    Cancelling,
    Cancelled,
    Failed,
}

/// What a wish to cancel was answered with.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum CancelAnswer {
    Cancelled,
    Rejected,
}

/// Why the carrier does not take it.
#[derive(ToSchema)]
pub(super) struct Failure {
    /// A stable word.
    #[schema(example = "address_unserviceable")]
    code: String,
    /// A sentence for a person.
    reason: String,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use shipping_domain::Status;

    use super::*;

    fn schema<T: ToSchema>() -> Value {
        serde_json::to_value(T::schema()).unwrap()
    }

    #[test]
    fn the_documented_words_and_fields_are_the_real_ones() {
        use shipping_domain::CancelAnswer as Answer;
        assert_eq!(schema::<ShipmentStatus>()["enum"], json!(Status::ALL));
        assert_eq!(schema::<CancelAnswer>()["enum"], json!([Answer::Cancelled, Answer::Rejected]));
        let failure = json!({"code": "a", "reason": "b"});
        let real: shipping_domain::Failure = serde_json::from_value(failure.clone()).unwrap();
        assert_eq!(serde_json::to_value(real).unwrap(), failure);
        let documented: Vec<_> =
            schema::<Failure>()["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(documented, ["code", "reason"]);
    }
}
