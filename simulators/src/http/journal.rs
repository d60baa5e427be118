//! The journal's read side: what really happened, for audits and tests.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Answer, Path, Problem, Query, Shared};
use crate::world::World;

/// Rows of one page, and what a page has when nobody says.
const PAGE_LIMIT: usize = 1000;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/journal/orders/{order_id}", get(order))
        .route("/journal/money", get(money))
        .route("/journal/summary", get(summary))
}

#[derive(Deserialize)]
struct Page {
    /// The `next_cursor` of the page before.
    after: Option<usize>,
    limit: Option<usize>,
}

/// One order in full; an unknown one has zeros and nulls, because "nothing happened" is an answer.
async fn order(State(world): Shared, Path(order_id): Path<Uuid>) -> Answer {
    let (money, booking_status, spans) = world
        .decide(|desk| {
            let books = &desk.books;
            let spans = books.order(order_id).map(|order| order.entries.clone()).unwrap_or_default();
            let booking_status = books.booking_of(order_id).map(|booking| booking.status);
            (books.money(order_id), booking_status, spans)
        })
        .await?;
    let journal = world.journal.clone();
    let entries = tokio::task::spawn_blocking(move || journal.read(&spans)).await;
    let entries = match entries {
        Ok(Ok(entries)) => entries,
        Ok(Err(error)) => {
            tracing::error!(%order_id, %error, "cannot read the journal back");
            return Err(Problem::server_error());
        }
        Err(_) => return Err(Problem::server_error()),
    };
    let body = json!({
        "order_id": order_id,
        "captures": money.as_ref().map_or(0, |row| row.captures),
        "captured_minor": money.as_ref().map_or(0, |row| row.captured_minor),
        "refunded_minor": money.as_ref().map_or(0, |row| row.refunded_minor),
        "charge_status": money.as_ref().map(|row| row.status),
        "booking_status": booking_status,
        "entries": entries,
    });
    Ok(Json(body).into_response())
}

/// The money of every order with a decided charge, in the order of the first decision. A row shows
/// how things stand now, also when it was first listed before.
async fn money(State(world): Shared, Query(page): Query<Page>) -> Answer {
    let after = page.after.unwrap_or_default();
    let limit = page.limit.unwrap_or(PAGE_LIMIT);
    if !(1..=PAGE_LIMIT).contains(&limit) {
        let message = format!("limit must lie between 1 and {PAGE_LIMIT}.");
        return Err(Problem::invalid(StatusCode::BAD_REQUEST, message));
    }
    let (rows, more) = world.decide(|desk| desk.books.money_page(after, limit)).await?;
    let next_cursor = more.then(|| (after + rows.len()).to_string());
    Ok(Json(json!({"rows": rows, "next_cursor": next_cursor})).into_response())
}

async fn summary(State(world): Shared) -> Answer {
    let totals = world.decide(|desk| desk.books.totals().clone()).await?;
    Ok(Json(totals).into_response())
}
