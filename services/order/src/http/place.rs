//! `POST /orders`: places an order, once however often it is asked.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chassis::{
    App, CommandError,
    faults::{Bug, planted},
    http::{Correlation, Json, Problem},
};
use order_domain::{Command, Place, Receipt};
use shared_events::{CorrelationId, EventType, OrderId};
use uuid::Uuid;

use super::{
    body::{Checked, PlaceBody, example},
    planted,
    view::OrderView,
};
use crate::{
    Orders,
    store::{self, StoredOrder},
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest idempotency key; a UUID has 36 characters, a URL made into a key may have more.
const KEY_MAX: usize = 255;
/// Name space of order ids made from idempotency keys. Never to be changed: a key used before must
/// lead to the same order for ever.
const ORDERS_BY_KEY: Uuid = Uuid::from_u128(0x8a6c_1f0e_52d1_4c39_9a44_6f0d_3b1e_7c25);

/// Places an order, once however often it is asked.
///
/// The order is accepted here and fails later if a product is unknown, sold out or dearer, or if it
/// cannot be paid or delivered: follow it with `GET /orders/{order_id}`.
#[utoipa::path(
    post, path = "/orders", tag = "orders", operation_id = "place_order",
    params((
        "Idempotency-Key" = Option<String>, Header, example = json!("my-first"),
        description = "1 to 255 printable ASCII characters. The same request with the same key gets the first answer again."
    )),
    request_body(content = PlaceBody, examples(("an order that is paid" = (value = json!(example()))))),
    responses(
        (status = 201, description = "Placed.", body = OrderView, headers(
            ("Location" = String, description = "`/orders/{order_id}`")
        )),
        (status = 200, description = "Placed before; this is the first answer again.", body = OrderView, headers(
            ("Location" = String, description = "`/orders/{order_id}`"),
            ("Idempotency-Replayed" = String, description = "`true`")
        )),
        (status = 400, description = "The body is no JSON, or the key is not valid."),
        (status = 409, description = "A request with this key is being worked on."),
        (status = 413, description = "The body is larger than 256 KiB."),
        (status = 422, description = "Some fields are not valid, or the key or `order_id` was used for another order."),
        (status = 503, description = "Too much to do, or the database is away; `Retry-After` says when to come back."),
    )
)]
pub(super) async fn place(
    State(app): State<App<Orders>>,
    Correlation(correlation): Correlation,
    headers: HeaderMap,
    Json(body): Json<PlaceBody>,
) -> Result<Response, Problem> {
    let key = key_of(&headers)?;
    let checked = body.check()?;
    let answer = place_once(&app, correlation, key, checked).await?;
    Ok(answer.into_response())
}

/// What became of one request to place an order.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) id: OrderId,
    pub(super) order: OrderView,
    /// The order had been there before.
    pub(super) replayed: bool,
}

