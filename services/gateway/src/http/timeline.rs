//! `GET /api/orders/{order_id}/timeline`: every service's log of an order, as one story.

use axum::extract::State;
use chassis::http::{Json, Path, Problem};
use futures::future::join_all;
use serde::Serialize;
use shared_events::Service;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    timeline::{Entry, LogRow, merge},
    upstream::Upstreams,
};

/// An order's way through all services.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Timeline {
    order_id: Uuid,
    /// Causes before effects.
    entries: Vec<Entry>,
    /// Services whose part of the story is not told here.
    missing: Vec<Missing>,
}

/// A service that did not answer.
#[derive(Debug, Serialize, ToSchema)]
struct Missing {
    #[schema(value_type = String, example = "shipping")]
    service: Service,
    /// Why, for a person.
    reason: String,
}

/// What every service received, decided and emitted for the order, merged by cause: clocks differ.
#[utoipa::path(
    get, path = "/api/orders/{order_id}/timeline", tag = "orders", operation_id = "order_timeline",
    params(("order_id" = Uuid, Path)),
    responses(
        (status = 200, body = Timeline),
        (status = 404, description = "Every service answered, and none has heard of the order."),
    )
)]
pub(super) async fn timeline(
    State(upstreams): State<Upstreams>,
    Path(order_id): Path<Uuid>,
) -> Result<Json<Timeline>, Problem> {
    let path = format!("/saga-logs/{order_id}");
    let asked = upstreams.all().map(|upstream| {
        let path = &path;
        async move { (upstream.service(), upstream.get::<Vec<LogRow>>(path).await) }
    });
    let (mut logs, mut missing) = (Vec::new(), Vec::new());
    for (service, answer) in join_all(asked).await {
        match answer {
            Ok(rows) => logs.push((service, rows)),
            Err(problem) => missing.push(Missing { service, reason: problem.detail().to_owned() }),
        }
    }
    let entries = merge(logs);
    if entries.is_empty() && missing.is_empty() {
        return Err(Problem::not_found("no service has heard of this order"));
    }
    Ok(Json(Timeline { order_id, entries, missing }))
}
