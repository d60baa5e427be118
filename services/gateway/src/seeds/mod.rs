//! The calls of the other seed systems, as thin adapters.

use chassis::{App, http::openapi::OpenApiRouter};

use crate::Gateway;

/// The routes of the adapters.
pub(crate) fn routes() -> OpenApiRouter<App<Gateway>> {
    OpenApiRouter::default()
}