impl Answer {
    pub(super) const fn status(&self) -> StatusCode {
        if self.replayed { StatusCode::OK } else { StatusCode::CREATED }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = self.status();
        let location = HeaderValue::from_str(&format!("/orders/{}", self.id));
        let mut response = (status, Json(self.order)).into_response();
        if let Ok(location) = location {
            response.headers_mut().insert(header::LOCATION, location);
        }
        if self.replayed {
            response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// Places the order, or finds the one that this request made before.
pub(super) async fn place_once(
    app: &App<Orders>,
    correlation_id: CorrelationId,
    key: Option<String>,
    checked: Checked,
) -> Result<Answer, Problem> {
    let _under_way = match &key {
        Some(key) => Some(app.participant().in_flight().enter(key).ok_or_else(under_way)?),
        None => None,
    };
    if let Some(answer) = replay_of_key(app, key.as_deref(), &checked).await? {
        return Ok(answer);
    }
    let id = checked.order_id.unwrap_or_else(|| match &key {
        // Made from the key, so that two replicas asked at once wait for the same order's lock.
        Some(key) => OrderId(Uuid::new_v5(&ORDERS_BY_KEY, key.as_bytes())),
        None => OrderId(Uuid::now_v7()),
    });
    let receipt = Receipt { correlation_id, body_sha256: checked.body_sha256, idempotency_key: key.clone() };
    let command = Command::Place(Box::new(Place { order: checked.order.clone(), receipt }));
    if planted(Bug::AnswerBeforeCommit) && store::find(app.pool(), id).await?.is_none() {
        return planted::answer_first(app, id, command, correlation_id).ok_or_else(lost);
    }
    match app.engine().command(id, command.into(), Some(correlation_id)).await {
        Ok(committed) if committed.emitted.contains(&EventType::OrderPlaced) => {
            let order = OrderView::as_placed(id, &committed.state, correlation_id.0).ok_or_else(lost)?;
            Ok(Answer { id, order, replayed: false })
        }
        Ok(_) => {
            let stored = store::find(app.pool(), id).await?.ok_or_else(lost)?;
            replay(stored, &checked, "order_id_reused", "order_id")
        }
        // The key made another order since we looked: its row refused ours.
        Err(CommandError::Failed(reason)) => match replay_of_key(app, key.as_deref(), &checked).await? {
            Some(answer) => Ok(answer),
            None => Err(Problem::internal(&reason)),
        },
        Err(error @ (CommandError::Rejected(_) | CommandError::Unavailable(_))) => Err(error.into()),
    }
}

async fn replay_of_key(
    app: &App<Orders>,
    key: Option<&str>,
    checked: &Checked,
) -> Result<Option<Answer>, Problem> {
    let Some(key) = key else { return Ok(None) };
    let Some(id) = store::find_key(app.pool(), key).await? else { return Ok(None) };
    let stored = store::find(app.pool(), id).await?.ok_or_else(lost)?;
    replay(stored, checked, "idempotency_key_reused", "Idempotency-Key").map(Some)
}

/// The first answer again, if this is the first question again.
fn replay(stored: StoredOrder, checked: &Checked, code: &str, what: &str) -> Result<Answer, Problem> {
    let id = OrderId(stored.id);
    let same_order = checked.order_id.is_none_or(|chosen| chosen == id);
    if !same_order || stored.body_sha256 != checked.body_sha256 {
        let detail = format!("this {what} was used for another order before; choose a new one");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail));
    }
    let order = OrderView::as_placed(id, &stored.state, stored.correlation_id).ok_or_else(lost)?;
    Ok(Answer { id, order, replayed: true })
}

fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(&IDEMPOTENCY_KEY) else { return Ok(None) };
    let text = value.to_str().map_err(|_| bad_key())?;
    check_key(text).map(Some)
}

/// A key as it is stored. The IETF draft writes it as a quoted string; most clients do not.
pub(super) fn check_key(text: &str) -> Result<String, Problem> {
    let key = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).trim();
    let printable = key.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if key.is_empty() || key.len() > KEY_MAX || !printable { Err(bad_key()) } else { Ok(key.to_owned()) }
}

fn bad_key() -> Problem {
    Problem::bad_request(format!("an Idempotency-Key has 1 to {KEY_MAX} printable ASCII characters"))
        .code("bad_idempotency_key")
}

fn under_way() -> Problem {
    Problem::conflict(
        "request_in_flight",
        "a request with this Idempotency-Key is being worked on; ask again in a moment",
    )
}

fn lost() -> Problem {
    Problem::internal(&"an order has no row of its own")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_with_or_without_its_quotes() {
        assert_eq!(check_key("\"8e03978e\"").unwrap(), "8e03978e");
        assert_eq!(check_key("8e03978e").unwrap(), "8e03978e");
        assert_eq!(check_key(&"k".repeat(255)).unwrap().len(), 255);
    }

    #[test]
    fn an_empty_overlong_or_unprintable_key_is_refused() {
        for bad in ["", "\"\"", "  ", "a\u{1}b", "schlüssel", &"k".repeat(256)] {
            assert_eq!(check_key(bad).unwrap_err().status(), StatusCode::BAD_REQUEST, "{bad:?}");
        }
    }
}
