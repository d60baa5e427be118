//! What stands around every route: limits, correlation, problems with their instance, metrics.

use std::time::{Duration, Instant};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method, StatusCode, Version, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use shared_events::CorrelationId;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use uuid::Uuid;

use super::{Correlation, Problem};

/// Largest body of a request; routes that take batches raise it for themselves.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// Requests under way at once. Beyond that the answer is a fast 503 instead of a slow one.
const REQUESTS_MAX: usize = 2_048;
/// Longest a request may take, batches included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Routes that take no slot.
const PROBES: [&str; 3] = ["/livez", "/readyz", "/health"];

const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Puts everything around the routes of a service. Once `stopping` is cancelled, every answer asks the
/// client to come back on another connection.
pub(crate) fn around(routes: Router, stopping: CancellationToken) -> Router {
    let slots = std::sync::Arc::new(tokio::sync::Semaphore::new(REQUESTS_MAX));
    routes
        .fallback(|| async { Problem::not_found("there is nothing at this address") })
        .method_not_allowed_fallback(|method: Method| async move {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                format!("{method} is not possible here"),
            )
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CatchPanicLayer::custom(|_| Problem::internal(&"a handler panicked").into_response()))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            let slots = slots.clone();
            async move { within_limits(&slots, request, next).await }
        }))
        .layer(middleware::from_fn(dress))
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            let stopping = stopping.clone();
            async move { say_goodbye(&stopping, request, next).await }
        }))
}

/// Sends whoever keeps a connection to another replica before this one stops listening: a connection
/// that is closed while it stands idle may be closed into the face of the next request.
async fn say_goodbye(stopping: &CancellationToken, request: Request, next: Next) -> Response {
    // Later versions of HTTP have another word for it, and this header is not allowed there.
    let has_the_word = request.version() <= Version::HTTP_11;
    let mut response = next.run(request).await;
    if has_the_word && stopping.is_cancelled() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn within_limits(slots: &tokio::sync::Semaphore, request: Request, next: Next) -> Response {
    // Whoever supervises the service must hear from it most of all when it is overloaded; a probe
    // touches the database for two seconds at most.
    if PROBES.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let Ok(_slot) = slots.try_acquire() else {
        return Problem::unavailable("too many requests at once; try again in a second").into_response();
    };
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::unavailable("the request took too long; its outcome is unknown, ask again")
            .into_response(),
    }
}

/// Gives the request its correlation id, writes problems out, counts and times.
async fn dress(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let correlation = request
        .headers()
        .get(&CORRELATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<Uuid>().ok())
        .unwrap_or_else(Uuid::now_v7);
    request.extensions_mut().insert(Correlation(CorrelationId(correlation)));
    let traceparent = request.headers().get(&TRACEPARENT).filter(|value| is_traceparent(value)).cloned();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());

    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let document = problem.document(&path, &correlation.to_string());
        *response.body_mut() = Body::from(document.to_string());
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    }
    if let Ok(value) = HeaderValue::from_str(&correlation.to_string()) {
        response.headers_mut().insert(CORRELATION, value);
    }
    if let Some(value) = traceparent {
        response.headers_mut().insert(TRACEPARENT, value);
    }
    let status = response.status();
    let seconds = started.elapsed().as_secs_f64();
    let route = route.unwrap_or_else(|| "none".to_owned());
    let labels = [
        ("method", method_label(&method).to_owned()),
        ("route", route),
        ("status", status.as_u16().to_string()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_seconds", &labels[..2]).record(seconds);
    let status = status.as_u16();
    tracing::debug!(%method, path, status, seconds, correlation_id = %correlation, "request");
    response
}

/// A method may be any word; as a label each new one would make series that stay for ever.
fn method_label(method: &Method) -> &str {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if KNOWN.contains(method) { method.as_str() } else { "other" }
}

/// `00-<32 hex>-<16 hex>-<2 hex>`, as W3C Trace Context writes it.
fn is_traceparent(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [2, 32, 16, 2] && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_method_makes_no_series_of_its_own() {
        let made_up = Method::from_bytes(b"RANDOM17").unwrap();
        assert_eq!(method_label(&made_up), "other");
        assert_eq!(method_label(&Method::PATCH), "PATCH");
    }

    #[tokio::test]
    async fn a_probe_is_answered_when_every_slot_is_taken_and_a_request_is_refused() {
        use tower::ServiceExt as _;
        let slots = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
        let routes = Router::new()
            .route("/livez", axum::routing::get(|| async { "alive" }))
            .route("/orders", axum::routing::get(|| async { "orders" }))
            .layer(middleware::from_fn(move |request: Request, next: Next| {
                let slots = slots.clone();
                async move { within_limits(&slots, request, next).await }
            }));
        let ask = |path: &str| {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            routes.clone().oneshot(request)
        };
        assert_eq!(ask("/livez").await.unwrap().status(), StatusCode::OK);
        assert_eq!(ask("/orders").await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn answers_close_their_connection_once_the_service_is_about_to_stop() {
        use tower::ServiceExt as _;
        let stopping = CancellationToken::new();
        let routes =
            around(Router::new().route("/orders", axum::routing::get(|| async {})), stopping.clone());
        let ask = |version: Version, path: &str| {
            let request = Request::builder().version(version).uri(path).body(Body::empty()).unwrap();
            let answer = routes.clone().oneshot(request);
            async { answer.await.unwrap().headers().get(header::CONNECTION).cloned() }
        };
        assert_eq!(ask(Version::HTTP_11, "/orders").await, None);
        stopping.cancel();
        assert_eq!(ask(Version::HTTP_11, "/orders").await.unwrap(), "close");
        assert_eq!(ask(Version::HTTP_11, "/nowhere").await.unwrap(), "close");
        assert_eq!(ask(Version::HTTP_2, "/orders").await, None);
    }
}
