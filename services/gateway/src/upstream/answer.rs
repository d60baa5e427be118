//! What a service answered, or why it did not.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use chassis::http::Problem;
use reqwest::RequestBuilder;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::Upstream;

/// A full page of orders is some hundred kilobytes; whatever is longer is none of ours.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Headers of an answer that mean something to whoever asked us.
const WORTH_PASSING: [HeaderName; 4] = [
    header::LOCATION,
    header::RETRY_AFTER,
    HeaderName::from_static("idempotency-replayed"),
    // Bare arrays have no other place for the way to their next page.
    HeaderName::from_static("x-next-cursor"),
];

/// What whoever sent a command is told when nobody knows whether it arrived.
const OUTCOME_UNKNOWN: &str = "the outcome is unknown: ask for it, or repeat the same request with the \
     same Idempotency-Key (or ids of your own), so that it happens once";

/// A service's answer that is no error; handed on as it came.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Those of its headers that are worth passing on.
    pub headers: HeaderMap,
    /// Its body, JSON unless it is empty.
    pub body: Bytes,
}

impl Reply {
    /// The body as `T`.
    ///
    /// # Errors
    /// 502 when it is something else.
    pub fn read<T: DeserializeOwned>(&self, from: &Upstream) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).map_err(|error| nonsense(from, &error.to_string()))
    }

    /// Sorts what came: an answer to hand on, the service's own problem, or nonsense.
    pub(super) fn accept(self, from: &Upstream) -> Result<Self, Problem> {
        let status = self.status;
        if status.is_client_error() || status.is_server_error() {
            return Err(self.problem(from));
        }
        if !status.is_success() {
            return Err(nonsense(from, &format!("it answered {status}")));
        }
        let json = self.body.is_empty() || serde_json::from_slice::<&RawValue>(&self.body).is_ok();
        if json { Ok(self) } else { Err(nonsense(from, "its answer is not JSON")) }
    }

    fn problem(&self, from: &Upstream) -> Problem {
        let Ok(document) = serde_json::from_slice::<Document>(&self.body) else {
            return match self.status {
                StatusCode::SERVICE_UNAVAILABLE => {
                    let words =
                        format!("the {} service takes no calls now; try again in a second", from.service);
                    Problem::unavailable(words).code("upstream_unavailable")
                }
                // A proxy's 404 is not the service's "there is no such thing".
                status => nonsense(from, &format!("it answered {status} and no problem document")),
            };
        };
        let code = document.code.unwrap_or_else(|| "upstream_problem".to_owned());
        if self.status == StatusCode::UNPROCESSABLE_ENTITY && !document.errors.is_empty() {
            let errors = document.errors.into_iter().map(|field| (field.pointer, field.detail));
            return Problem::invalid(errors).code(code);
        }
        Problem::new(self.status, code, document.detail)
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.headers).into_response();
        if !self.body.is_empty() {
            let json = header::HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        *response.body_mut() = self.body.into();
        response
    }
}

/// A problem document, as far as we hand it on: instance and correlation are set anew.
#[derive(Deserialize)]
struct Document {
    code: Option<String>,
    detail: String,
    #[serde(default)]
    errors: Vec<FieldFault>,
}

#[derive(Deserialize)]
struct FieldFault {
    pointer: String,
    detail: String,
}

/// Why there is no answer.
pub(super) enum Fault {
    Call(reqwest::Error),
    TooLong,
}

/// Sends the request and reads the answer to its end, or to the limit.
pub(super) async fn receive(request: RequestBuilder) -> Result<Reply, Fault> {
    let mut response = request.send().await.map_err(Fault::Call)?;
    let mut headers = HeaderMap::new();
    for name in WORTH_PASSING {
        if let Some(value) = response.headers().get(&name) {
            headers.insert(name, value.clone());
        }
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Fault::Call)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Fault::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status: response.status(), headers, body: body.into() })
}

impl Fault {
    pub(super) fn problem(self, from: &Upstream, method: &Method) -> Problem {
        let (service, address) = (from.service, &from.address);
        let error = match self {
            Self::TooLong => return nonsense(from, "its answer has no end"),
            Self::Call(error) => error,
        };
        metrics::counter!("gateway_upstream_failures_total", "service" => service.name()).increment(1);
        tracing::warn!(%service, %address, error = &error as &dyn std::error::Error, "a service gave no answer");
        if error.is_timeout() {
            let outcome = if method.is_safe() { "try again" } else { OUTCOME_UNKNOWN };
            let words = format!("the {service} service at {address} did not answer in time; {outcome}");
            return Problem::unavailable(words).code("upstream_timeout");
        }
        let mut words = format!("the {service} service at {address} ");
        // Without a connection nothing was sent; a broken one may have carried the request there.
        if error.is_connect() {
            words += "cannot be reached";
        } else {
            words += "broke the connection";
            if !method.is_safe() {
                words = format!("{words}; {OUTCOME_UNKNOWN}");
            }
        }
        Problem::new(StatusCode::BAD_GATEWAY, "upstream_unreachable", words)
    }
}

/// As many calls of the service are under way as may be.
pub(super) fn busy(from: &Upstream) -> Problem {
    let service = from.service;
    metrics::counter!("gateway_upstream_failures_total", "service" => service.name()).increment(1);
    let words = format!(
        "the {service} service has as many calls to answer as it may have; nothing was sent, try again in a second"
    );
    Problem::unavailable(words).code("upstream_busy")
}

fn nonsense(from: &Upstream, what: &str) -> Problem {
    let (service, address) = (from.service, &from.address);
    metrics::counter!("gateway_upstream_failures_total", "service" => service.name()).increment(1);
    tracing::warn!(%service, %address, what, "a service answered nonsense");
    let words = format!("the {service} service at {address} answered what cannot be understood: {what}");
    Problem::new(StatusCode::BAD_GATEWAY, "upstream_nonsense", words)
}
