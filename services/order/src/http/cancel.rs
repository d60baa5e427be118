//! `POST /orders/{id}/cancel`: out of an order, if it is not too late.

use axum::{extract::State, http::StatusCode};
use chassis::{
    App, CommandError,
    http::{Correlation, Json, Path, Problem},
};
use order_domain::Command;
use serde::Deserialize;
use shared_events::{OrderId, events::order::RequestedBy};
use utoipa::ToSchema;

use super::{body::Faults, documents, read, view::OrderView};
use crate::Orders;

/// Longest reason; it travels in an event and is shown to people.
const REASON_MAX: usize = 500;

/// A wish to be out of an order.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Cancel)]
pub(super) struct CancelBody {
    /// In the words of whoever asks.
    #[schema(example = "changed my mind", min_length = 1, max_length = 500)]
    reason: String,
    /// Who asks: the customer, unless it says otherwise.
    #[schema(value_type = documents::RequestedBy, required = false)]
    #[serde(default = "customer")]
    requested_by: RequestedBy,
}

const fn customer() -> RequestedBy {
    RequestedBy::Customer
}

/// Asks to be out of an order.
///
/// Before confirmation the order is cancelled by the time of the answer; afterwards shipping was asked,
/// and the order's `cancellation` says what it answers.
#[utoipa::path(
    post, path = "/orders/{order_id}/cancel", tag = "orders", operation_id = "cancel_order",
    params(("order_id" = uuid::Uuid, Path, description = "The order.")),
    request_body = CancelBody,
    responses(
        (status = 202, description = "Cancelled, or shipping was asked.", body = OrderView),
        (status = 404, description = "There is no such order."),
        (status = 409, description = "Too late: `already_shipped`, `already_delivered`, `already_failed`, …"),
        (status = 422, description = "The reason is empty or too long."),
    )
)]
pub(super) async fn cancel(
    State(app): State<App<Orders>>,
    Correlation(correlation): Correlation,
    Path(order_id): Path<OrderId>,
    Json(body): Json<CancelBody>,
) -> Result<(StatusCode, Json<OrderView>), Problem> {
    let mut faults = Faults::default();
    faults.text("/reason", &body.reason, REASON_MAX);
    faults.into_result()?;
    let wish = Command::Cancel { reason: body.reason, by: body.requested_by };
    match app.engine().command(order_id, wish.into(), Some(correlation)).await {
        Ok(_) => Ok((StatusCode::ACCEPTED, Json(read::find(&app, order_id).await?))),
        Err(CommandError::Rejected(refusal)) if refusal.code == "unknown_order" => {
            Err(Problem::not_found(refusal.detail))
        }
        Err(error) => Err(error.into()),
    }
}
