//! What analytics counts.

use axum::extract::State;
use chassis::http::Problem;

use super::ask;
use crate::upstream::{Reply, Upstreams};

/// Orders, revenue and how well payments go.
#[utoipa::path(
    get, path = "/api/metrics", tag = "counts", operation_id = "business_metrics",
    responses((status = 200, description = "`{total_orders, confirmed_orders, failed_orders, total_revenue, payment_success_rate, average_order_value}`", body = serde_json::Value))
)]
pub(super) async fn metrics(State(upstreams): State<Upstreams>) -> Result<Reply, Problem> {
    ask(&upstreams.analytics, "/metrics").await
}

/// How often each event was heard.
#[utoipa::path(
    get, path = "/api/events/stats", tag = "counts", operation_id = "event_stats",
    responses((status = 200, description = "`[{event_type, count}]`", body = Vec<serde_json::Value>))
)]
pub(super) async fn stats(State(upstreams): State<Upstreams>) -> Result<Reply, Problem> {
    ask(&upstreams.analytics, "/events/stats").await
}

/// The last ten orders, newest first.
#[utoipa::path(
    get, path = "/api/orders/recent", tag = "counts", operation_id = "recent_orders",
    responses((status = 200, description = "`[{order_id, customer_id, total_amount, items_count, timestamp}]`", body = Vec<serde_json::Value>))
)]
pub(super) async fn recent(State(upstreams): State<Upstreams>) -> Result<Reply, Problem> {
    ask(&upstreams.analytics, "/orders/recent").await
}
