//! `/livez`, `/readyz` and `/health`.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::{
    Json,
    openapi::{OpenApiRouter, routes},
};
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
        let database = self.database().await;
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

    /// Whoever asks whether to send more must learn at once that the service stops: a database that is
    /// silent would keep the answer back.
    async fn database(&self) -> String {
        // In a task of its own: a connection that takes longer than an answer may wait would be given
        // up each time, and on a slow machine the service would never be ready.
        let pool = self.pool.clone();
        let check = tokio::spawn(async move { db::check(&pool).await });
        let answer = self.stopping.run_until_cancelled(tokio::time::timeout(CHECK_TIMEOUT, check)).await;
        match answer {
            Some(Ok(Ok(Ok(())))) => "ok".to_owned(),
            Some(Ok(Ok(Err(problem)))) => problem,
            Some(Ok(Err(join))) => format!("the check ended early: {join}"),
            Some(Err(_)) => "no answer within 2 s".to_owned(),
            None => "not asked any more".to_owned(),
        }
    }

    async fn answer(&self, unwell: StatusCode) -> (StatusCode, Json<HealthView>) {
        let (well, checks) = self.checks().await;
        let status = if well { "healthy" } else { "degraded" };
        let view = HealthView { status, service: self.service.clone(), checks };
        (if well { StatusCode::OK } else { unwell }, Json(view))
    }
}

/// How a service is.
#[derive(Debug, Serialize, ToSchema)]
struct HealthView {
    /// `healthy`, or `degraded` when a check says anything but `ok`.
    #[schema(example = "healthy")]
    status: &'static str,
    #[schema(example = "order-service")]
    service: String,
    /// By check: `ok`, or what is wrong.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    checks: Value,
}

/// That the process runs; touches nothing.
#[derive(Debug, Serialize, ToSchema)]
struct Alive {
    #[schema(example = "alive")]
    status: &'static str,
}

/// The routes.
pub(crate) fn routes(health: Health) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(alive))
        .routes(routes!(ready))
        .routes(routes!(healthy))
        .with_state(health)
}

/// Whether the process runs. Touches nothing.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, body = Alive)))]
async fn alive() -> Json<Alive> {
    Json(Alive { status: "alive" })
}

/// Whether the service can work: database, broker, topology.
#[utoipa::path(
    get, path = "/readyz", tag = "health",
    responses((status = 200, body = HealthView), (status = 503, description = "Not ready; the checks say why.", body = HealthView))
)]
async fn ready(State(health): State<Health>) -> impl IntoResponse {
    health.answer(StatusCode::SERVICE_UNAVAILABLE).await
}

/// How the service is; answers 200 either way.
#[utoipa::path(get, path = "/health", tag = "health", responses((status = 200, body = HealthView)))]
async fn healthy(State(health): State<Health>) -> impl IntoResponse {
    health.answer(StatusCode::OK).await
}
