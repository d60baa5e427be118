//! The HTTP face: one file for each part that is played, and what they share.

mod carrier;
mod control;
mod gateway;
mod journal;

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{self, DefaultBodyLimit, FromRequest, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::journal::Lost;
use crate::outage::{Mode, Side};
use crate::world::World;

/// Bodies here are a few hundred bytes; anything near this is a mistake.
const BODY_LIMIT_BYTES: usize = 64 * 1024;

/// Longest idempotency key, as with the real gateways.
const KEY_LIMIT_BYTES: usize = 200;

type Shared = State<Arc<World>>;

/// Every route. The outage of a side reaches its own routes only, never the journal or control.
pub(crate) fn router(world: Arc<World>) -> Router {
    let played = |routes: Router<Arc<World>>, side: Side| {
        let world = world.clone();
        routes.route_layer(from_fn_with_state((world, side), suffer_outage))
    };
    Router::new()
        .merge(played(gateway::routes(), Side::Gateway))
        .merge(played(carrier::routes(), Side::Carrier))
        .merge(journal::routes())
        .merge(control::routes())
        .route("/livez", get(|| async { Json(json!({"status": "alive"})) }))
        .route("/readyz", get(health))
        .route("/health", get(health))
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .with_state(world)
}

/// An answer without the one that was asked for. Bodies carry `status`, `code` and `message`.
pub(crate) struct Problem(StatusCode, Value);

type Answer = Result<Response, Problem>;

impl Problem {
    fn new(status: StatusCode, kind: &str, code: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(status, json!({"status": kind, "code": code, "message": message}))
    }

    /// The request makes no sense; the same one will never be accepted.
    fn invalid(status: StatusCode, message: impl Into<String>) -> Self {
        Self::new(status, "invalid", "invalid_request", message)
    }

    /// The same idempotency key came with other terms.
    fn mismatch() -> Self {
        let message = "This idempotency key was used before with other terms.";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", "idempotency_mismatch", message)
    }

    /// Says nothing about what happened; the client has to ask for the status.
    fn server_error() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "error", "unavailable", "Try again later.")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}

impl From<Lost> for Problem {
    fn from(_: Lost) -> Self {
        Self::server_error()
    }
}

/// A JSON body, a path segment and a query string, with refusals in our own shape.
struct Body<T>(T);
struct Path<T>(T);
struct Query<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(refusal) => Err(Problem::invalid(refusal.status(), refusal.body_text())),
        }
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match extract::Path::from_request_parts(parts, state).await {
            Ok(extract::Path(value)) => Ok(Self(value)),
            Err(refusal) => Err(Problem::invalid(refusal.status(), refusal.body_text())),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match extract::Query::from_request_parts(parts, state).await {
            Ok(extract::Query(value)) => Ok(Self(value)),
            Err(refusal) => Err(Problem::invalid(refusal.status(), refusal.body_text())),
        }
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<String, Problem> {
    let missing = || Problem::invalid(StatusCode::BAD_REQUEST, "The Idempotency-Key header is missing.");
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok()).ok_or_else(missing)?;
    checked_key(key)
}

fn checked_key(key: &str) -> Result<String, Problem> {
    if key.is_empty() || key.len() > KEY_LIMIT_BYTES || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = format!("A key has 1 to {KEY_LIMIT_BYTES} visible ASCII characters.");
        return Err(Problem::invalid(StatusCode::BAD_REQUEST, message));
    }
    Ok(key.to_owned())
}

fn pending(key: &str) -> Response {
    (StatusCode::ACCEPTED, Json(json!({"key": key, "status": "pending"}))).into_response()
}

fn never_heard_of(key: &str) -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"key": key, "status": "unknown"}))).into_response()
}

/// Plays dead before the request is even read, so that it has no effect.
async fn suffer_outage(
    State((world, side)): State<(Arc<World>, Side)>,
    request: Request,
    next: Next,
) -> Response {
    match world.outages.now(side) {
        Mode::None => next.run(request).await,
        Mode::Error => Problem::server_error().into_response(),
        Mode::Hang => {
            world.silence().await;
            Problem::server_error().into_response()
        }
    }
}

/// Ready means: the journal can be written. It answers the human's `/health` in the same shape.
async fn health(State(world): Shared) -> Response {
    let (status, word, journal) = if world.journal.is_lost() {
        (StatusCode::SERVICE_UNAVAILABLE, "degraded", "lost")
    } else {
        (StatusCode::OK, "healthy", "ok")
    };
    let body = json!({"status": word, "service": "simulators", "checks": {"journal": journal}});
    (status, Json(body)).into_response()
}
