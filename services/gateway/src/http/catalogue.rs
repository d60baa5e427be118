//! `GET /api/products`, from inventory.

use axum::extract::{RawQuery, State};
use chassis::http::Problem;

use super::{ask, with_raw_query};
use crate::upstream::{Reply, Upstreams};

/// The catalogue: a bare array, as inventory's `GET /products` gives it.
#[utoipa::path(
    get, path = "/api/products", tag = "products", operation_id = "products",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 200."),
        ("cursor" = Option<i64>, Query, description = "The header `X-Next-Cursor` of the page before."),
        ("q" = Option<String>, Query, description = "Only products whose name has this in it."),
    ),
    responses((status = 200, body = Vec<serde_json::Value>))
)]
pub(super) async fn products(
    State(upstreams): State<Upstreams>,
    RawQuery(query): RawQuery,
) -> Result<Reply, Problem> {
    ask(&upstreams.inventory, &with_raw_query("/products", query)).await
}
