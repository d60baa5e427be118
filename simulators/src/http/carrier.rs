//! The carrier's HTTP: bookings, their status and cancellations.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep_until;
use uuid::Uuid;

use super::{Answer, Body, Path, Problem, Shared, checked_key, idempotency_key, never_heard_of, pending};
use crate::carrier::{self, BookingReply, BookingRequest};
use crate::world::World;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/v1/bookings", post(book))
        .route("/v1/bookings/{key}", get(status))
        .route("/v1/bookings/{key}/cancel", post(cancel))
}

#[derive(Deserialize)]
struct BookingBody {
    order_id: Uuid,
    address: Address,
    items: u64,
}

/// The rest of the address is not read: it is personal, and no rule depends on it.
#[derive(Deserialize)]
struct Address {
    country: Option<String>,
}

async fn book(State(world): Shared, headers: HeaderMap, Body(body): Body<BookingBody>) -> Answer {
    let key = idempotency_key(&headers)?;
    if body.items == 0 {
        let message = "items must be at least 1.";
        return Err(Problem::invalid(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    let country = body.address.country.map(|country| country.to_ascii_uppercase());
    let request = BookingRequest { key, order_id: body.order_id, country };
    let mut reply = world.decide(|desk| carrier::book(desk, &world.config, &request)).await?;
    if let BookingReply::Wait(until) = reply {
        // As with a slow charge: it is booked even when the client has hung up.
        let (finishing, key) = (world.clone(), request.key.clone());
        let stopping = world.stopping.clone();
        world.tasks.spawn(stopping.run_until_cancelled_owned(async move {
            sleep_until(until).await;
            let _ = finishing.decide(|desk| carrier::finish(desk, &finishing.config, &key)).await;
        }));
        sleep_until(until).await;
        reply = world.decide(|desk| carrier::after_waiting(desk, &world.config, &request)).await?;
    }
    match reply {
        BookingReply::Booked(view) => Ok(Json(view).into_response()),
        BookingReply::Refused => {
            let message = "The carrier does not serve this address.";
            let (status, code) = (StatusCode::UNPROCESSABLE_ENTITY, "address_unserviceable");
            Err(Problem::new(status, "refused", code, message))
        }
        BookingReply::Cancelled => {
            let body = json!({"key": request.key, "status": "cancelled"});
            Ok((StatusCode::CONFLICT, Json(body)).into_response())
        }
        BookingReply::Mismatch => Err(Problem::mismatch()),
        BookingReply::ServerError | BookingReply::Wait(_) => Err(Problem::server_error()),
        BookingReply::Silence => {
            world.silence().await;
            Err(Problem::server_error())
        }
    }
}

async fn status(State(world): Shared, Path(key): Path<String>) -> Answer {
    let (view, running) = world
        .decide(|desk| (carrier::view(&desk.books, &key), desk.slow_bookings.contains_key(&key)))
        .await?;
    Ok(match view {
        Some(view) => Json(view).into_response(),
        None if running => pending(&key),
        None => never_heard_of(&key),
    })
}

async fn cancel(State(world): Shared, Path(key): Path<String>) -> Answer {
    let key = checked_key(&key)?;
    let view = world.decide(|desk| carrier::cancel(desk, &key)).await?;
    Ok(Json(view).into_response())
}
