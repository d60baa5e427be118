//! Shapes of the published language as the OpenAPI document shows them. They are never built: the
//! language knows nothing of HTTP. The tests hold them against the real ones.
#![allow(dead_code)]

use utoipa::ToSchema;
use uuid::Uuid;

/// A quantity of one product.
#[derive(ToSchema)]
pub(super) struct HeldLine {
    product_id: Uuid,
    quantity: u32,
}

/// Where a reservation stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum ReservationStatus {
    Held,
    Committed,
    Released,
    Rejected,
}

/// What a release found.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum ReleasedFrom {
    Nothing,
    Held,
    Committed,
}

/// Why nothing could be held.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum ReserveFailure {
    InsufficientStock,
    UnknownProduct,
    PriceMismatch,
}

#[cfg(test)]
mod tests {
    use inventory_domain::State;
    use serde_json::{Value, json};
    use shared_events::{EventType, events::inventory};

    use super::*;

    fn schema<T: ToSchema>() -> Value {
        serde_json::to_value(T::schema()).unwrap()
    }

    #[test]
    fn the_documented_line_is_the_real_one() {
        let line = json!({"product_id": Uuid::nil(), "quantity": 1});
        let real: inventory::HeldLine = serde_json::from_value(line.clone()).unwrap();
        assert_eq!(serde_json::to_value(real).unwrap(), line);
        let documented: Vec<_> =
            schema::<HeldLine>()["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(documented, ["product_id", "quantity"]);
    }

    #[test]
    fn the_documented_words_are_the_real_ones() {
        use inventory::{ReleasedFrom as From, ReserveFailure as Failure};
        let released =
            State::Released { released_from: From::Held, reason: EventType::OrderFailed, items: Vec::new() };
        let states = [
            State::Held { items: Vec::new(), expires_at: chrono::DateTime::UNIX_EPOCH, asked: 0 },
            State::Committed { items: Vec::new() },
            released,
            State::Rejected { code: Failure::UnknownProduct },
        ];
        let statuses: Vec<_> = states.iter().map(State::status).collect();
        assert_eq!(schema::<ReservationStatus>()["enum"], json!(statuses));
        assert_eq!(schema::<ReleasedFrom>()["enum"], json!([From::Nothing, From::Held, From::Committed]));
        assert_eq!(
            schema::<ReserveFailure>()["enum"],
            json!([Failure::InsufficientStock, Failure::UnknownProduct, Failure::PriceMismatch])
        );
    }
}
