//! `POST /orders/batch`: up to 500 orders, each with an answer of its own.

use axum::{
    body::Body,
    extract::{FromRequest as _, Request, State},
    http::header,
};
use chassis::{
    App,
    http::{Json, Problem},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared_events::CorrelationId;
use tokio::task::JoinSet;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    body::{PlaceBody, example},
    place::{self, Answer},
    view::OrderView,
};
use crate::Orders;

/// Largest body: 500 orders of four kilobytes, which is twenty lines and an address.
pub(super) const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Orders of one call. All of them wait for the engine at once, whose queue holds eight such calls.
const ORDERS_MAX: usize = 500;

/// Orders to place, each as `POST /orders` takes it.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct BatchBody {
    /// Read one by one, so that a bad row spoils no other.
    #[schema(value_type = Vec<PlaceBody>, min_items = 1, max_items = 500)]
    orders: Vec<Box<RawValue>>,
}

/// What became of each row.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BatchAnswer {
    /// Rows that are an order now, replayed ones included.
    accepted: usize,
    /// The others.
    refused: usize,
    /// One for each row, in the order of the rows.
    results: Vec<Row>,
}

/// The answer to one row, in the place of its order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchRow)]
struct Row {
    index: usize,
    /// What `POST /orders` would have answered with.
    #[schema(example = 201)]
    status: u16,
    /// Present and true when the order had been there before.
    #[schema(required = false)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replayed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderView>,
    /// Why not, as a problem document.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<serde_json::Value>,
}

/// Places up to 500 orders, each with an answer of its own.
///
/// The answer is 200 when the batch could be read, whatever became of its rows. Each row may carry an
/// `idempotency_key`, which is its `Idempotency-Key`.
#[utoipa::path(
    post, path = "/orders/batch", tag = "orders", operation_id = "place_orders",
    request_body(content = BatchBody, examples(("two orders" = (value = json!({"orders": [example(), example()]}))))),
    responses(
        (status = 200, description = "What became of each row.", body = BatchAnswer),
        (status = 413, description = "The body is larger than 2 MiB."),
        (status = 422, description = "No rows, or more than 500."),
    )
)]
pub(super) async fn batch(
    State(app): State<App<Orders>>,
    Json(body): Json<BatchBody>,
) -> Result<Json<BatchAnswer>, Problem> {
    let count = body.orders.len();
    if !(1..=ORDERS_MAX).contains(&count) {
        let detail = format!("a batch has 1 to {ORDERS_MAX} orders, not {count}");
        return Err(Problem::invalid([("/orders", detail)]));
    }
    let mut tasks = JoinSet::new();
    for (index, row) in body.orders.into_iter().enumerate() {
        let app = app.clone();
        // Each row is an action of its customer, with a correlation of its own.
        let correlation = CorrelationId(Uuid::now_v7());
        tasks.spawn(async move { answered(index, correlation, place_row(&app, correlation, &row).await) });
    }
    let mut results = Vec::with_capacity(count);
    while let Some(joined) = tasks.join_next().await {
        results.push(joined.map_err(|error| Problem::internal(&error))?);
    }
    results.sort_unstable_by_key(|row| row.index);
    let accepted = results.iter().filter(|row| row.order.is_some()).count();
    Ok(Json(BatchAnswer { accepted, refused: count - accepted, results }))
}

async fn place_row(app: &App<Orders>, correlation: CorrelationId, row: &RawValue) -> Result<Answer, Problem> {
    // A row is read exactly as a request of its own would be.
    let request = Request::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(row.get().to_owned()))
        .map_err(|error| Problem::internal(&error))?;
    let Json(mut body) = Json::<PlaceBody>::from_request(request, &()).await?;
    let key = body.idempotency_key.take();
    let key = key.as_deref().map(place::check_key).transpose()?;
    place::place_once(app, correlation, key, body.check()?).await
}

fn answered(index: usize, correlation: CorrelationId, result: Result<Answer, Problem>) -> Row {
    match result {
        Ok(answer) => Row {
            index,
            status: answer.status().as_u16(),
            replayed: answer.replayed,
            order: Some(answer.order),
            problem: None,
        },
        Err(problem) => Row {
            index,
            status: problem.status().as_u16(),
            replayed: false,
            order: None,
            problem: Some(problem.document(&format!("/orders/batch#{index}"), &correlation.to_string())),
        },
    }
}
