//! The people's side: one resource or action a file.

mod batch;
mod body;
mod cancel;
mod card;
mod list;
mod metrics;
mod place;
mod read;
mod view;

use axum::{
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use chassis::{App, http::openapi::OpenApiRouter};

use crate::Orders;

/// The routes of the order service.
pub fn routes(app: App<Orders>) -> OpenApiRouter {
    OpenApiRouter::default()
        .route("/orders", get(list::list).post(place::place))
        .route("/orders/batch", post(batch::batch).layer(DefaultBodyLimit::max(batch::BODY_BYTES_MAX)))
        // A fixed word is matched before a parameter, so this is never taken for an id.
        .route("/orders/metrics", get(metrics::metrics))
        .route("/orders/{order_id}", get(read::order))
        .route("/orders/{order_id}/saga-logs", get(read::saga_logs))
        .route("/orders/{order_id}/cancel", post(cancel::cancel))
        .with_state(app)
}
