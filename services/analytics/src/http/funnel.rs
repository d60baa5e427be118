//! `GET /funnel`: how far orders come, and why the others do not.

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
    store::reports::{self, FunnelRow},
};

/// What is looked at when nobody says from when.
const SPAN: TimeDelta = TimeDelta::days(30);
/// The way of an order; a row's `furthest` is an index into it.
const STEPS: [&str; 6] = ["placed", "reserved", "paid", "confirmed", "shipped", "delivered"];

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FunnelQuery {
    /// First moment an order was placed at, RFC 3339; the last 30 days by default. At most 92 days.
    from: Option<DateTime<Utc>>,
    /// End, exclusive; now by default.
    to: Option<DateTime<Utc>>,
}

/// How far the orders placed in a window of time have come.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Funnel {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    /// From `placed` to `delivered`. The orders of a step are those of the next one, those waiting,
    /// and those that dropped off, together.
    steps: Vec<FunnelStep>,
}

/// One step of the way.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct FunnelStep {
    #[schema(example = "reserved")]
    step: &'static str,
    /// Orders that came at least this far.
    orders: i64,
    /// Of these, orders that have come no further yet and may still do; none at the last step.
    waiting: i64,
    /// Of these, orders that came no further and will not.
    drop_offs: Vec<DropOff>,
}

/// Orders that ended at a step for the same reason.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct DropOff {
    /// The order's failure code, or `cancelled`.
    #[schema(example = "insufficient_stock")]
    reason: String,
    orders: i64,
}

/// How far orders come, and why the others do not.
#[utoipa::path(get, path = "/funnel", tag = "reports", params(FunnelQuery), responses((status = 200, body = Funnel)))]
pub(super) async fn funnel(
    State(app): State<App<Analytics>>,
    Query(query): Query<FunnelQuery>,
) -> Result<Json<Funnel>, Problem> {
    let window = bounded(query.from, query.to, SPAN, Utc::now())?;
    let rows = reports::funnel(app.pool(), window).await?;
    Ok(Json(Funnel { from: window.from, to: window.to, steps: steps(&rows) }))
}

fn steps(rows: &[FunnelRow]) -> Vec<FunnelStep> {
    let mut steps = Vec::with_capacity(STEPS.len());
    for (index, step) in (0..).zip(STEPS) {
        let orders = rows.iter().filter(|row| row.furthest >= index).map(|row| row.orders).sum();
        let here = || rows.iter().filter(move |row| row.furthest == index);
        let last = step == "delivered";
        let waiting = here().filter(|row| row.reason.is_none() && !last).map(|row| row.orders).sum();
        let drop_off = |row: &FunnelRow| Some(DropOff { reason: row.reason.clone()?, orders: row.orders });
        steps.push(FunnelStep { step, orders, waiting, drop_offs: here().filter_map(drop_off).collect() });
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_a_step_goes_on_waits_or_drops_off() {
        let row = |furthest, reason: Option<&str>, orders| FunnelRow {
            furthest,
            reason: reason.map(str::to_owned),
            orders,
        };
        let rows = [
            row(0, Some("insufficient_stock"), 7),
            row(0, None, 2),
            row(1, Some("card_declined"), 5),
            row(1, Some("cancelled"), 1),
            row(3, None, 20),
            row(5, None, 60),
        ];
        let steps = steps(&rows);
        let orders: Vec<_> = steps.iter().map(|step| (step.step, step.orders, step.waiting)).collect();
        assert_eq!(
            orders,
            [
                ("placed", 95, 2),
                ("reserved", 86, 0),
                ("paid", 80, 0),
                ("confirmed", 80, 20),
                ("shipped", 60, 0),
                ("delivered", 60, 0)
            ]
        );
        for pair in steps.windows(2) {
            let dropped: i64 = pair[0].drop_offs.iter().map(|drop| drop.orders).sum();
            assert_eq!(pair[0].orders, pair[1].orders + pair[0].waiting + dropped);
        }
        assert_eq!(steps[1].drop_offs[0], DropOff { reason: "card_declined".to_owned(), orders: 5 });
    }
}
