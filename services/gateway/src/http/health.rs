//! `GET /api/health`: every service at a glance.

use std::{collections::BTreeMap, time::Duration};

use axum::extract::State;
use chassis::http::Json;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::upstream::{Upstream, Upstreams};

/// A service that needs longer to say how it is, is not well; and nobody waits longer for a page.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How a service is, as seen from the front door.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServiceHealth {
    status: Status,
    /// Where a person finds it.
    #[schema(example = "http://127.0.0.1:8001")]
    url: String,
}

#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    Healthy,
    Degraded,
    Unreachable,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
}

/// How every service behind the front door is; answers 200 however they are.
#[utoipa::path(
    get, path = "/api/health", tag = "platform", operation_id = "platform_health",
    responses((status = 200, description = "By name of the service.", body = BTreeMap<String, ServiceHealth>))
)]
pub(super) async fn health(
    State(upstreams): State<Upstreams>,
) -> Json<BTreeMap<&'static str, ServiceHealth>> {
    let all = upstreams.all();
    let answers =
        join_all(all.map(|upstream| async move { (upstream.service().name(), look(upstream).await) }));
    Json(answers.await.into_iter().collect())
}

async fn look(upstream: &Upstream) -> ServiceHealth {
    let status = match tokio::time::timeout(TIMEOUT, upstream.get::<Answer>("/health")).await {
        Ok(Ok(answer)) if answer.status == "healthy" => Status::Healthy,
        Ok(Ok(_)) => Status::Degraded,
        Ok(Err(_)) | Err(_) => Status::Unreachable,
    };
    ServiceHealth { status, url: upstream.page().to_string() }
}
