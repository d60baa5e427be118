//! The table, in a database of its own on the test stack's Postgres.

use chrono::{DateTime, Utc};
use loyalty_service::{
    rule::{Purchase, State},
    store::{self, Balance},
};
use shared_events::{Currency, CustomerId, Money, OrderId, events::order::OrderOutcome};
use sqlx::PgPool;
use system_tests::with_database;
use uuid::Uuid;

fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().expect("a date")
}

fn customer(name: &str) -> CustomerId {
    CustomerId::try_from(name.to_owned()).expect("a customer id")
}

fn delivered(name: &str, points: i64) -> State {
    let total = Money::new(points * 100 + 99, Currency::USD);
    let purchase = Some(Purchase { customer_id: customer(name), total });
    State { purchase, outcome: Some(OrderOutcome::Delivered), points }
}

#[tokio::test]
async fn points_are_summed_for_each_customer_and_a_change_replaces_what_was_there() {
    with_database("loyalty", async |pool: PgPool| {
        let orders: Vec<_> = (0..4).map(|_| OrderId(Uuid::now_v7())).collect();
        let states = [delivered("ada", 3), delivered("ada", 4), delivered("grace", 5), State::default()];
        let rows: Vec<_> = orders.iter().copied().zip(&states).collect();
        let mut connection = pool.acquire().await.unwrap();
        for _ in 0..2 {
            store::save(&mut connection, &rows, now()).await.unwrap();
        }
        let loaded = store::load(&mut connection, &orders).await.unwrap();
        assert!(rows.iter().all(|(order, state)| loaded[order] == **state));
        for (name, points, orders) in [("ada", 7, 2), ("grace", 5, 1), ("nobody", 0, 0)] {
            let balance = store::balance(&pool, &customer(name)).await.unwrap();
            assert_eq!(balance, Balance { points, orders }, "{name}");
        }
    })
    .await;
}
