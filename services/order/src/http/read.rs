//! `GET /orders/{id}` and what was decided about it.

use axum::extract::State;
use chassis::{
    App,
    http::{Json, Path, Problem},
    saga_log::{self, SagaLogRow},
};
use shared_events::OrderId;

use super::view::OrderView;
use crate::{Orders, store};

/// An order, and what became of it.
#[utoipa::path(
    get, path = "/orders/{order_id}", tag = "orders", operation_id = "get_order",
    params(("order_id" = uuid::Uuid, Path, description = "The order.")),
    responses(
        (status = 200, description = "As it stands.", body = OrderView),
        (status = 400, description = "That is no id."),
        (status = 404, description = "There is no such order."),
    )
)]
pub(super) async fn order(
    State(app): State<App<Orders>>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<OrderView>, Problem> {
    find(&app, order_id).await.map(Json)
}

/// What the order service received, decided and said about an order, as a bare array.
#[utoipa::path(
    get, path = "/orders/{order_id}/saga-logs", tag = "orders", operation_id = "get_order_saga_logs",
    params(("order_id" = uuid::Uuid, Path, description = "The order.")),
    responses(
        (status = 200, description = "Oldest first.", body = Vec<SagaLogRow>),
        (status = 400, description = "That is no id."),
        (status = 404, description = "There is no such order."),
    )
)]
pub(super) async fn saga_logs(
    State(app): State<App<Orders>>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<Vec<SagaLogRow>>, Problem> {
    let rows = saga_log::read(app.pool(), order_id).await?;
    // Every order has at least the row of its placing.
    if rows.is_empty() { Err(unknown()) } else { Ok(Json(rows)) }
}

pub(super) async fn find(app: &App<Orders>, order_id: OrderId) -> Result<OrderView, Problem> {
    let stored = store::find(app.pool(), order_id).await?;
    stored.and_then(OrderView::as_it_stands).ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::not_found("there is no such order")
}
