//! `/refunds/{order_id}`, and a person's retry.

use axum::{extract::State, http::StatusCode};
use chassis::{
    App,
    http::{Amount, Json, Path, Problem},
};
use chrono::{DateTime, Utc};
use payment_domain::{Command, Failure, Status};
use serde::Serialize;
use shared_events::{Currency, EventType, OrderId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{documents, ledger::ENTRIES_MAX};
use crate::{
    Payment,
    ledger::Kind,
    store::{self, StoredTransaction},
};

/// A refund as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refund)]
pub(super) struct RefundView {
    /// Its own id, derived from the order's.
    id: Uuid,
    #[schema(value_type = Uuid)]
    order_id: OrderId,
    /// What goes back: all that was captured.
    amount: Amount,
    #[schema(value_type = Option<String>, example = "USD")]
    currency: Option<Currency>,
    /// `refunding`, `refund_stuck` (a person has to act) or `refunded`.
    #[schema(value_type = documents::PaymentStatus)]
    status: Status,
    /// The gateway's own id, once it has refunded.
    refund_id: Option<String>,
    /// The event that ended the order.
    #[schema(value_type = Option<String>, example = "order.failed")]
    reason: Option<EventType>,
    /// Why the gateway does not refund.
    #[schema(value_type = Option<documents::Failure>)]
    failure: Option<Failure>,
    /// When it was first asked for.
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// The refund of an order that died after it was paid.
#[utoipa::path(
    get, path = "/refunds/{order_id}", tag = "refunds", operation_id = "get_refund",
    params(("order_id" = Uuid, Path, description = "The order.")),
    responses(
        (status = 200, description = "As it stands.", body = RefundView),
        (status = 400, description = "That is no id."),
        (status = 404, description = "No refund was asked for, or payment never heard of this order."),
    )
)]
pub(super) async fn show(
    State(app): State<App<Payment>>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<RefundView>, Problem> {
    let transaction = super::find(&app, order_id).await?;
    Ok(Json(view(&app, transaction).await?))
}

/// Asks the gateway once more for a refund that it refused or did not answer (operator).
///
/// A body is allowed and not read.
#[utoipa::path(
    post, path = "/refunds/{order_id}/retry", tag = "refunds", operation_id = "retry_refund",
    params(("order_id" = Uuid, Path, description = "The order.")),
    responses(
        (status = 202, description = "The gateway is being asked.", body = RefundView),
        (status = 400, description = "That is no id."),
        (status = 404, description = "Payment never heard of this order."),
        (status = 409, description = "`no_refund`, `refund_under_way` or `already_refunded`."),
    )
)]
pub(super) async fn retry(
    State(app): State<App<Payment>>,
    Path(order_id): Path<OrderId>,
) -> Result<(StatusCode, Json<RefundView>), Problem> {
    let transaction = super::command(&app, order_id, Command::RetryRefund).await?;
    Ok((StatusCode::ACCEPTED, Json(view(&app, transaction).await?)))
}

async fn view(app: &App<Payment>, transaction: StoredTransaction) -> Result<RefundView, Problem> {
    let StoredTransaction { order_id, state, updated_at, .. } = transaction;
    match state.status {
        Status::Refunding | Status::RefundStuck | Status::Refunded => {}
        Status::Collecting
        | Status::Charging
        | Status::Unknown
        | Status::Voiding
        | Status::Unresolved
        | Status::Captured
        | Status::Failed
        | Status::Voided => return Err(Problem::not_found("No refund of this order was asked for.")),
    }
    let ledger = store::ledger(app.pool(), &[order_id], ENTRIES_MAX).await?;
    let asked = ledger.iter().find(|row| row.kind == Kind::RefundRequested.as_str()).map(|row| row.at);
    Ok(RefundView {
        id: order_id.derived("refund"),
        order_id,
        amount: Amount(state.captured_minor),
        currency: state.intent.map(|intent| intent.currency),
        status: state.status,
        refund_id: state.refund_id,
        reason: state.dead,
        failure: state.failure,
        created_at: asked.unwrap_or(updated_at),
        updated_at,
    })
}
