//! The people's side, one resource a file (`docs/http-api.md`, inventory).

mod product_form;
mod products;
mod reservations;
mod stock;

use axum::routing::{get, post};
use chassis::{App, http::Problem};

use crate::{Inventory, catalogue::ChangeError};
use chassis::http::openapi::OpenApiRouter;

/// Every route of the service, besides those every service has.
pub fn routes(app: App<Inventory>) -> OpenApiRouter {
    OpenApiRouter::default()
        .route("/products", get(products::list).post(products::create))
        .route("/products/batch", post(products::create_batch).layer(products::batch_body_limit()))
        .route("/products/{id}", get(products::get).patch(products::patch))
        .route("/products/{id}/stock", post(stock::adjust))
        .route("/reservations/{order_id}", get(reservations::get))
        .route("/stock/audit", get(stock::audit))
        .with_state(app)
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Unknown(_) => Self::not_found(error.to_string()),
            ChangeError::Refused(rejection) => Self::conflict(rejection.code, rejection.detail),
            ChangeError::Database(error) => error.into(),
        }
    }
}
