//! `/saga-logs`: what a service knows of an order's way, and which events it has not handled.

use axum::extract::State;
use serde::Deserialize;
use shared_events::OrderId;
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Json, Path, Problem,
    openapi::{OpenApiRouter, routes},
    outbox::check_ids,
};
use crate::saga_log::{self, SagaLogRow, Unknown};

/// The routes.
pub(crate) fn routes(pool: PgPool) -> OpenApiRouter {
    OpenApiRouter::default().routes(routes!(show)).routes(routes!(unknown)).with_state(pool)
}

/// What this service received, decided and emitted for the order, in order; empty when it has not
/// heard of it (yet).
#[utoipa::path(
    get, path = "/saga-logs/{order_id}", tag = "saga log",
    params(("order_id" = uuid::Uuid, Path, description = "The order.")),
    responses((status = 200, body = Vec<SagaLogRow>))
)]
async fn show(
    State(pool): State<PgPool>,
    Path(order): Path<OrderId>,
) -> Result<Json<Vec<SagaLogRow>>, Problem> {
    Ok(Json(saga_log::read(&pool, order).await?))
}

/// Events to look for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Up to 500 ids.
    #[schema(min_items = 1, max_items = 500)]
    event_ids: Vec<Uuid>,
}

/// Which of these events this service has not handled: not delivered yet, waiting for another attempt,
/// dead letters, or lost on the way.
#[utoipa::path(
    post, path = "/saga-logs/unknown", tag = "saga log", operation_id = "unknown_events", request_body = Asked,
    responses((status = 200, body = Unknown), (status = 422, description = "No ids, or too many."))
)]
async fn unknown(State(pool): State<PgPool>, Json(asked): Json<Asked>) -> Result<Json<Unknown>, Problem> {
    check_ids(&asked.event_ids)?;
    Ok(Json(saga_log::unknown(&pool, &asked.event_ids).await?))
}
