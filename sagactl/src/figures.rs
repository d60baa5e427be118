//! `sagactl analytics`: orders, money, the funnel, durations and what sells, as the analytics service counted them.

use std::collections::HashMap;

use anyhow::Result;
use futures::future::join_all;
use serde::Deserialize;
use serde_json::Number;
use uuid::Uuid;

use crate::client::{Platform, minor_units};
use crate::console::{Align, Palette, amount, grouped, table};

/// How many products and event types are shown.
const ROWS: usize = 10;

#[derive(Debug, Deserialize)]
struct Totals {
    total_orders: u64,
    confirmed_orders: u64,
    failed_orders: u64,
    total_revenue: Number,
    payment_success_rate: f64,
    average_order_value: Number,
}

#[derive(Debug, Deserialize)]
struct Funnel {
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    step: String,
    orders: u64,
    waiting: u64,
    drop_offs: Vec<DropOff>,
}

#[derive(Debug, Deserialize)]
struct DropOff {
    reason: String,
    orders: u64,
}

#[derive(Debug, Deserialize)]
struct Durations {
    saga: Vec<Duration>,
    steps: Vec<Duration>,
}

/// Seconds; null while nothing was measured.
#[derive(Debug, Deserialize)]
struct Duration {
    name: String,
    count: u64,
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    max: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Top {
    items: Vec<Seller>,
}

#[derive(Debug, Deserialize)]
struct Seller {
    product_id: Uuid,
    units: u64,
    revenue: Number,
    orders: u64,
}

#[derive(Debug, Deserialize)]
struct EventCount {
    event_type: String,
    count: u64,
}

/// Prints the figures.
pub async fn show(platform: &Platform, palette: Palette) -> Result<()> {
    let totals: Totals = platform.figures("/metrics").await?;
    print!("{}", table(palette, &[("", Align::Left), ("", Align::Right)], &totals_rows(&totals)));
    println!();
    let funnel: Funnel = platform.figures("/funnel").await?;
    print!("{}", funnel_table(&funnel, palette));
    println!();
    let durations: Durations = platform.figures("/durations").await?;
    print!("{}", durations_table(&durations, palette));
    println!();
    let top: Top = platform.figures(&format!("/products/top?limit={ROWS}")).await?;
    print!("{}", sellers_table(&top, &names(platform, &top).await, palette));
    println!();
    let events: Vec<EventCount> = platform.figures("/events/stats").await?;
    let rows: Vec<Vec<String>> =
        events.iter().take(ROWS).map(|row| vec![row.event_type.clone(), grouped(row.count)]).collect();
    print!("{}", table(palette, &[("event", Align::Left), ("count", Align::Right)], &rows));
    Ok(())
}

/// `1,234.50`. Amounts are in the platform's main currency, which the service was told and does not tell.
fn plain(value: &Number) -> String {
    amount(minor_units(value), "").trim_end().to_owned()
}

fn totals_rows(totals: &Totals) -> Vec<Vec<String>> {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    vec![
        row("orders", grouped(totals.total_orders)),
        row("confirmed", grouped(totals.confirmed_orders)),
        row("failed", grouped(totals.failed_orders)),
        row("revenue", plain(&totals.total_revenue)),
        row("payments that succeed", format!("{:.1} %", totals.payment_success_rate * 100.0)),
        row("average confirmed order", plain(&totals.average_order_value)),
    ]
}

fn funnel_table(funnel: &Funnel, palette: Palette) -> String {
    let rows: Vec<Vec<String>> = funnel
        .steps
        .iter()
        .map(|step| {
            let lost: Vec<String> = step
                .drop_offs
                .iter()
                .map(|drop_off| format!("{} {}", grouped(drop_off.orders), drop_off.reason))
                .collect();
            vec![step.step.clone(), grouped(step.orders), grouped(step.waiting), lost.join(", ")]
        })
        .collect();
    let head = [
        ("reached", Align::Left),
        ("orders", Align::Right),
        ("still there", Align::Right),
        ("went no further", Align::Left),
    ];
    table(palette, &head, &rows)
}

fn durations_table(durations: &Durations, palette: Palette) -> String {
    let rows: Vec<Vec<String>> = durations
        .saga
        .iter()
        .chain(&durations.steps)
        .map(|row| {
            let figures = [row.p50, row.p95, row.p99, row.max].map(seconds);
            std::iter::once(row.name.replace('_', " "))
                .chain(std::iter::once(grouped(row.count)))
                .chain(figures)
                .collect()
        })
        .collect();
    let head = [
        ("seconds", Align::Left),
        ("orders", Align::Right),
        ("p50", Align::Right),
        ("p95", Align::Right),
        ("p99", Align::Right),
        ("max", Align::Right),
    ];
    table(palette, &head, &rows)
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

/// Events carry no names; the catalogue knows them. A product it does not know (any more) is shown by its id.
async fn names(platform: &Platform, top: &Top) -> HashMap<Uuid, String> {
    let asked = top.items.iter().map(|item| platform.product(item.product_id));
    join_all(asked).await.into_iter().flatten().flatten().map(|product| (product.id, product.name)).collect()
}

fn sellers_table(top: &Top, names: &HashMap<Uuid, String>, palette: Palette) -> String {
    let rows: Vec<Vec<String>> = top
        .items
        .iter()
        .map(|item| {
            vec![
                names.get(&item.product_id).cloned().unwrap_or_else(|| item.product_id.to_string()),
                grouped(item.units),
                grouped(item.orders),
                plain(&item.revenue),
            ]
        })
        .collect();
    let head = [
        ("sells best", Align::Left),
        ("units", Align::Right),
        ("orders", Align::Right),
        ("revenue", Align::Right),
    ];
    table(palette, &head, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_funnel_says_how_many_went_no_further_and_why() {
        let funnel: Funnel = serde_json::from_value(serde_json::json!({ "from": "x", "steps": [
            { "step": "placed", "orders": 1200, "waiting": 3, "drop_offs": [{ "reason": "insufficient_stock", "orders": 7 }] },
        ]}))
        .expect("the service's shape");
        let shown = funnel_table(&funnel, Palette::PLAIN);
        assert!(shown.contains("1,200") && shown.contains("7 insufficient_stock"), "{shown}");
    }

    #[test]
    fn an_amount_names_no_currency_since_the_answer_names_none() {
        let totals: Totals = serde_json::from_value(serde_json::json!({
            "total_orders": 3, "confirmed_orders": 2, "failed_orders": 1, "total_revenue": 1234.5,
            "payment_success_rate": 0.5, "average_order_value": 617.25,
        }))
        .expect("the service's shape");
        let shown: Vec<String> = totals_rows(&totals).into_iter().filter_map(|mut row| row.pop()).collect();
        assert_eq!(shown, ["3", "2", "1", "1,234.50", "50.0 %", "617.25"]);
    }

    #[test]
    fn a_step_nobody_took_has_no_duration() {
        let durations: Durations = serde_json::from_value(serde_json::json!({
            "saga": [{ "name": "placed_to_confirmed", "count": 2, "p50": 0.0213, "p95": 0.03, "p99": 0.03, "max": 0.0301 }],
            "steps": [{ "name": "dispatched_to_delivered", "count": 0, "p50": null, "p95": null, "p99": null, "max": null }],
        }))
        .expect("the service's shape");
        let shown = durations_table(&durations, Palette::PLAIN);
        assert!(shown.contains("placed to confirmed") && shown.contains("0.021"), "{shown}");
        assert_eq!(shown.matches('–').count(), 4, "{shown}");
    }
}
