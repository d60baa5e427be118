//! The routes of the front door.

use axum::middleware;
use chassis::{App, http::openapi::OpenApiRouter};

use crate::{Gateway, seeds, upstream};

/// Every route of the gateway besides the chassis's own.
pub fn routes(app: App<Gateway>) -> OpenApiRouter {
    OpenApiRouter::default()
        .merge(seeds::routes())
        .layer(middleware::from_fn(upstream::hand_on))
        .with_state(app)
}
