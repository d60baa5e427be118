//! `GET /metrics`: the seed's business figures.

use axum::{extract::State, response::IntoResponse};
use chassis::{
    App,
    http::{Amount, Json, Problem},
};
use serde::Serialize;
use shared_events::Currency;
use utoipa::ToSchema;

use super::SERVED_FROM;
use crate::{Analytics, counters::Counters};

/// The shop's figures since the first order. Counts are over all orders; amounts are those in the
/// platform's main currency (`MAIN_CURRENCY`) and leave out orders in other currencies.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct BusinessMetrics {
    /// Orders placed.
    total_orders: i64,
    /// Orders that reached `confirmed`, whatever became of them afterwards.
    confirmed_orders: i64,
    /// Orders that failed; cancelled ones are not among them.
    failed_orders: i64,
    /// Captured minus refunded.
    total_revenue: Amount,
    /// Captured payments among those captured or failed, from 0 to 1; 0 while there is none.
    #[schema(minimum = 0, maximum = 1)]
    payment_success_rate: f64,
    /// Mean total of the confirmed orders, to the cent; 0 while there is none.
    average_order_value: Amount,
}

impl BusinessMetrics {
    fn of(counters: &Counters, currency: Currency) -> Self {
        Self {
            total_orders: counters.orders,
            confirmed_orders: counters.confirmed,
            failed_orders: counters.failed,
            total_revenue: Amount(counters.revenue_minor(currency)),
            payment_success_rate: counters.payment_success_rate(),
            average_order_value: Amount(counters.average_order_minor(currency)),
        }
    }
}

/// The shop's figures since the first order, at most a fraction of a second old.
#[utoipa::path(
    get, path = "/metrics", tag = "figures",
    responses((status = 200, body = BusinessMetrics, headers(
        ("x-served-from" = String, description = "`redis`, or `postgres` when Redis could not answer at once.")
    )))
)]
pub(super) async fn metrics(State(app): State<App<Analytics>>) -> Result<impl IntoResponse, Problem> {
    let analytics = app.participant();
    let (counters, served_from) = analytics.mirror().read(app.pool()).await?;
    let figures = BusinessMetrics::of(&counters, analytics.main_currency());
    Ok(([(SERVED_FROM, served_from.as_str())], Json(figures)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::MoneyTotals;

    #[test]
    fn the_figures_have_the_seeds_names_and_exact_amounts() {
        let money = MoneyTotals {
            captured_minor: 7_000,
            refunded_minor: 1_005,
            confirmed_orders: 3,
            confirmed_minor: 7_000,
        };
        let counters = Counters {
            orders: 5,
            confirmed: 3,
            failed: 1,
            payments_captured: 3,
            payments_failed: 1,
            money: [(Currency::USD, money)].into(),
            events: [].into(),
        };
        let json = serde_json::to_string(&BusinessMetrics::of(&counters, Currency::USD)).unwrap();
        assert_eq!(
            json,
            r#"{"total_orders":5,"confirmed_orders":3,"failed_orders":1,"total_revenue":59.95,"payment_success_rate":0.75,"average_order_value":23.33}"#
        );
        let none = serde_json::to_string(&BusinessMetrics::of(&Counters::default(), Currency::USD)).unwrap();
        assert!(none.contains(r#""total_revenue":0.00,"payment_success_rate":0.0"#), "{none}");
    }
}
