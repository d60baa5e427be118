//! `GET /orders/recent`: what was ordered last.

use axum::extract::State;
use chassis::{
    App,
    http::{Amount, Json, Problem},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Analytics,
    store::reports::{self, RecentOrder},
};

/// How many the seed's users expect.
const ORDERS_MAX: i64 = 10;

/// An order that was placed lately.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecentOrderView {
    order_id: Uuid,
    customer_id: String,
    /// In the order's own currency.
    total_amount: Amount,
    /// Lines of the order, not units.
    items_count: i32,
    /// When it was placed.
    timestamp: DateTime<Utc>,
}

impl From<RecentOrder> for RecentOrderView {
    fn from(order: RecentOrder) -> Self {
        Self {
            order_id: order.order_id,
            customer_id: order.customer_id,
            total_amount: Amount(order.total_minor),
            items_count: order.items_count,
            timestamp: order.placed_at,
        }
    }
}

/// The ten orders that were placed last, newest first.
#[utoipa::path(
    get, path = "/orders/recent", tag = "figures",
    responses((status = 200, body = Vec<RecentOrderView>))
)]
pub(super) async fn recent(State(app): State<App<Analytics>>) -> Result<Json<Vec<RecentOrderView>>, Problem> {
    let orders = reports::recent(app.pool(), ORDERS_MAX).await?;
    Ok(Json(orders.into_iter().map(RecentOrderView::from).collect()))
}
