//! The people's side: look at an assessment, decide a review, ask for a score.

mod assessments;
mod check;
mod documents;
mod models;
mod reviews;

use chassis::{
    App,
    http::openapi::{OpenApiRouter, routes},
};

use crate::Ai;

/// Every route of the AI service besides the chassis's own.
pub fn routes(app: App<Ai>) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(assessments::show))
        .routes(routes!(reviews::list))
        .routes(routes!(reviews::decide))
        .routes(routes!(check::check))
        .routes(routes!(models::info))
        .with_state(app)
}
