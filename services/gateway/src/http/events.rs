//! `/api/events`: what the platform says, live and page by page.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use chassis::http::{Json, Page, Problem, Query};
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared_events::EventType;
use sqlx::PgPool;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    feed::{self, Feed, Filter, Message, NotOpened},
    store::{self, FeedRow},
};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells proxies not to hold the stream back until a buffer is full.
const NO_BUFFERING: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");
/// How long a reader that was cut is asked to wait before it comes back.
const RETRY: Duration = Duration::from_secs(1);
/// Rows of one page.
const LIMIT_MAX: u32 = 200;
const LIMIT_DEFAULT: u32 = 50;

/// What the routes of the feed work with.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) feed: Arc<Feed>,
    pub(super) pool: PgPool,
}

/// What of the feed is wanted, and from where on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StreamQuery {
    /// Only events of this order.
    order_id: Option<Uuid>,
    /// Only events of these types, separated by commas.
    #[serde(rename = "type")]
    #[param(example = "order.placed,order.confirmed")]
    types: Option<String>,
    /// Goes on behind this event, for clients that cannot set the header `Last-Event-ID`.
    last_event_id: Option<String>,
}

/// Which page of the feed is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Rows behind this position; without it, the newest.
    after: Option<i64>,
    /// 1 to 200, by default 50.
    limit: Option<u32>,
    /// Only events of this order.
    order_id: Option<Uuid>,
}

/// A row of the feed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FeedEntry {
    /// Its place in the feed; the `id` of the stream.
    position: i64,
    /// When the gateway heard it.
    received_at: DateTime<Utc>,
    /// The event in its envelope.
    #[schema(value_type = Object)]
    event: Box<RawValue>,
}

impl TryFrom<FeedRow> for FeedEntry {
    type Error = Problem;

    fn try_from(row: FeedRow) -> Result<Self, Problem> {
        let event = RawValue::from_string(row.body).map_err(|error| Problem::internal(&error))?;
        Ok(Self { position: row.position, received_at: row.received_at, event })
    }
}

/// The last events, ascending; or those behind a position, page by page.
#[utoipa::path(
    get, path = "/api/events", tag = "live feed", operation_id = "events",
    params(ListQuery),
    responses(
        (status = 200, description = "`next_cursor` is the next page's `after`.", body = Page<FeedEntry>),
        (status = 410, description = "Events behind `after` are no longer kept; the detail names the oldest."),
    )
)]
pub(super) async fn list(
    State(live): State<Live>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<FeedEntry>>, Problem> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::bad_query(format!("limit is from 1 to {LIMIT_MAX}")));
    }
    let rows = match query.after {
        None => store::last(&live.pool, query.order_id, limit.into()).await?,
        Some(after) => {
            let rows = store::after(&live.pool, after, query.order_id, &[], limit.into()).await?;
            // Looked at behind the rows, so that none was removed in between unnoticed.
            feed::check(&live.pool, after).await.map_err(refusal)?;
            rows
        }
    };
    let is_full = rows.len() == usize::try_from(limit).unwrap_or(usize::MAX) && query.after.is_some();
    let next_cursor = rows.last().filter(|_| is_full).map(|row| row.position.to_string());
    let items = rows.into_iter().map(FeedEntry::try_from).collect::<Result<_, _>>()?;
    Ok(Json(Page { items, next_cursor }))
}

/// Every event as it is heard, as server-sent events: `id` is its position, `event` its type, `data`
/// its envelope. Whoever comes back with the last `id` gets what came since, without gap or repeat.
#[utoipa::path(
    get, path = "/api/events/stream", tag = "live feed", operation_id = "event_stream",
    params(
        StreamQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Goes on behind this event; without it the stream begins now."),
    ),
    responses(
        (status = 200, description = "Without end.", body = String, content_type = "text/event-stream"),
        (status = 410, description = "Events behind that id are no longer kept; the detail names the oldest."),
        (status = 503, description = "As many streams are open as may be."),
    )
)]
pub(super) async fn stream(
    State(live): State<Live>,
    headers: HeaderMap,
    Query(query): Query<StreamQuery>,
) -> Result<Response, Problem> {
    let after = last_event_id(&headers, query.last_event_id.as_deref())?;
    let types = query.types.as_deref().map_or(Ok(Vec::new()), event_types)?;
    let filter = Filter { order: query.order_id, types };
    let messages = live.feed.open(&live.pool, after, filter).await.map_err(refusal)?;
    let events = messages.map(|message| Ok::<_, Infallible>(sse(message)));
    Ok(([NO_BUFFERING], Sse::new(events)).into_response())
}

/// The header wins: a browser that comes back repeats the address it was first given.
fn last_event_id(headers: &HeaderMap, query: Option<&str>) -> Result<Option<i64>, Problem> {
    let header = headers.get(&LAST_EVENT_ID).map(|value| value.to_str().unwrap_or("unreadable"));
    let Some(text) = header.or(query).filter(|text| !text.is_empty()) else { return Ok(None) };
    let bad = || Problem::bad_request("Last-Event-ID is the id of an event of this stream, a number");
    text.parse().map(Some).map_err(|_| bad().code("bad_event_id"))
}

fn event_types(text: &str) -> Result<Vec<EventType>, Problem> {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| word.parse())
        .collect::<Result<_, shared_events::UnknownEventType>>()
        .map_err(|unknown| Problem::bad_query(unknown.to_string()))
}

fn sse(message: Message) -> Event {
    match message {
        Message::Row(row) => {
            Event::default().id(row.position.to_string()).event(row.event_type).data(row.body)
        }
        // Without data it is no event to a browser, but the id counts: it goes on from here.
        Message::Reached(position) => {
            Event::default().comment("keep-alive").id(position.to_string()).retry(RETRY)
        }
    }
}

fn refusal(why: NotOpened) -> Problem {
    match why {
        NotOpened::TooMany => Problem::unavailable("as many streams are open as may be; try again later")
            .code("too_many_streams"),
        NotOpened::Closing => Problem::unavailable("the gateway is about to stop; try again in a second"),
        NotOpened::Removed { asked, oldest } => {
            let left = oldest.map_or("none is left".to_owned(), |oldest| format!("the oldest is {oldest}"));
            let words = format!("events behind {asked} are no longer kept, {left}; begin anew without an id");
            Problem::new(StatusCode::GONE, "events_removed", words)
        }
        NotOpened::NotYet { asked, newest } => {
            let words = format!("no event has the id {asked} yet; the newest is {newest}");
            Problem::bad_request(words).code("bad_event_id")
        }
        NotOpened::Database(error) => error.into(),
    }
}
