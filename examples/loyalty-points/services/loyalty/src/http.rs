//! The people's side: what a customer has earned.

use axum::extract::State;
use chassis::{
    App,
    http::{
        Json, Path, Problem,
        openapi::{OpenApiRouter, routes},
    },
};
use serde::Serialize;
use shared_events::CustomerId;
use utoipa::ToSchema;

use crate::{Loyalty, store};

/// Every route of the loyalty service besides the chassis's own.
pub fn routes(app: App<Loyalty>) -> OpenApiRouter {
    OpenApiRouter::default().routes(routes!(points)).with_state(app)
}

/// What a customer has earned.
#[derive(Debug, Serialize, ToSchema)]
struct Points {
    #[schema(value_type = String, example = "customer-17")]
    customer_id: CustomerId,
    /// One for each whole unit of currency of every delivered order.
    points: i64,
    /// How many orders earned them.
    orders: i64,
}

/// The points of a customer.
///
/// A customer nobody has heard of has none, and is no error.
#[utoipa::path(
    get, path = "/points/{customer_id}", tag = "points", operation_id = "get_points",
    params(("customer_id" = String, Path, description = "The shop's own name for its customer.")),
    responses(
        (status = 200, description = "As they stand.", body = Points),
        (status = 400, description = "That is no customer id."),
    )
)]
async fn points(
    State(app): State<App<Loyalty>>,
    Path(customer_id): Path<CustomerId>,
) -> Result<Json<Points>, Problem> {
    let balance = store::balance(app.pool(), &customer_id).await?;
    Ok(Json(Points { customer_id, points: balance.points, orders: balance.orders }))
}
