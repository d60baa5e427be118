//! `GET /outbox`: whether a service gets rid of what it has to say.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use super::{
    Json, Problem,
    openapi::{OpenApiRouter, routes},
};

/// Answered from the partial index of what is unsent, which is nearly empty while the broker is there.
const UNSENT: &str = "SELECT count(*), min(created_at), \
     floor(extract(epoch FROM clock_timestamp() - min(created_at)))::bigint \
     FROM outbox WHERE published_at IS NULL AND dead_at IS NULL";

/// What waits to be sent.
#[derive(Debug, Serialize, ToSchema)]
struct OutboxView {
    /// Events that the broker has not confirmed yet.
    #[schema(example = 0)]
    unsent: i64,
    /// When the oldest of them was written.
    oldest_unsent_at: Option<DateTime<Utc>>,
    /// How long ago that was, by the database's clock.
    oldest_unsent_seconds: Option<i64>,
}

/// The route.
pub(crate) fn routes(pool: PgPool) -> OpenApiRouter {
    OpenApiRouter::default().routes(routes!(show)).with_state(pool)
}

/// How many events wait to be sent, and since when.
#[utoipa::path(get, path = "/outbox", tag = "health", operation_id = "outbox", responses((status = 200, body = OutboxView)))]
async fn show(State(pool): State<PgPool>) -> Result<Json<OutboxView>, Problem> {
    let (unsent, oldest_unsent_at, oldest_unsent_seconds) = sqlx::query_as(UNSENT).fetch_one(&pool).await?;
    Ok(Json(OutboxView { unsent, oldest_unsent_at, oldest_unsent_seconds }))
}
