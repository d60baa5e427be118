//! `GET /events/stats`: how often each event happened.

use axum::{extract::State, response::IntoResponse};
use chassis::{
    App,
    http::{Json, Problem},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::SERVED_FROM;
use crate::{Analytics, counters::Counters};

/// How often events of one type happened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventCount {
    #[schema(example = "order.placed")]
    event_type: String,
    /// Each event once, however often it was delivered.
    count: i64,
}

/// How often each event happened, the most frequent first; types that never did are left out.
#[utoipa::path(
    get, path = "/events/stats", tag = "figures",
    responses((status = 200, body = Vec<EventCount>, headers(
        ("x-served-from" = String, description = "`redis`, or `postgres` when Redis could not answer at once.")
    )))
)]
pub(super) async fn stats(State(app): State<App<Analytics>>) -> Result<impl IntoResponse, Problem> {
    let (counters, served_from) = app.participant().mirror().read(app.pool()).await?;
    Ok(([(SERVED_FROM, served_from.as_str())], Json(counts(&counters))))
}

fn counts(counters: &Counters) -> Vec<EventCount> {
    let count = |(event_type, count): (&str, i64)| EventCount { event_type: event_type.to_owned(), count };
    counters.ranking().into_iter().map(count).collect()
}
