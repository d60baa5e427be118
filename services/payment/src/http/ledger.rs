//! `/ledger/{order_id}` and `/ledger/audit`.

use axum::extract::State;
use chassis::{
    App,
    http::{Amount, Json, Path, Problem},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared_events::{Currency, OrderId};
use utoipa::ToSchema;

use crate::{
    Payment,
    audit::{self, Audit, AuditError},
    store::{self, LedgerRow},
};

/// An order has a handful of entries; an hour of unanswered refunds adds about twenty.
pub(super) const ENTRIES_MAX: i64 = 1_000;

/// An order's ledger as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ledger)]
pub(super) struct LedgerView {
    #[schema(value_type = Uuid)]
    order_id: OrderId,
    #[schema(value_type = Option<String>, example = "USD")]
    currency: Option<Currency>,
    /// What was to be charged; null while the order itself has not arrived.
    amount: Option<Amount>,
    captured: Amount,
    refunded: Amount,
    /// What is left with us.
    balance: Amount,
    /// Oldest first.
    entries: Vec<EntryView>,
}

/// One movement of money, or of the question for it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LedgerEntry)]
struct EntryView {
    id: i64,
    #[schema(example = "captured")]
    kind: String,
    amount: Amount,
    currency: String,
    at: DateTime<Utc>,
}

impl From<LedgerRow> for EntryView {
    fn from(row: LedgerRow) -> Self {
        let LedgerRow { id, order_id: _, kind, amount_minor, currency, at } = row;
        Self { id, kind, amount: Amount(amount_minor), currency, at }
    }
}

/// Every movement of an order's money, oldest first.
#[utoipa::path(
    get, path = "/ledger/{order_id}", tag = "ledger", operation_id = "get_ledger",
    params(("order_id" = Uuid, Path, description = "The order.")),
    responses(
        (status = 200, description = "As it stands.", body = LedgerView),
        (status = 400, description = "That is no id."),
        (status = 404, description = "Payment never heard of this order."),
    )
)]
pub(super) async fn show(
    State(app): State<App<Payment>>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<LedgerView>, Problem> {
    let state = super::find(&app, order_id).await?.state;
    let entries = store::ledger(app.pool(), &[order_id], ENTRIES_MAX).await?;
    let amount = state.amount();
    Ok(Json(LedgerView {
        order_id,
        currency: amount.map(|amount| amount.currency),
        amount: amount.map(|amount| Amount(amount.minor)),
        captured: Amount(state.captured_minor),
        refunded: Amount(state.refunded_minor),
        balance: Amount(state.captured_minor - state.refunded_minor),
        entries: entries.into_iter().map(EntryView::from).collect(),
    }))
}

/// Whether our books and the gateway's agree, order by order (invariants 2, 3 and 5).
#[utoipa::path(
    get, path = "/ledger/audit", tag = "ledger", operation_id = "audit_ledger",
    responses(
        (status = 200, description = "What was found; look at `balanced`.", body = Audit),
        (status = 503, description = "The gateway's journal cannot be read."),
    )
)]
pub(super) async fn audit(State(app): State<App<Payment>>) -> Result<Json<Audit>, Problem> {
    let audit = audit::audit(app.pool(), app.participant().journal()).await.map_err(|error| match error {
        AuditError::Books(error) => Problem::from(error),
        AuditError::Journal(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the gateway's journal cannot be read");
            Problem::unavailable("the gateway's journal cannot be read; try again later")
        }
    })?;
    if !audit.balanced {
        tracing::error!(differences = audit.differences_total, "the ledger does not balance");
    }
    Ok(Json(audit))
}
