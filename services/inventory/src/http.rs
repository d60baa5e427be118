//! The people's side, one resource a file (`docs/http-api.md`, inventory).

mod documents;
mod product_form;
mod products;
mod reservations;
mod stock;

use chassis::{
    App,
    http::{
        Problem,
        openapi::{OpenApiRouter, UtoipaMethodRouterExt as _, routes},
    },
};

use crate::{Inventory, catalogue::ChangeError};

/// Every route of the service, besides those every service has.
pub fn routes(app: App<Inventory>) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(products::list, products::create))
        .routes(routes!(products::create_batch).layer(products::batch_body_limit()))
        .routes(routes!(products::get, products::patch))
        .routes(routes!(stock::adjust))
        .routes(routes!(reservations::get))
        .routes(routes!(stock::audit))
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
