//! `GET /orders/metrics`: the seed's business figures.

use std::collections::BTreeMap;

use axum::extract::State;
use chassis::{
    App,
    http::{Json, Problem},
};
use order_domain::Progress;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Orders,
    store::{self, StatusCount},
};

/// The order service's business figures.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct OrderMetrics {
    /// Mean time from placed to confirmed; 0 while none was confirmed.
    average_processing_time_seconds: f64,
    /// How many orders are in each status, also in those that none is in.
    order_status_counts: BTreeMap<String, i64>,
}

/// Mean time to confirmation, and how many orders are in each status.
#[utoipa::path(
    get, path = "/orders/metrics", tag = "orders", operation_id = "order_metrics",
    responses((status = 200, description = "Over all orders.", body = OrderMetrics))
)]
pub(super) async fn metrics(State(app): State<App<Orders>>) -> Result<Json<OrderMetrics>, Problem> {
    Ok(Json(summed(store::count(app.pool()).await?)))
}

fn summed(counts: Vec<StatusCount>) -> OrderMetrics {
    let confirmed: i64 = counts.iter().map(|count| count.confirmed).sum();
    let micros: f64 = counts.iter().map(|count| count.micros).sum();
    let mean = if confirmed == 0 { 0.0 } else { micros / confirmed as f64 / 1e6 };
    let mut order_status_counts: BTreeMap<_, _> =
        Progress::STATUSES.iter().map(|status| (status.as_str().to_owned(), 0)).collect();
    order_status_counts.extend(counts.into_iter().map(|count| (count.status, count.orders)));
    OrderMetrics { average_processing_time_seconds: mean, order_status_counts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_over_all_confirmed_orders_and_every_status_is_counted() {
        let count = |status: &str, orders, confirmed, micros| StatusCount {
            status: status.to_owned(),
            orders,
            confirmed,
            micros,
        };
        let figures = summed(vec![
            count("confirmed", 3, 3, 60_000.0),
            count("failed", 5, 1, 20_000.0),
            count("pending", 2, 0, 0.0),
        ]);
        assert!((figures.average_processing_time_seconds - 0.02).abs() < 1e-9);
        assert_eq!(figures.order_status_counts.len(), 8);
        assert_eq!(figures.order_status_counts["failed"], 5);
        assert_eq!(figures.order_status_counts["shipped"], 0);
        assert_eq!(summed(Vec::new()).average_processing_time_seconds, 0.0);
    }
}
