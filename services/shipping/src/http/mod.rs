//! The people's side: look at a shipment, report its progress.

mod shipments;

use axum::{
    Router,
    routing::{get, post},
};
use chassis::App;

use crate::{Shipping, gateway::Carrier};

/// Every route of the shipping service besides the chassis's own.
pub fn routes<C: Carrier>(app: App<Shipping<C>>) -> Router {
    Router::new()
        .route("/shipments/{order_id}", get(shipments::show))
        .route("/shipments/{order_id}/dispatch", post(shipments::dispatch))
        .route("/shipments/{order_id}/deliver", post(shipments::deliver))
        .with_state(app)
}
