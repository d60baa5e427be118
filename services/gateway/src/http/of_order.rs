//! What the other services have of an order: `null` where they have nothing (yet).

use axum::{extract::State, response::Response};
use chassis::http::{Path, Problem};
use uuid::Uuid;

use super::ask_or_null;
use crate::upstream::Upstreams;

/// What inventory holds, or held, for the order; null when it has not heard of it.
#[utoipa::path(
    get, path = "/api/reservations/{order_id}", tag = "parts of an order", operation_id = "reservation",
    params(("order_id" = Uuid, Path)), responses((status = 200, body = Option<serde_json::Value>))
)]
pub(super) async fn reservation(
    State(upstreams): State<Upstreams>,
    Path(order_id): Path<Uuid>,
) -> Result<Response, Problem> {
    ask_or_null(&upstreams.inventory, &format!("/reservations/{order_id}")).await
}

/// What was charged for the order; null when payment has not heard of it.
#[utoipa::path(
    get, path = "/api/transactions/{order_id}", tag = "parts of an order", operation_id = "transaction",
    params(("order_id" = Uuid, Path)), responses((status = 200, body = Option<serde_json::Value>))
)]
pub(super) async fn transaction(
    State(upstreams): State<Upstreams>,
    Path(order_id): Path<Uuid>,
) -> Result<Response, Problem> {
    ask_or_null(&upstreams.payment, &format!("/transactions/{order_id}")).await
}

/// Where the parcel is; null when there is none.
#[utoipa::path(
    get, path = "/api/shipments/{order_id}", tag = "parts of an order", operation_id = "shipment",
    params(("order_id" = Uuid, Path)), responses((status = 200, body = Option<serde_json::Value>))
)]
pub(super) async fn shipment(
    State(upstreams): State<Upstreams>,
    Path(order_id): Path<Uuid>,
) -> Result<Response, Problem> {
    ask_or_null(&upstreams.shipping, &format!("/shipments/{order_id}")).await
}

/// What the customer was told about the order.
#[utoipa::path(
    get, path = "/api/notifications/{order_id}", tag = "parts of an order", operation_id = "notifications",
    params(("order_id" = Uuid, Path)), responses((status = 200, body = serde_json::Value))
)]
pub(super) async fn notifications(
    State(upstreams): State<Upstreams>,
    Path(order_id): Path<Uuid>,
) -> Result<Response, Problem> {
    ask_or_null(&upstreams.notification, &format!("/notifications/{order_id}")).await
}

/// How risky the order looked; null when it was not scored.
#[utoipa::path(
    get, path = "/api/assessments/{order_id}", tag = "parts of an order", operation_id = "assessment",
    params(("order_id" = Uuid, Path)), responses((status = 200, body = Option<serde_json::Value>))
)]
pub(super) async fn assessment(
    State(upstreams): State<Upstreams>,
    Path(order_id): Path<Uuid>,
) -> Result<Response, Problem> {
    ask_or_null(&upstreams.ai, &format!("/assessments/{order_id}")).await
}
