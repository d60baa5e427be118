//! The people's side: look at a transaction, its refund and the ledger; help where the gateway left
//! payment in doubt.

mod ledger;
mod refunds;
mod transactions;

use axum::routing::{get, post};
use chassis::{App, http::Problem};
use payment_domain::{Command, Input};
use shared_events::OrderId;

use crate::{
    Payment,
    gateway::Gateway,
    store::{self, StoredTransaction},
};
use chassis::http::openapi::OpenApiRouter;

/// Every route of the payment service besides the chassis's own.
pub fn routes<G: Gateway>(app: App<Payment<G>>) -> OpenApiRouter {
    OpenApiRouter::default()
        .route("/transactions/{order_id}", get(transactions::show))
        .route("/transactions/{order_id}/resolve", post(transactions::resolve))
        .route("/refunds/{order_id}", get(refunds::show))
        .route("/refunds/{order_id}/retry", post(refunds::retry))
        .route("/ledger/audit", get(ledger::audit))
        .route("/ledger/{order_id}", get(ledger::show))
        .with_state(app)
}

async fn find<G: Gateway>(app: &App<Payment<G>>, order_id: OrderId) -> Result<StoredTransaction, Problem> {
    let found = store::find(app.pool(), &[order_id]).await?.pop();
    found.ok_or_else(|| Problem::not_found("Payment never heard of this order."))
}

/// Decides a person's command about an order that is known, and reads what became of it.
async fn command<G: Gateway>(
    app: &App<Payment<G>>,
    order_id: OrderId,
    command: Command,
) -> Result<StoredTransaction, Problem> {
    find(app, order_id).await?;
    // What an operator moves on is still a consequence of the customer's order.
    let correlation = store::correlations(app.pool(), &[order_id]).await?.remove(&order_id);
    app.engine().command(order_id, Input::Command(command), correlation).await?;
    find(app, order_id).await
}
