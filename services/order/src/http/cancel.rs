//! `POST /orders/{id}/cancel`: out of an order, if it is not too late.

use axum::{extract::State, http::StatusCode};
use chassis::{
    App, CommandError,
    http::{Correlation, Json, Path, Problem},
};
use order_domain::Command;
use serde::Deserialize;
use shared_events::{OrderId, events::order::RequestedBy};

use super::{body::Faults, read, view::OrderView};
use crate::Orders;

/// Longest reason; it travels in an event and is shown to people.
const REASON_MAX: usize = 500;

#[derive(Debug, Deserialize)]
pub(super) struct CancelBody {
    reason: String,
    /// Who asks: the customer, unless it says otherwise.
    #[serde(default = "customer")]
    requested_by: RequestedBy,
}

const fn customer() -> RequestedBy {
    RequestedBy::Customer
}

/// 202: before confirmation the order is cancelled by now; afterwards shipping was asked, and the
/// order's `cancellation` says what it answers.
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
