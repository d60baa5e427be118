//! `/api/orders`, from the order service.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
};
use chassis::http::{Json, Path, Problem};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{ask, with_raw_query};
use crate::upstream::{Reply, Upstreams};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Places an order, once however often it is asked under one key.
#[utoipa::path(
    post, path = "/api/orders", tag = "orders", operation_id = "place_order",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same request with the same key gets the first answer again.")),
    request_body(content = serde_json::Value, description = "As for the order service's `POST /orders`.", example = json!({
        "customer_id": "customer-1",
        "items": [{"product_id": "7d3f3c1e-0000-4000-8000-000000000001", "quantity": 1, "price": 24.99}],
        "shipping_address": {"street": "1 Harbor Way", "city": "Portland", "state": "OR", "zip": "97201", "country": "US"},
        "payment_method": {"type": "credit_card", "token": "tok_ok"}
    })),
    responses(
        (status = 201, description = "Placed.", body = serde_json::Value, headers(("Location" = String, description = "`/api/orders/{order_id}`"))),
        (status = 200, description = "Placed before; this is the first answer again.", body = serde_json::Value,
            headers(("Idempotency-Replayed" = String, description = "`true`"))),
    )
)]
pub(super) async fn place(
    State(upstreams): State<Upstreams>,
    headers: HeaderMap,
    Json(body): Json<Box<RawValue>>,
) -> Result<Reply, Problem> {
    let pass_on = headers.get(&IDEMPOTENCY_KEY).map(|key| (IDEMPOTENCY_KEY, key.clone()));
    let pass_on: HeaderMap = pass_on.into_iter().collect();
    let order = &upstreams.order;
    let mut reply = order.send(Method::POST, "/orders", &pass_on, Some(body.get().into())).await?;
    if let Some(location) = reply.headers.get(header::LOCATION).and_then(|place| place.to_str().ok())
        && let Ok(here) = HeaderValue::from_str(&format!("/api{location}"))
    {
        reply.headers.insert(header::LOCATION, here);
    }
    Ok(reply)
}

/// Orders, newest first, page by page.
#[utoipa::path(
    get, path = "/api/orders", tag = "orders", operation_id = "orders",
    params(
        ("status" = Option<String>, Query),
        ("customer_id" = Option<String>, Query),
        ("from" = Option<String>, Query, description = "RFC 3339."),
        ("to" = Option<String>, Query, description = "RFC 3339."),
        ("limit" = Option<u32>, Query, description = "1 to 200."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "`{items, next_cursor}`, as the order service's `GET /orders` gives it.", body = serde_json::Value))
)]
pub(super) async fn list(
    State(upstreams): State<Upstreams>,
    RawQuery(query): RawQuery,
) -> Result<Reply, Problem> {
    ask(&upstreams.order, &with_raw_query("/orders", query)).await
}

/// One order.
#[utoipa::path(
    get, path = "/api/orders/{order_id}", tag = "orders", operation_id = "order",
    params(("order_id" = Uuid, Path)),
    responses((status = 200, description = "As the order service's `GET /orders/{order_id}` gives it.", body = serde_json::Value))
)]
pub(super) async fn show(
    State(upstreams): State<Upstreams>,
    Path(order_id): Path<Uuid>,
) -> Result<Reply, Problem> {
    ask(&upstreams.order, &format!("/orders/{order_id}")).await
}

/// What the order service received, decided and emitted for the order; `timeline` has everyone's.
#[utoipa::path(
    get, path = "/api/orders/{order_id}/saga-logs", tag = "orders", operation_id = "order_saga_logs",
    params(("order_id" = Uuid, Path)),
    responses((status = 200, body = Vec<serde_json::Value>))
)]
pub(super) async fn saga_logs(
    State(upstreams): State<Upstreams>,
    Path(order_id): Path<Uuid>,
) -> Result<Reply, Problem> {
    ask(&upstreams.order, &format!("/orders/{order_id}/saga-logs")).await
}

/// Out of an order, if it is not too late.
#[utoipa::path(
    post, path = "/api/orders/{order_id}/cancel", tag = "orders", operation_id = "cancel_order",
    params(("order_id" = Uuid, Path)),
    request_body(content = serde_json::Value, description = "`{reason}`", example = json!({"reason": "changed my mind"})),
    responses(
        (status = 202, description = "Cancelled, or shipping was asked to stop.", body = serde_json::Value),
        (status = 409, description = "Too late."),
    )
)]
pub(super) async fn cancel(
    State(upstreams): State<Upstreams>,
    Path(order_id): Path<Uuid>,
    Json(body): Json<Box<RawValue>>,
) -> Result<Reply, Problem> {
    let path = format!("/orders/{order_id}/cancel");
    let order = &upstreams.order;
    order.send(Method::POST, &path, &HeaderMap::new(), Some(body.get().into())).await
}
