//! The people's side: the seed's three calls, and what else can be asked of the facts.

mod durations;
mod events;
mod funnel;
mod metrics;
mod products;
mod recent;
mod revenue;
mod window;

use axum::http::HeaderName;
use chassis::{
    App,
    http::{
        Problem,
        openapi::{OpenApiRouter, routes},
    },
};
use shared_events::Currency;

use crate::Analytics;

/// Says whether `redis` or `postgres` answered.
const SERVED_FROM: HeaderName = HeaderName::from_static("x-served-from");

/// Every route of the analytics service besides the chassis's own.
pub fn routes(app: App<Analytics>) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(metrics::metrics))
        .routes(routes!(events::stats))
        .routes(routes!(recent::recent))
        .routes(routes!(revenue::revenue))
        .routes(routes!(products::top))
        .routes(routes!(funnel::funnel))
        .routes(routes!(durations::durations))
        .with_state(app)
}

/// The currency that was asked for, or the main one.
fn currency(app: &App<Analytics>, asked: Option<&str>) -> Result<Currency, Problem> {
    match asked {
        None => Ok(app.participant().main_currency()),
        Some(code) => code.parse().map_err(|problem| Problem::bad_query(format!("currency: {problem}"))),
    }
}
