//! `/livez`, `/readyz`, `/health` and `/metrics`.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, http::StatusCode, response::IntoResponse, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::Json;
use crate::{broker::connection::Connected, db};

/// A health check that takes longer is an answer too.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// What readiness depends on.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    pub(crate) service: String,
    pub(crate) pool: PgPool,
    pub(crate) publishing: Connected,
    pub(crate) consuming: Connected,
    /// What the last topology check found wrong; `None` before the first.
    pub(crate) topology: Arc<Mutex<Option<Vec<String>>>>,
    pub(crate) stopping: CancellationToken,
}

impl Health {
    async fn checks(&self) -> (bool, Value) {
        let database = match tokio::time::timeout(CHECK_TIMEOUT, db::check(&self.pool)).await {
            Ok(Ok(())) => "ok".to_owned(),
            Ok(Err(problem)) => problem,
            Err(_) => "no answer within 2 s".to_owned(),
        };
        let connection = |up: bool| if up { "ok" } else { "not connected" };
        let topology = match self.topology.lock().map(|found| found.clone()) {
            Ok(Some(found)) if found.is_empty() => "ok".to_owned(),
            Ok(Some(found)) => found.join("; "),
            Ok(None) | Err(_) => "not checked yet".to_owned(),
        };
        let shutdown = if self.stopping.is_cancelled() { "stopping" } else { "ok" };
        let (publishing, consuming) = (connection(self.publishing.get()), connection(self.consuming.get()));
        let well = [database.as_str(), publishing, consuming, &topology, shutdown].iter().all(|c| *c == "ok");
        let checks = json!({
            "database": database, "broker_publish": publishing, "broker_consume": consuming,
            "topology": topology, "shutdown": shutdown,
        });
        (well, checks)
    }

    async fn answer(&self, unwell: StatusCode) -> impl IntoResponse + use<> {
        let (well, checks) = self.checks().await;
        let status = if well { "healthy" } else { "degraded" };
        let body = json!({ "status": status, "service": self.service, "checks": checks });
        (if well { StatusCode::OK } else { unwell }, Json(body))
    }
}

/// The routes; `metrics_path` differs on a service whose `/metrics` is something else.
pub(crate) fn routes(health: Health, prometheus: PrometheusHandle) -> Router {
    let ready = health.clone();
    Router::new()
        .route("/livez", get(|| async { Json(json!({ "status": "alive" })) }))
        .route(
            "/readyz",
            get(move || {
                let health = ready.clone();
                async move { health.answer(StatusCode::SERVICE_UNAVAILABLE).await }
            }),
        )
        .route(
            "/health",
            get(move || {
                let health = health.clone();
                async move { health.answer(StatusCode::OK).await }
            }),
        )
        .route(
            "/metrics",
            get(move || {
                let text = prometheus.render();
                async move { ([("content-type", "text/plain; version=0.0.4; charset=utf-8")], text) }
            }),
        )
}
