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
use uuid::Uuid;

use super::ledger::ENTRIES_MAX;
use crate::{
    Payment,
    gateway::Gateway,
    ledger::Kind,
    store::{self, StoredTransaction},
};

/// A refund as the API shows it.
#[derive(Debug, Serialize)]
pub(super) struct RefundView {
    /// Its own id, derived from the order's.
    id: Uuid,
    order_id: OrderId,
    /// What goes back: all that was captured.
    amount: Amount,
    currency: Option<Currency>,
    /// `refunding`, `refund_stuck` (a person has to act) or `refunded`.
    status: Status,
    /// The gateway's own id, once it has refunded.
    refund_id: Option<String>,
    /// The event that ended the order.
    reason: Option<EventType>,
    /// Why the gateway does not refund.
    failure: Option<Failure>,
    /// When it was first asked for.
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// `GET /refunds/{order_id}`
pub(super) async fn show<G: Gateway>(
    State(app): State<App<Payment<G>>>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<RefundView>, Problem> {
    let transaction = super::find(&app, order_id).await?;
    Ok(Json(view(&app, transaction).await?))
}

/// `POST /refunds/{order_id}/retry`; a body is allowed and not read.
pub(super) async fn retry<G: Gateway>(
    State(app): State<App<Payment<G>>>,
    Path(order_id): Path<OrderId>,
) -> Result<(StatusCode, Json<RefundView>), Problem> {
    let transaction = super::command(&app, order_id, Command::RetryRefund).await?;
    Ok((StatusCode::ACCEPTED, Json(view(&app, transaction).await?)))
}

async fn view<G: Gateway>(
    app: &App<Payment<G>>,
    transaction: StoredTransaction,
) -> Result<RefundView, Problem> {
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
