//! The strings a test may pull: outages, and a bank that changes its mind about refunds.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Answer, Body, Problem, Shared};
use crate::facts::Fact;
use crate::outage::{Mode, Side};
use crate::world::World;

/// A forgotten outage ends by itself within a day.
const OUTAGE_LIMIT_SECONDS: f64 = 86_400.0;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/control/outage", post(outage)).route("/control/refunds/allow", post(allow))
}

#[derive(Deserialize)]
struct OutageBody {
    target: Side,
    mode: Mode,
    #[serde(default)]
    seconds: f64,
}

#[derive(Deserialize)]
struct AllowBody {
    /// Without it, every order known by now; later ones are refused again, so that a scenario that
    /// needs a refusal can be played twice.
    order_id: Option<Uuid>,
}

/// Plays a dead or silent side for some seconds, or ends that (`none`). The carrier's clock and its
/// calls to the shipping service are not part of the outage.
async fn outage(State(world): Shared, Body(body): Body<OutageBody>) -> Answer {
    let lasts = body.mode != Mode::None;
    if !(0.0..=OUTAGE_LIMIT_SECONDS).contains(&body.seconds) || (lasts && body.seconds == 0.0) {
        let message = format!("seconds must be above 0 and at most {OUTAGE_LIMIT_SECONDS}.");
        return Err(Problem::invalid(StatusCode::UNPROCESSABLE_ENTITY, message));
    }
    world.outages.set(body.target, body.mode, Duration::from_secs_f64(body.seconds));
    tracing::info!(target = ?body.target, mode = ?body.mode, seconds = body.seconds, "outage");
    let body = json!({"target": body.target, "mode": body.mode, "seconds": body.seconds});
    Ok(Json(body).into_response())
}

async fn allow(State(world): Shared, Body(body): Body<AllowBody>) -> Answer {
    world.decide(|desk| desk.record(body.order_id, Fact::RefundsAllowed {})).await?;
    Ok(Json(json!({"status": "allowed", "order_id": body.order_id})).into_response())
}
