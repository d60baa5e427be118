//! Fraud scores and their reviews, from the ai service.

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, Method},
};
use chassis::http::{Json, Path, Problem};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{ask, with_raw_query};
use crate::upstream::{Reply, Upstreams};

/// Scores an order that need not exist.
#[utoipa::path(
    post, path = "/api/ai/fraud-check", tag = "ai", operation_id = "fraud_check",
    request_body(content = serde_json::Value, description = "An order, as for `POST /api/orders`."),
    responses((status = 200, description = "`{fraud_score, risk_level, flags, model_version, confidence, verdict, reasons}`", body = serde_json::Value))
)]
pub(super) async fn fraud_check(
    State(upstreams): State<Upstreams>,
    Json(body): Json<Box<RawValue>>,
) -> Result<Reply, Problem> {
    let ai = &upstreams.ai;
    ai.send(Method::POST, "/fraud/check", &HeaderMap::new(), Some(body.get().into())).await
}

/// Which models score, and what they were made from.
#[utoipa::path(
    get, path = "/api/ai/models/info", tag = "ai", operation_id = "models",
    responses((status = 200, body = serde_json::Value))
)]
pub(super) async fn models(State(upstreams): State<Upstreams>) -> Result<Reply, Problem> {
    ask(&upstreams.ai, "/models/info").await
}

/// Orders that wait for a person's verdict.
#[utoipa::path(
    get, path = "/api/reviews", tag = "ai", operation_id = "reviews",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 200."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "As the ai service's `GET /reviews` gives it.", body = serde_json::Value))
)]
pub(super) async fn reviews(
    State(upstreams): State<Upstreams>,
    RawQuery(query): RawQuery,
) -> Result<Reply, Problem> {
    ask(&upstreams.ai, &with_raw_query("/reviews", query)).await
}

/// A person's verdict about an order under review.
#[utoipa::path(
    post, path = "/api/reviews/{order_id}", tag = "ai", operation_id = "review",
    params(("order_id" = Uuid, Path)),
    request_body(content = serde_json::Value, description = "`{verdict}`: `approve` or `reject`.", example = json!({"verdict": "approve"})),
    responses(
        (status = 200, description = "Decided.", body = serde_json::Value),
        (status = 409, description = "The order is not under review."),
    )
)]
pub(super) async fn review(
    State(upstreams): State<Upstreams>,
    Path(order_id): Path<Uuid>,
    Json(body): Json<Box<RawValue>>,
) -> Result<Reply, Problem> {
    let path = format!("/reviews/{order_id}");
    let ai = &upstreams.ai;
    ai.send(Method::POST, &path, &HeaderMap::new(), Some(body.get().into())).await
}
