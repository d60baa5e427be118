//! The people's side: look at a shipment, report its progress.

mod shipments;

use axum::routing::{get, post};
use chassis::{App, http::openapi::OpenApiRouter};

use crate::{Shipping, gateway::Carrier};

/// Every route of the shipping service besides the chassis's own.
pub fn routes<C: Carrier>(app: App<Shipping<C>>) -> OpenApiRouter {
    OpenApiRouter::default()
        .route("/shipments/{order_id}", get(shipments::show))
        .route("/shipments/{order_id}/dispatch", post(shipments::dispatch))
        .route("/shipments/{order_id}/deliver", post(shipments::deliver))
        .with_state(app)
}
