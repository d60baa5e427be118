//! Errors as RFC 9457 problem documents.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::intake::CommandError;

/// How long a client is asked to wait when the service cannot take its request now.
const RETRY_AFTER_SECONDS: &str = "1";

/// What is wrong with one field.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// JSON Pointer into the body, such as `/items/0/quantity`.
    #[schema(example = "/items/0/quantity")]
    pub pointer: String,
    /// What is wrong and what is allowed.
    pub detail: String,
}

/// An error answer. The layer around all routes adds `instance` and `correlation_id`.
#[derive(Clone, Debug)]
pub struct Problem {
    pub(super) status: StatusCode,
    pub(super) code: String,
    pub(super) detail: String,
    pub(super) errors: Vec<FieldError>,
}

impl Problem {
    /// Any status, with a stable code and a sentence that says what to do.
    pub fn new(status: StatusCode, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { status, code: code.into(), detail: detail.into(), errors: Vec::new() }
    }

    /// 400: the request cannot be read.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// 400: a query parameter makes no sense.
    pub fn bad_query(detail: impl Into<String>) -> Self {
        Self::bad_request(detail).code("bad_query")
    }

    /// 404: no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 409: a business no.
    pub fn conflict(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422: readable, but some fields make no sense; each is a JSON Pointer and a sentence.
    pub fn invalid(errors: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        let errors: Vec<FieldError> = errors
            .into_iter()
            .map(|(pointer, detail)| FieldError { pointer: pointer.into(), detail: detail.into() })
            .collect();
        let detail = match errors.as_slice() {
            [only] => format!("{}: {}", only.pointer, only.detail),
            many => format!("{} fields are not valid; see errors", many.len()),
        };
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail) }
    }

    /// 503: come back in a second.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    /// 500: a bug. The cause is logged, not told.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "something went wrong here; the log has it under the correlation id",
        )
    }

    /// Replaces the code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong, in a sentence.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The document, without what only the outer layer knows.
    #[must_use]
    pub fn document(&self, instance: &str, correlation_id: &str) -> serde_json::Value {
        let mut document = serde_json::json!({
            "type": format!("urn:problem:{}", self.code),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
            "instance": instance,
            "correlation_id": correlation_id,
        });
        if !self.errors.is_empty() {
            document["errors"] = serde_json::json!(self.errors);
        }
        document
    }
}

/// The body is written by the layer around all routes, which finds the problem in the extensions.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE || self.status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        match crate::db::Fault::sort(error) {
            crate::db::Fault::Unavailable(error) => {
                tracing::warn!(%error, "a request found the database away");
                Self::unavailable("the database is away; try again in a second")
            }
            crate::db::Fault::Failed(reason) => Self::internal(&reason),
        }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Rejected(rejection) => Self::conflict(rejection.code, rejection.detail),
            CommandError::Unavailable(detail) => Self::unavailable(detail),
            CommandError::Failed(reason) => Self::internal(&reason),
        }
    }
}
