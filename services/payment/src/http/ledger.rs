//! `/ledger/{order_id}` and `/ledger/audit`.

use axum::extract::State;
use chassis::{
    App,
    http::{Amount, Json, Path, Problem},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared_events::{Currency, OrderId};

use crate::{
    Payment,
    audit::{self, Audit, AuditError},
    gateway::Gateway,
    store::{self, LedgerRow},
};

/// An order has a handful of entries; an hour of unanswered refunds adds about twenty.
pub(super) const ENTRIES_MAX: i64 = 1_000;

/// An order's ledger as the API shows it.
#[derive(Debug, Serialize)]
pub(super) struct LedgerView {
    order_id: OrderId,
    currency: Option<Currency>,
    amount: Option<Amount>,
    captured: Amount,
    refunded: Amount,
    /// What is left with us.
    balance: Amount,
    /// Oldest first.
    entries: Vec<EntryView>,
}

#[derive(Debug, Serialize)]
struct EntryView {
    id: i64,
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

/// `GET /ledger/{order_id}`
pub(super) async fn show<G: Gateway>(
    State(app): State<App<Payment<G>>>,
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

/// `GET /ledger/audit`
pub(super) async fn audit<G: Gateway>(State(app): State<App<Payment<G>>>) -> Result<Json<Audit>, Problem> {
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
