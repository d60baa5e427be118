//! What is asked of the facts, in a database of their own on the test stack's Postgres.

use analytics_service::store::reports::{self, FunnelRow, ProductRow, Rank, RevenueRow, Window};
use shared_events::{Currency, Envelope, Event, EventType, OrderId, ProductId, events::order::Line};
use sqlx::PgPool;
use system_tests::with_database;
use uuid::Uuid;

use crate::world::*;

const HOUR: i64 = 3_600;

fn window(from: i64, to: i64) -> Window {
    Window { from: seconds(from), to: seconds(to) }
}

fn product(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// The way with these lines, product, quantity and price of one.
fn with_lines(mut way: Vec<Envelope>, lines: &[(u128, u32, i64)]) -> Vec<Envelope> {
    for envelope in &mut way {
        if let Event::OrderPlaced(placed) = &mut envelope.event {
            placed.items = lines
                .iter()
                .map(|(number, quantity, unit_price_minor)| Line {
                    product_id: ProductId(product(*number)),
                    quantity: *quantity,
                    unit_price_minor: *unit_price_minor,
                })
                .collect();
        }
    }
    way
}

#[tokio::test]
async fn the_newest_orders_come_first_and_what_was_only_heard_of_is_none() {
    with_database("analytics", async |pool: PgPool| {
        for number in 0..12u8 {
            handle(&pool, &[said(EventType::OrderPlaced, order(number.into()), i64::from(number))])
                .await
                .unwrap();
        }
        handle(&pool, &[said(EventType::OrderConfirmed, order(99), 1_000)]).await.unwrap();
        let recent = reports::recent(&pool, 10).await.unwrap();
        let ids: Vec<_> = recent.iter().map(|order| OrderId(order.order_id)).collect();
        assert_eq!(ids, (2..12).rev().map(order).collect::<Vec<_>>());
        let Event::OrderPlaced(placed) = said(EventType::OrderPlaced, order(0), 0).event else {
            panic!("another event")
        };
        assert_eq!(recent[0].customer_id, placed.customer_id.as_str());
        assert_eq!(recent[0].total_minor, placed.total_minor);
        assert_eq!(recent[0].items_count as usize, placed.items.len());
        assert_eq!(recent[0].placed_at, seconds(11));
    })
    .await;
}

#[tokio::test]
async fn revenue_moves_when_the_money_did_and_in_one_currency() {
    with_database("analytics", async |pool: PgPool| {
        let paid = |number, second, minor, currency| {
            worth(said(EventType::PaymentProcessed, order(number), second), minor, currency)
        };
        let refunded = |number, second, minor| {
            worth(said(EventType::PaymentRefunded, order(number), second), minor, Currency::USD)
        };
        handle(
            &pool,
            &[
                paid(1, 0, 1_000, Currency::USD),
                paid(2, HOUR - 1, 500, Currency::USD),
                paid(3, 10, 9_999, eur()),
                paid(4, HOUR, 70, Currency::USD),
                refunded(1, 2 * HOUR + 5, 1_000),
                paid(5, 3 * HOUR, 1, Currency::USD),
            ],
        )
        .await
        .unwrap();
        let row =
            |second, revenue_minor, orders| RevenueRow { start: seconds(second), revenue_minor, orders };
        let hours = reports::revenue(&pool, window(0, 3 * HOUR), Currency::USD, "1 hour").await.unwrap();
        assert_eq!(hours, [row(0, 1_500, 2), row(HOUR, 70, 1), row(2 * HOUR, -1_000, 0)]);
        let days =
            reports::revenue(&pool, window(-10 * HOUR, 14 * HOUR), Currency::USD, "1 day").await.unwrap();
        assert_eq!(days, [row(-10 * HOUR, 571, 4)]);
        let euros = reports::revenue(&pool, window(0, HOUR), eur(), "1 hour").await.unwrap();
        assert_eq!(euros, [row(0, 9_999, 1)]);
    })
    .await;
}

#[tokio::test]
async fn products_are_ranked_by_what_confirmed_orders_hold() {
    with_database("analytics", async |pool: PgPool| {
        let sold = |number, lines: &[(u128, u32, i64)]| with_lines(delivered(order(number), 0), lines);
        // A product on two lines of one order is one product.
        handle(&pool, &sold(1, &[(1, 5, 100), (2, 1, 90_000), (1, 1, 100)])).await.unwrap();
        handle(&pool, &sold(2, &[(1, 2, 100), (3, 8, 1)])).await.unwrap();
        let unconfirmed = with_lines(vec![said(EventType::OrderPlaced, order(3), 0)], &[(9, 1_000, 1)]);
        handle(&pool, &unconfirmed).await.unwrap();
        let euros: Vec<_> =
            sold(4, &[(8, 1_000, 1)]).into_iter().map(|said| worth(said, 1_000, eur())).collect();
        handle(&pool, &euros).await.unwrap();
        let row = |number, units, revenue_minor, orders| ProductRow {
            product_id: product(number),
            units,
            revenue_minor,
            orders,
        };
        let top = async |rank, limit| {
            reports::top_products(&pool, window(0, HOUR), Currency::USD, rank, limit).await.unwrap()
        };
        // Of equally many units, those that brought more come first.
        assert_eq!(top(Rank::Units, 10).await, [row(1, 8, 800, 2), row(3, 8, 8, 1), row(2, 1, 90_000, 1)]);
        assert_eq!(top(Rank::Revenue, 2).await, [row(2, 1, 90_000, 1), row(1, 8, 800, 2)]);
        let before =
            reports::top_products(&pool, window(-HOUR, 0), Currency::USD, Rank::Units, 10).await.unwrap();
        assert_eq!(before, []);
    })
    .await;
}

#[tokio::test]
async fn the_funnel_tells_how_far_orders_came_and_why_no_further() {
    with_database("analytics", async |pool: PgPool| {
        let way = |number, steps| delivered(order(number), 0).into_iter().take(steps).collect::<Vec<_>>();
        handle(&pool, &way(1, 10)).await.unwrap();
        handle(&pool, &way(2, 6)).await.unwrap();
        let mut failed = way(3, 3);
        failed.push(said(EventType::OrderFailed, order(3), 9));
        handle(&pool, &failed).await.unwrap();
        let mut cancelled = way(4, 5);
        cancelled.push(said(EventType::OrderCancelled, order(4), 9));
        handle(&pool, &cancelled).await.unwrap();
        // Its earlier events are still on the way; the later one proves them.
        let dispatched = said(EventType::ShippingDispatched, order(5), 9);
        handle(&pool, &[said(EventType::OrderPlaced, order(5), 0), dispatched]).await.unwrap();
        // Placed at another time.
        handle(&pool, &delivered(order(6), HOUR)).await.unwrap();
        let Event::OrderFailed(failure) = said(EventType::OrderFailed, order(0), 0).event else {
            panic!("another event")
        };
        let row = |furthest, reason: Option<&str>| FunnelRow {
            furthest,
            reason: reason.map(str::to_owned),
            orders: 1,
        };
        assert_eq!(
            reports::funnel(&pool, window(0, HOUR)).await.unwrap(),
            [
                row(1, Some(&failure.code)),
                row(2, Some("cancelled")),
                row(3, None),
                row(4, None),
                row(5, None)
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn durations_are_percentiles_in_seconds_and_never_below_zero() {
    with_database("analytics", async |pool: PgPool| {
        // From placed to confirmed: 1, 2, …, 100 seconds.
        for number in 1..=100u8 {
            let confirmed = said(EventType::OrderConfirmed, order(number.into()), number.into());
            let placed = said(EventType::OrderPlaced, order(number.into()), 0);
            handle(&pool, &[placed, confirmed]).await.unwrap();
        }
        // Inventory's clock is behind the order service's.
        let behind = said(EventType::InventoryReserved, order(1), -3);
        handle(&pool, &[behind]).await.unwrap();
        // Never confirmed: settled when it had failed and everything was made good.
        let dead = [
            said(EventType::OrderPlaced, order(200), 0),
            said(EventType::OrderFailed, order(200), 30),
            said(EventType::OrderCompleted, order(200), 70),
        ];
        handle(&pool, &dead).await.unwrap();
        let rows = reports::durations(&pool, window(0, HOUR)).await.unwrap();
        let row = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
        let confirmed = row("placed_to_confirmed");
        assert_eq!((confirmed.count, confirmed.max), (100, 100.0));
        for (found, expected) in confirmed.percentiles.iter().zip([50.5, 95.05, 99.01]) {
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        }
        assert_eq!(row("placed_to_settled").count, 101);
        let reserved = row("placed_to_reserved");
        assert_eq!((reserved.count, reserved.max), (1, 0.0));
        assert_eq!(row("ended_to_compensated").max, 40.0);
        assert!(rows.iter().all(|row| row.name != "dispatched_to_delivered"));
        assert_eq!(reports::durations(&pool, window(HOUR, 2 * HOUR)).await.unwrap(), []);
    })
    .await;
}
