//! The service's metrics as Prometheus reads them.

use axum::{extract::State, response::IntoResponse, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use utoipa::OpenApi as _;

use super::openapi::OpenApiRouter;

/// One route, at `path`: it differs on a service whose `/metrics` is something else.
pub(crate) fn routes(path: &str, prometheus: PrometheusHandle) -> OpenApiRouter {
    let mut document = Document::openapi();
    // The macro wants a literal path; only here is it known.
    if let Some(operation) = document.paths.paths.remove("/metrics") {
        document.paths.paths.insert(path.to_owned(), operation);
    }
    OpenApiRouter::with_openapi(document).route(path, get(render)).with_state(prometheus)
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(render))]
struct Document;

/// Prometheus text format.
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses((status = 200, description = "Prometheus text format, version 0.0.4.", body = String, content_type = "text/plain"))
)]
async fn render(State(prometheus): State<PrometheusHandle>) -> impl IntoResponse {
    ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], prometheus.render())
}
