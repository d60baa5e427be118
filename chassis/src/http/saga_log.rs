//! `GET /saga-logs/{order_id}`: what a service knows of an order's way.

use axum::extract::State;
use shared_events::OrderId;
use sqlx::PgPool;

use super::{
    Json, Path, Problem,
    openapi::{OpenApiRouter, routes},
};
use crate::saga_log::{self, SagaLogRow};

/// The route.
pub(crate) fn routes(pool: PgPool) -> OpenApiRouter {
    OpenApiRouter::default().routes(routes!(show)).with_state(pool)
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
