//! `/products/{id}/stock` and `/stock/audit`: how many there are, and whether that adds up.

use axum::extract::State;
use chassis::{
    App,
    http::{Correlation, Json, Path, Problem},
};
use serde::Deserialize;
use shared_events::ProductId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    product_form::{FieldError, is_line},
    products::ProductView,
};
use crate::{
    Inventory,
    catalogue::{self, ON_HAND_MAX, StockCommand},
    store::audit,
};

/// Characters of a reason: one line in a list.
const REASON_CHARS_MAX: usize = 200;

/// An adjustment: either a delta or a count, and why. Other fields are refused, because a misspelled
/// one would leave the other in charge.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = StockAdjustment)]
#[serde(deny_unknown_fields)]
pub(super) struct StockForm {
    /// By how much; not together with `on_hand`.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    delta: Option<i64>,
    /// What was counted; not together with `delta`.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    on_hand: Option<i64>,
    /// In the operator's words, on one line.
    #[schema(example = "delivery 4711", min_length = 1, max_length = 200)]
    reason: String,
}

impl StockForm {
    fn command(&self) -> Result<StockCommand, Vec<FieldError>> {
        let mut problems = Vec::new();
        let mut wrong = |field: &str, rule: String| problems.push((format!("/{field}"), rule));
        if !is_line(&self.reason, REASON_CHARS_MAX) {
            wrong("reason", format!("must have 1 to {REASON_CHARS_MAX} characters on one line"));
        }
        let command = match (self.delta, self.on_hand) {
            (Some(delta), None) => {
                if delta == 0 || delta.unsigned_abs() > ON_HAND_MAX.unsigned_abs() {
                    wrong("delta", format!("must be from -{ON_HAND_MAX} to {ON_HAND_MAX}, and not 0"));
                }
                Some(StockCommand::Delta(delta))
            }
            (None, Some(on_hand)) => {
                if !(0..=ON_HAND_MAX).contains(&on_hand) {
                    wrong("on_hand", format!("must be from 0 to {ON_HAND_MAX}"));
                }
                Some(StockCommand::OnHand(on_hand))
            }
            (Some(_), Some(_)) | (None, None) => {
                wrong("delta", "give either delta or on_hand".to_owned());
                None
            }
        };
        command.filter(|_| problems.is_empty()).ok_or(problems)
    }
}

/// Corrects the stock: a delivery, a loss or a count.
#[utoipa::path(
    post, path = "/products/{id}/stock", tag = "products", operation_id = "adjust_stock",
    params(("id" = Uuid, Path, description = "The product.")),
    request_body(content = StockForm, examples(
        ("a delivery" = (value = json!({"delta": 50, "reason": "delivery 4711"}))),
        ("a count" = (value = json!({"on_hand": 120, "reason": "stocktaking"})))
    )),
    responses(
        (status = 200, description = "As it is now.", body = ProductView),
        (status = 400, description = "That is no id."),
        (status = 404, description = "There is no such product."),
        (status = 409, description = "Less would be left than orders hold, or more than a product can have."),
        (status = 422, description = "Some fields are not valid."),
    )
)]
pub(super) async fn adjust(
    State(app): State<App<Inventory>>,
    Path(id): Path<Uuid>,
    Correlation(correlation): Correlation,
    Json(form): Json<StockForm>,
) -> Result<Json<ProductView>, Problem> {
    let command = form.command().map_err(Problem::invalid)?;
    let product = catalogue::restock(app.pool(), ProductId(id), command, form.reason, correlation).await?;
    Ok(Json(product.into()))
}

/// Whether the stock adds up, recomputed from reservations and adjustments (invariant 1).
#[utoipa::path(
    get, path = "/stock/audit", tag = "audits", operation_id = "audit_stock",
    responses((status = 200, description = "What was found; look at `balanced`.", body = audit::Audit))
)]
pub(super) async fn audit(State(app): State<App<Inventory>>) -> Result<Json<audit::Audit>, Problem> {
    Ok(Json(audit::run(app.pool()).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> StockForm {
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn an_adjustment_is_a_delta_or_a_count_with_a_reason() {
        let command = |body: &str| form(body).command();
        assert_eq!(command(r#"{"delta": -3, "reason": "broken"}"#), Ok(StockCommand::Delta(-3)));
        assert_eq!(command(r#"{"on_hand": 0, "reason": "count"}"#), Ok(StockCommand::OnHand(0)));
    }

    #[test]
    fn a_bad_adjustment_names_the_field() {
        let long = format!(r#"{{"delta": 1, "reason": "{}"}}"#, "x".repeat(201));
        let cases = [
            (r#"{"delta": 0, "reason": "x"}"#, "/delta"),
            (r#"{"delta": -1000000001, "reason": "x"}"#, "/delta"),
            (r#"{"delta": -9223372036854775808, "reason": "x"}"#, "/delta"),
            (r#"{"on_hand": -1, "reason": "x"}"#, "/on_hand"),
            (r#"{"on_hand": 1000000001, "reason": "x"}"#, "/on_hand"),
            (r#"{"delta": 1, "on_hand": 1, "reason": "x"}"#, "/delta"),
            (r#"{"reason": "x"}"#, "/delta"),
            (r#"{"delta": 1, "reason": " "}"#, "/reason"),
            (long.as_str(), "/reason"),
        ];
        for (body, field) in cases {
            let problems = form(body).command().unwrap_err();
            assert_eq!(problems.len(), 1, "{body}");
            assert_eq!(problems[0].0, field, "{body}");
        }
        assert!(serde_json::from_str::<StockForm>(r#"{"delta": 1, "onhand": 5, "reason": "x"}"#).is_err());
    }
}
