//! The contracts of the events: JSON Schema of each version, AsyncAPI of the whole.

use axum::{http::header, response::IntoResponse};
use chassis::http::{Json, Path, Problem};
use serde::Serialize;
use shared_events::{
    EventType,
    schemas::{ALL, ASYNCAPI, find},
};
use utoipa::ToSchema;

/// One released version of one event.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SchemaLink {
    #[schema(value_type = String, example = "order.placed")]
    event_type: EventType,
    version: u32,
    /// Whether this is the version that is written today.
    newest: bool,
    /// Where its JSON Schema is.
    #[schema(example = "/api/schemas/order.placed/2")]
    url: String,
}

/// Every version of every event that was ever released.
#[utoipa::path(
    get, path = "/api/schemas", tag = "contracts", operation_id = "schemas",
    responses((status = 200, body = Vec<SchemaLink>))
)]
pub(super) async fn list() -> Json<Vec<SchemaLink>> {
    let link = |schema: &shared_events::schemas::Schema| {
        let (event_type, version) = (schema.event_type, schema.version);
        let url = format!("/api/schemas/{event_type}/{version}");
        SchemaLink { event_type, version, newest: version == event_type.version(), url }
    };
    Json(ALL.iter().map(link).collect())
}

/// JSON Schema 2020-12 of a whole message body: envelope and payload.
#[utoipa::path(
    get, path = "/api/schemas/{event_type}/{version}", tag = "contracts", operation_id = "schema",
    params(("event_type" = String, Path, example = "order.placed"), ("version" = u32, Path, example = 2)),
    responses((status = 200, body = serde_json::Value, content_type = "application/schema+json"), (status = 404, description = "No such version."))
)]
pub(super) async fn show(
    Path((event_type, version)): Path<(String, u32)>,
) -> Result<impl IntoResponse, Problem> {
    let schema = find(&event_type, version)
        .ok_or_else(|| Problem::not_found("no such version of an event; GET /api/schemas lists them all"))?;
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], schema.text))
}

/// Channels, operations and messages of the platform: AsyncAPI 3.0.
#[utoipa::path(
    get, path = "/asyncapi.json", tag = "contracts", operation_id = "asyncapi",
    responses((status = 200, body = serde_json::Value))
)]
pub(super) async fn asyncapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], ASYNCAPI)
}
