//! `GET /durations`: how long the saga and its steps take.

use axum::extract::State;
use chassis::{
    App,
    http::{Json, Problem, Query},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::window::bounded;
use crate::{
    Analytics,
    store::reports::{self, DurationRow},
};

/// What is looked at when nobody says from when.
const SPAN: TimeDelta = TimeDelta::days(1);

/// From the customer's point of view. An order is settled when it is confirmed, or else when it has
/// ended with everything made good.
const SAGA: [&str; 2] = ["placed_to_confirmed", "placed_to_settled"];
/// The steps on the way.
const STEPS: [&str; 9] = [
    "placed_to_reserved",
    "placed_to_assessed",
    "reserved_to_payment_requested",
    "payment_requested_to_captured",
    "captured_to_confirmed",
    "confirmed_to_scheduled",
    "scheduled_to_dispatched",
    "dispatched_to_delivered",
    "ended_to_compensated",
];

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DurationsQuery {
    /// First moment an order was placed at, RFC 3339; the last 24 hours by default. At most 92 days.
    from: Option<DateTime<Utc>>,
    /// End, exclusive; now by default.
    to: Option<DateTime<Utc>>,
}

/// How long the orders placed in a window of time took. The two ends of a duration are moments on the
/// clocks of different machines: one that comes out negative counts as 0, and none is more exact than
/// those clocks agree.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Durations {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    /// The whole way: from placed to confirmed, and to settled.
    saga: Vec<DurationView>,
    /// The steps on the way.
    steps: Vec<DurationView>,
}

/// How long something took, in seconds; the percentiles are null while nothing was measured.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct DurationView {
    #[schema(example = "placed_to_confirmed")]
    name: &'static str,
    /// How many orders have reached both ends.
    count: i64,
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    max: Option<f64>,
}

/// How long the saga and its steps take: percentiles over the orders placed in a window of time.
#[utoipa::path(get, path = "/durations", tag = "reports", params(DurationsQuery), responses((status = 200, body = Durations)))]
pub(super) async fn durations(
    State(app): State<App<Analytics>>,
    Query(query): Query<DurationsQuery>,
) -> Result<Json<Durations>, Problem> {
    let window = bounded(query.from, query.to, SPAN, Utc::now())?;
    let rows = reports::durations(app.pool(), window).await?;
    let views = |names: &[&'static str]| names.iter().map(|name| view(name, &rows)).collect();
    Ok(Json(Durations { from: window.from, to: window.to, saga: views(&SAGA), steps: views(&STEPS) }))
}

fn view(name: &'static str, rows: &[DurationRow]) -> DurationView {
    let row = rows.iter().find(|row| row.name == name);
    let percentile = |index: usize| row.and_then(|row| row.percentiles.get(index).copied());
    DurationView {
        name,
        count: row.map_or(0, |row| row.count),
        p50: percentile(0),
        p95: percentile(1),
        p99: percentile(2),
        max: row.map(|row| row.max),
    }
}
