//! `/outbox`: whether a service gets rid of what it has to say, what it said, and saying it again.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    Correlation, Json, Problem, Query,
    openapi::{OpenApiRouter, routes},
    read_time_cursor, time_cursor,
};
use crate::outbox::{self, RESEND_AGE_MAX_DAYS, SentPage, Stretch};

/// Events in one page, and in one request to send them again: 20 KB of ids, a few milliseconds of work.
pub(super) const EVENTS_MAX: usize = 500;
/// What was sent is kept for 90 days at least.
const WITHIN_SECONDS_MAX: u32 = 90 * 24 * 3600;
/// A day, unless something else is asked for.
const WITHIN_SECONDS_DEFAULT: u32 = 24 * 3600;
/// Twice as long as a statement of ours may take, so that all marks of that time are visible.
const OLDER_THAN_SECONDS_DEFAULT: u32 = 30;
/// A sentence, for the log.
const REASON_CHARS_MAX: usize = 200;

/// Answered from the partial index of what is unsent, which is nearly empty while the broker is there.
const UNSENT: &str = "SELECT count(*), min(created_at), \
     floor(extract(epoch FROM clock_timestamp() - min(created_at)))::bigint \
     FROM outbox WHERE published_at IS NULL AND dead_at IS NULL";

/// What waits to be sent.
#[derive(Debug, Serialize, ToSchema)]
struct OutboxView {
    /// Events that the broker has not confirmed yet.
    #[schema(example = 0)]
    unsent: i64,
    /// When the oldest of them was written.
    oldest_unsent_at: Option<DateTime<Utc>>,
    /// How long ago that was, by the database's clock.
    oldest_unsent_seconds: Option<i64>,
}

/// Which of the sent events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// The `next_cursor` of an earlier page.
    cursor: Option<String>,
    /// Without a cursor: how far back to begin. A day when absent.
    #[param(minimum = 1, maximum = 7_776_000)]
    within_seconds: Option<u32>,
    /// Leaves out what was sent in the last so many seconds; 30 when absent.
    older_than_seconds: Option<u32>,
    /// Events in the page, up to 500.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Events to send again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ResendRequest {
    /// Up to 500 ids.
    #[schema(min_items = 1, max_items = 500)]
    event_ids: Vec<Uuid>,
    /// Why, for the log.
    #[schema(min_length = 1, max_length = 200, example = "a binding was missing from 10:02 to 10:05")]
    reason: String,
    /// Only those that were last sent before this moment: two who ask because of the same finding then
    /// send an event once.
    published_before: Option<DateTime<Utc>>,
}

/// What is sent again.
#[derive(Debug, Serialize, ToSchema)]
struct ResendView {
    /// Sent again within a second, while the broker is there.
    resent: Vec<Uuid>,
    /// The others: unknown here, waiting to be sent anyway, sent since `published_before`, given up, or
    /// more than 90 days old.
    left_alone: Vec<Uuid>,
}

/// The routes.
pub(crate) fn routes(pool: PgPool) -> OpenApiRouter {
    OpenApiRouter::default()
        .routes(routes!(show))
        .routes(routes!(sent))
        .routes(routes!(resend))
        .with_state(pool)
}

/// How many events wait to be sent, and since when.
#[utoipa::path(get, path = "/outbox", tag = "health", operation_id = "outbox", responses((status = 200, body = OutboxView)))]
async fn show(State(pool): State<PgPool>) -> Result<Json<OutboxView>, Problem> {
    let (unsent, oldest_unsent_at, oldest_unsent_seconds) = sqlx::query_as(UNSENT).fetch_one(&pool).await?;
    Ok(Json(OutboxView { unsent, oldest_unsent_at, oldest_unsent_seconds }))
}

/// What was sent, in the order of sending; an event that was sent again has moved to the end.
#[utoipa::path(
    get, path = "/outbox/sent", tag = "outbox", operation_id = "sent_events", params(Which),
    responses((status = 200, body = SentPage), (status = 400, description = "A parameter makes no sense."))
)]
async fn sent(State(pool): State<PgPool>, Query(which): Query<Which>) -> Result<Json<SentPage>, Problem> {
    let limit = which.limit.unwrap_or(EVENTS_MAX as u32);
    if !(1..=EVENTS_MAX as u32).contains(&limit) {
        return Err(Problem::bad_query(format!("limit is from 1 to {EVENTS_MAX}")));
    }
    let within = which.within_seconds.unwrap_or(WITHIN_SECONDS_DEFAULT);
    let older = which.older_than_seconds.unwrap_or(OLDER_THAN_SECONDS_DEFAULT);
    if !(1..=WITHIN_SECONDS_MAX).contains(&within) || older > WITHIN_SECONDS_MAX {
        return Err(Problem::bad_query(format!("seconds are from 1 to {WITHIN_SECONDS_MAX}")));
    }
    let after = which.cursor.as_deref().map(read_time_cursor).transpose()?;
    let stretch = Stretch {
        after,
        within_seconds: within.into(),
        older_than_seconds: older.into(),
        limit: limit.into(),
    };
    let (items, now) = outbox::sent(&pool, stretch).await?;
    let next_cursor = items.last().map(|last| time_cursor(last.published_at, last.event_id));
    Ok(Json(SentPage { items, next_cursor, now }))
}

/// Sends events again under their old ids. Whoever has handled one repeats its own answer and changes
/// nothing else.
#[utoipa::path(
    post, path = "/outbox/resend", tag = "outbox", operation_id = "resend_events", request_body = ResendRequest,
    responses((status = 200, body = ResendView), (status = 422, description = "No ids, too many, or no reason."))
)]
async fn resend(
    State(pool): State<PgPool>,
    Correlation(correlation): Correlation,
    Json(asked): Json<ResendRequest>,
) -> Result<Json<ResendView>, Problem> {
    let ResendRequest { event_ids, reason, published_before } = asked;
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        let words = format!("say why, in 1 to {REASON_CHARS_MAX} characters");
        return Err(Problem::invalid([("/reason", words)]));
    }
    check_ids(&event_ids)?;
    let resent = outbox::resend_events(&pool, &event_ids, published_before).await?;
    metrics::counter!("outbox_resent_on_request_total").increment(resent.len() as u64);
    // The audit line: who wants to know why an event came twice looks for its id here.
    tracing::warn!(
        correlation_id = %correlation,
        reason,
        asked = event_ids.len(),
        events = ?resent,
        "events are said again on request (none older than {RESEND_AGE_MAX_DAYS} days)"
    );
    let left_alone = event_ids.into_iter().filter(|id| !resent.contains(id)).collect();
    Ok(Json(ResendView { resent, left_alone }))
}

/// How many ids a request may name.
pub(super) fn check_ids(event_ids: &[Uuid]) -> Result<(), Problem> {
    if (1..=EVENTS_MAX).contains(&event_ids.len()) {
        return Ok(());
    }
    Err(Problem::invalid([("/event_ids", format!("name 1 to {EVENTS_MAX} events"))]))
}
