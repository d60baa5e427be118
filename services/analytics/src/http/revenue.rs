//! `GET /revenue`: money that came in and went back, by hours or days.

use std::collections::HashMap;

use axum::extract::State;
use chassis::{
    App,
    http::{Amount, Json, Problem, Query},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{currency, window::window};
use crate::{
    Analytics,
    store::reports::{self, RevenueRow, Window},
};

/// Forty days by the hour, nearly three years by the day: more than a chart can show.
const BUCKETS_MAX: i64 = 1_000;

/// The width of a bucket; buckets begin at full hours or days, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Bucket {
    Hour,
    #[default]
    Day,
}

impl Bucket {
    const fn seconds(self) -> i64 {
        match self {
            Self::Hour => 60 * 60,
            Self::Day => 24 * 60 * 60,
        }
    }

    /// As Postgres reads an interval.
    const fn interval(self) -> &'static str {
        match self {
            Self::Hour => "1 hour",
            Self::Day => "1 day",
        }
    }

    /// What is shown when nobody says from when: a day by the hour, a month by the day.
    const fn span(self) -> TimeDelta {
        match self {
            Self::Hour => TimeDelta::days(1),
            Self::Day => TimeDelta::days(30),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RevenueQuery {
    /// `hour` or `day`; days by default.
    #[serde(default)]
    #[param(inline)]
    bucket: Bucket,
    /// First moment, RFC 3339; the last 24 hours or 30 days by default. Taken back to the beginning
    /// of its bucket.
    from: Option<DateTime<Utc>>,
    /// End, exclusive; now by default.
    to: Option<DateTime<Utc>>,
    /// ISO 4217; the platform's main currency by default.
    currency: Option<String>,
}

/// Revenue over time.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Revenue {
    bucket: Bucket,
    /// Every bucket of the window, oldest first, also those without any revenue.
    items: Vec<RevenueBucket>,
}

/// Revenue of one hour or day.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct RevenueBucket {
    /// Where it begins.
    start: DateTime<Utc>,
    /// Captured in this time minus refunded in this time; below zero where more went back.
    revenue: Amount,
    /// Orders whose money was captured in this time.
    orders: i64,
}

/// Money that came in and went back, by hours or days of one currency.
#[utoipa::path(get, path = "/revenue", tag = "reports", params(RevenueQuery), responses((status = 200, body = Revenue)))]
pub(super) async fn revenue(
    State(app): State<App<Analytics>>,
    Query(query): Query<RevenueQuery>,
) -> Result<Json<Revenue>, Problem> {
    let bucket = query.bucket;
    let window = aligned(window(query.from, query.to, bucket.span(), Utc::now())?, bucket)?;
    let currency = currency(&app, query.currency.as_deref())?;
    let rows = reports::revenue(app.pool(), window, currency, bucket.interval()).await?;
    Ok(Json(Revenue { bucket, items: filled(&rows, window, bucket) }))
}

/// The window from the beginning of its first bucket.
fn aligned(window: Window, bucket: Bucket) -> Result<Window, Problem> {
    let first = window.from.timestamp().div_euclid(bucket.seconds()) * bucket.seconds();
    let from = DateTime::from_timestamp(first, 0).unwrap_or(window.from);
    if count(Window { from, ..window }, bucket) > BUCKETS_MAX {
        return Err(Problem::bad_query(format!(
            "at most {BUCKETS_MAX} buckets; choose a shorter time or wider buckets"
        )));
    }
    Ok(Window { from, ..window })
}

/// How many buckets the aligned window touches.
fn count(window: Window, bucket: Bucket) -> i64 {
    let last = (window.to - TimeDelta::microseconds(1)).timestamp().div_euclid(bucket.seconds());
    last - window.from.timestamp().div_euclid(bucket.seconds()) + 1
}

fn filled(rows: &[RevenueRow], window: Window, bucket: Bucket) -> Vec<RevenueBucket> {
    let known: HashMap<_, _> = rows.iter().map(|row| (row.start, row)).collect();
    (0..count(window, bucket))
        .map(|index| {
            let start = window.from + TimeDelta::seconds(index * bucket.seconds());
            let (revenue_minor, orders) =
                known.get(&start).map_or((0, 0), |row| (row.revenue_minor, row.orders));
            RevenueBucket { start, revenue: Amount(revenue_minor), orders }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn days(from: &str, to: &str) -> Window {
        Window { from: at(from), to: at(to) }
    }

    #[test]
    fn buckets_begin_where_hours_and_days_do_and_none_is_left_out() {
        let window = aligned(days("2026-11-18T17:30:00Z", "2026-11-21T00:00:00Z"), Bucket::Day).unwrap();
        let row = RevenueRow { start: at("2026-11-19T00:00:00Z"), revenue_minor: -205, orders: 2 };
        let items = filled(&[row], window, Bucket::Day);
        let starts: Vec<_> = items.iter().map(|item| item.start).collect();
        // The end is exclusive: nothing of the 21st is in the window.
        assert_eq!(starts, ["18", "19", "20"].map(|day| at(&format!("2026-11-{day}T00:00:00Z"))));
        let amounts: Vec<_> = items.iter().map(|item| (item.revenue, item.orders)).collect();
        assert_eq!(amounts, [(Amount(0), 0), (Amount(-205), 2), (Amount(0), 0)]);
        let hours = aligned(days("2026-11-18T17:30:00Z", "2026-11-18T18:00:01Z"), Bucket::Hour).unwrap();
        assert_eq!((hours.from, count(hours, Bucket::Hour)), (at("2026-11-18T17:00:00Z"), 2));
    }

    #[test]
    fn a_thousand_buckets_are_given_and_no_more() {
        let whole = days("2026-01-01T00:00:00Z", "2026-02-11T16:00:00Z");
        assert_eq!(count(aligned(whole, Bucket::Hour).unwrap(), Bucket::Hour), BUCKETS_MAX);
        let more = days("2026-01-01T00:00:00Z", "2026-02-11T16:00:00.000001Z");
        assert_eq!(aligned(more, Bucket::Hour).unwrap_err().status().as_u16(), 400);
        assert!(aligned(more, Bucket::Day).is_ok());
        assert!(aligned(days("1970-01-01T00:00:00Z", "9999-12-31T00:00:00Z"), Bucket::Day).is_err());
    }
}
