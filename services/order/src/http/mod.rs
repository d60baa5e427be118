//! The people's side: one resource or action a file.

mod batch;
mod body;
mod cancel;
mod card;
mod documents;
mod list;
mod metrics;
mod place;
mod planted;
mod read;
mod view;

use axum::extract::DefaultBodyLimit;
use chassis::{
    App,
    http::openapi::{OpenApiRouter, UtoipaMethodRouterExt as _, routes},
};

use crate::Orders;

/// The routes of the order service.
pub fn routes(app: App<Orders>) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(list::list, place::place))
        .routes(routes!(batch::batch).layer(DefaultBodyLimit::max(batch::BODY_BYTES_MAX)))
        // A fixed word is matched before a parameter, so this is never taken for an id.
        .routes(routes!(metrics::metrics))
        .routes(routes!(read::order))
        .routes(routes!(read::saga_logs))
        .routes(routes!(cancel::cancel))
        .with_state(app)
}
