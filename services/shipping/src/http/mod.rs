//! The people's side: look at a shipment, report its progress.

mod documents;
mod shipments;

use chassis::{
    App,
    http::openapi::{OpenApiRouter, routes},
};

use crate::Shipping;

/// Every route of the shipping service besides the chassis's own. They are those of the service that
/// runs, with the HTTP carrier: what is annotated for the OpenAPI document cannot be generic.
pub fn routes(app: App<Shipping>) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(shipments::show))
        .routes(routes!(shipments::dispatch))
        .routes(routes!(shipments::deliver))
        .with_state(app)
}
