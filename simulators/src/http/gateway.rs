//! The payment gateway's HTTP: charges, their status, voids and refunds.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep_until;
use uuid::Uuid;

use super::{Answer, Body, Path, Problem, Shared, checked_key, idempotency_key, never_heard_of, pending};
use crate::books::Outcome;
use crate::gateway::{self, ChargeReply, ChargeRequest, RefundReply};
use crate::world::World;

/// Ten billion in the main unit: keeps the sums of a whole journal far from overflow.
const AMOUNT_LIMIT_MINOR: i64 = 1_000_000_000_000;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/v1/charges", post(charge))
        .route("/v1/charges/{key}", get(status))
        .route("/v1/charges/{key}/void", post(void))
        .route("/v1/charges/{key}/refunds", post(refund))
}

#[derive(Deserialize)]
struct ChargeBody {
    order_id: Uuid,
    amount_minor: i64,
    currency: String,
    #[serde(default)]
    payment_method: PaymentMethod,
}

/// Whatever else a payment method carries is not even read: it might be a card number.
#[derive(Default, Deserialize)]
struct PaymentMethod {
    token: Option<String>,
}

#[derive(Deserialize)]
struct RefundBody {
    amount_minor: i64,
}

async fn charge(State(world): Shared, headers: HeaderMap, Body(body): Body<ChargeBody>) -> Answer {
    let request = ChargeRequest {
        key: idempotency_key(&headers)?,
        order_id: body.order_id,
        amount_minor: checked_amount(body.amount_minor)?,
        currency: checked_currency(body.currency)?,
        token: body.payment_method.token,
    };
    let mut reply = world.decide(|desk| gateway::charge(desk, &world.config, &request)).await?;
    if let ChargeReply::Wait(until) = reply {
        // The charge runs on when its client hangs up: that is what makes a late success.
        let (finishing, key) = (world.clone(), request.key.clone());
        let stopping = world.stopping.clone();
        world.tasks.spawn(stopping.run_until_cancelled_owned(async move {
            sleep_until(until).await;
            // A lost journal is noticed by `serve`, and nobody waits for this answer.
            let _ = finishing.decide(|desk| gateway::finish(desk, &key)).await;
        }));
        sleep_until(until).await;
        reply = world.decide(|desk| gateway::after_waiting(desk, &request)).await?;
    }
    match reply {
        ChargeReply::Settled(outcome) => Ok(settled(&request.key, outcome)),
        ChargeReply::Mismatch => Err(Problem::mismatch()),
        ChargeReply::ServerError | ChargeReply::Wait(_) => Err(Problem::server_error()),
        ChargeReply::Silence => {
            world.silence().await;
            Err(Problem::server_error())
        }
    }
}

async fn status(State(world): Shared, Path(key): Path<String>) -> Answer {
    let (view, running) =
        world.decide(|desk| (gateway::view(&desk.books, &key), desk.slow_charges.contains_key(&key))).await?;
    Ok(match view {
        Some(view) => Json(view).into_response(),
        None if running => pending(&key),
        None => never_heard_of(&key),
    })
}

async fn void(State(world): Shared, Path(key): Path<String>) -> Answer {
    let key = checked_key(&key)?;
    let view = world.decide(|desk| gateway::void(desk, &key)).await?;
    Ok(Json(view).into_response())
}

async fn refund(
    State(world): Shared,
    Path(key): Path<String>,
    headers: HeaderMap,
    Body(body): Body<RefundBody>,
) -> Answer {
    let refund_key = idempotency_key(&headers)?;
    let amount_minor = checked_amount(body.amount_minor)?;
    let reply = world.decide(|desk| gateway::refund(desk, &key, &refund_key, amount_minor)).await?;
    let refused =
        |code, message| Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", code, message));
    match reply {
        RefundReply::Refunded { refund_id, amount_minor } => {
            let body = json!({"refund_id": refund_id, "status": "refunded", "amount_minor": amount_minor});
            Ok(Json(body).into_response())
        }
        RefundReply::Refused => refused("refund_refused", "The bank refuses to take the money back."),
        RefundReply::Exceeds => {
            refused("refund_exceeds_capture", "More than what is left of the captured amount.")
        }
        RefundReply::Mismatch => Err(Problem::mismatch()),
        RefundReply::NothingCaptured => {
            let message = "Nothing was captured under this key.";
            Err(Problem::new(StatusCode::CONFLICT, "not_captured", "nothing_captured", message))
        }
    }
}

fn settled(key: &str, outcome: Outcome) -> Response {
    match outcome {
        Outcome::Captured { charge_id, amount_minor, currency, .. } => Json(json!({
            "key": key, "charge_id": charge_id, "status": "captured",
            "amount_minor": amount_minor, "currency": currency,
        }))
        .into_response(),
        Outcome::Declined { code, .. } => {
            let body = json!({"key": key, "status": "declined", "code": code, "message": code.message()});
            (StatusCode::PAYMENT_REQUIRED, Json(body)).into_response()
        }
        Outcome::Voided => {
            (StatusCode::CONFLICT, Json(json!({"key": key, "status": "voided"}))).into_response()
        }
    }
}

fn checked_amount(amount_minor: i64) -> Result<i64, Problem> {
    if (0..=AMOUNT_LIMIT_MINOR).contains(&amount_minor) {
        return Ok(amount_minor);
    }
    let message = format!("amount_minor must lie between 0 and {AMOUNT_LIMIT_MINOR}.");
    Err(Problem::invalid(StatusCode::UNPROCESSABLE_ENTITY, message))
}

fn checked_currency(currency: String) -> Result<String, Problem> {
    if currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Ok(currency);
    }
    let message = "currency must be an ISO 4217 code such as USD.";
    Err(Problem::invalid(StatusCode::UNPROCESSABLE_ENTITY, message))
}
