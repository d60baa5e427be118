//! The people's side: look at a transaction, its refund and the ledger; help where the gateway left
//! payment in doubt.

mod documents;
mod ledger;
mod refunds;
mod transactions;

use chassis::{
    App,
    http::{
        Problem,
        openapi::{OpenApiRouter, routes},
    },
};
use payment_domain::{Command, Input};
use shared_events::OrderId;

use crate::{
    Payment,
    store::{self, StoredTransaction},
};

/// Every route of the payment service besides the chassis's own. They are those of the service that
/// runs, with the HTTP gateway: what is annotated for the OpenAPI document cannot be generic.
pub fn routes(app: App<Payment>) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(transactions::show))
        .routes(routes!(transactions::resolve))
        .routes(routes!(refunds::show))
        .routes(routes!(refunds::retry))
        .routes(routes!(ledger::audit))
        .routes(routes!(ledger::show))
        .with_state(app)
}

async fn find(app: &App<Payment>, order_id: OrderId) -> Result<StoredTransaction, Problem> {
    let found = store::find(app.pool(), &[order_id]).await?.pop();
    found.ok_or_else(|| Problem::not_found("Payment never heard of this order."))
}

/// Decides a person's command about an order that is known, and reads what became of it.
async fn command(
    app: &App<Payment>,
    order_id: OrderId,
    command: Command,
) -> Result<StoredTransaction, Problem> {
    find(app, order_id).await?;
    // What an operator moves on is still a consequence of the customer's order.
    let correlation = store::correlations(app.pool(), &[order_id]).await?.remove(&order_id);
    app.engine().command(order_id, Input::Command(command), correlation).await?;
    find(app, order_id).await
}
