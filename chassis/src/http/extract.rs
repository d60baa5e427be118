//! Extractors whose refusals are problems that name the field.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use shared_events::CorrelationId;

use super::Problem;

/// A JSON body, in or out.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "send the body as JSON, with the header `Content-Type: application/json`",
            ));
        }
        let body = Bytes::from_request(request, state).await.map_err(unreadable)?;
        parse(&body).map(Self)
    }
}

/// Reads a JSON body; wrong syntax is 400, wrong content 422 with the field's JSON Pointer.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let mut pointer = pointer(error.path());
        let inner = error.into_inner();
        if inner.is_data() {
            let words = without_position(&inner.to_string());
            if let Some(field) = field_of_object(&words) {
                pointer.push('/');
                pointer.push_str(&escaped(field));
            }
            Problem::invalid([(pointer, words)])
        } else {
            malformed(&inner)
        }
    })?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

/// The field of a complaint that is reported at its object; the pointer is to name the field.
fn field_of_object(words: &str) -> Option<&str> {
    let complaints = ["missing field `", "duplicate field `"];
    complaints.iter().find_map(|complaint| words.strip_prefix(complaint))?.split('`').next()
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::bad_request(format!("the body is not valid JSON: {error}")).code("malformed_json")
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", escaped(key))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

fn escaped(field: &str) -> String {
    field.replace('~', "~0").replace('/', "~1")
}

fn without_position(text: &str) -> String {
    text.split(" at line ").next().unwrap_or(text).to_owned()
}

fn unreadable(rejection: BytesRejection) -> Problem {
    let status = rejection.status();
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(status, "too_large", "the body is larger than this call takes");
    }
    Problem::new(status, "unreadable", "the body could not be read")
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

/// Path parameters; a bad id is 400.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(|rejection| {
            Problem::bad_request(format!("the path is not valid: {}", rejection.body_text())).code("bad_id")
        })
    }
}

/// Query parameters; what cannot be read is 400.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query.map(|axum::extract::Query(value)| Self(value)).map_err(|rejection| {
            Problem::bad_query(format!("the query is not valid: {}", rejection.body_text()))
        })
    }
}

/// The correlation id of this request: what a customer's action causes carries it.
#[derive(Clone, Copy, Debug)]
pub struct Correlation(pub CorrelationId);

impl<S: Send + Sync> FromRequestParts<S> for Correlation {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts
            .extensions
            .get::<Self>()
            .copied()
            .ok_or_else(|| Problem::internal(&"no correlation id: the layer is missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Line {
        #[allow(dead_code)]
        quantity: u32,
        #[allow(dead_code)]
        price: super::super::Amount,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        items: Vec<Line>,
    }

    #[test]
    fn wrong_content_names_its_field_and_wrong_syntax_its_place() {
        let problem = parse::<Body>(br#"{"items": [{"quantity": -1, "price": 1.00}]}"#).unwrap_err();
        assert_eq!(problem.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.errors[0].pointer, "/items/0/quantity");
        let problem = parse::<Body>(br#"{"items": [{"quantity": 1, "price": 1.001}]}"#).unwrap_err();
        assert_eq!(problem.errors[0].pointer, "/items/0/price");
        let problem = parse::<Body>(br#"{"items": [{"quantity": 1}]}"#).unwrap_err();
        assert_eq!(problem.errors[0].pointer, "/items/0/price");
        for (body, pointer) in [
            (r#"{"items": [], "items": []}"#, "/items"),
            (r#"{"items": [{"quantity": 1, "price": 1, "quantity": 2}]}"#, "/items/0/quantity"),
            (r#"{"items": [], "qty": 1}"#, "/qty"),
            (r#"{"a/b": 1, "items": []}"#, "/a~1b"),
        ] {
            assert_eq!(parse::<Body>(body.as_bytes()).unwrap_err().errors[0].pointer, pointer, "{body}");
        }
        let problem = parse::<Body>(b"{\"items\": [").unwrap_err();
        assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
        let problem = parse::<Body>(b"{\"items\": []} x").unwrap_err();
        assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
        assert_eq!(parse::<Body>(br#"{"items": [{"quantity": 1, "price": 1.5}]}"#).unwrap().items.len(), 1);
    }
}
