//! Who asks us: the correlation id and the trace of a request go on to every service it reaches.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use chassis::http::Correlation;

const CORRELATION: HeaderName = HeaderName::from_static("x-correlation-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

tokio::task_local! {
    /// A handler asks many services at once, but always in the task of its own request.
    static CALLER: HeaderMap;
}

/// The layer that keeps what is to be handed on, for as long as the handler runs.
pub(crate) async fn hand_on(request: Request, next: Next) -> Response {
    let mut headers = HeaderMap::new();
    if let Some(Correlation(id)) = request.extensions().get::<Correlation>()
        && let Ok(value) = HeaderValue::from_str(&id.to_string())
    {
        headers.insert(CORRELATION, value);
    }
    for name in [TRACEPARENT, TRACESTATE] {
        if let Some(value) = request.headers().get(&name) {
            headers.insert(name, value.clone());
        }
    }
    CALLER.scope(headers, next.run(request)).await
}

/// What to hand on with a call; nothing outside of a request.
pub(super) fn headers() -> HeaderMap {
    CALLER.try_with(HeaderMap::clone).unwrap_or_default()
}
