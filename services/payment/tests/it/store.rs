//! What is written is what is read, and what the database refuses.

use payment_domain::{State, Status};
use payment_service::{
    ledger::{Entry, Kind},
    store,
};
use shared_events::{Currency, EventType, Money, OrderId};
use sqlx::{Executor, PgPool, Row};
use system_tests::with_database;
use uuid::Uuid;

use crate::life::{TOTAL, event, live, order_in};

async fn kinds(pool: &PgPool, order: OrderId) -> Vec<String> {
    let rows = store::ledger(pool, &[order], 100).await.unwrap();
    assert!(rows.iter().all(|row| (row.amount_minor, row.currency.as_str()) == (TOTAL, "USD")));
    rows.into_iter().map(|row| row.kind).collect()
}

#[tokio::test]
async fn every_statement_fits_the_migrated_database() {
    with_database("payment", async |pool| {
        let mut connection = pool.acquire().await.unwrap();
        for statement in store::STATEMENTS {
            if let Err(error) = connection.prepare(sqlx::SqlStr::from_static(statement)).await {
                panic!("{statement}: {error}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn every_status_is_stored_read_back_and_generated_into_its_columns() {
    with_database("payment", async |pool| {
        for status in Status::ALL {
            let order = order_in(&pool, *status).await;
            let state = store::find(&pool, &[order]).await.unwrap().pop().unwrap().state;
            let row = sqlx::query("SELECT * FROM transactions WHERE order_id = $1")
                .bind(order.0)
                .fetch_one(&pool)
                .await
                .unwrap();
            assert_eq!(row.get::<String, _>("status"), status.as_str());
            let amount = row.get::<Option<i64>, _>("amount_minor");
            assert_eq!(amount, state.amount().map(|amount| amount.minor), "{status:?}");
            assert_eq!(row.get::<i64, _>("captured_minor"), state.captured_minor);
            assert_eq!(row.get::<i64, _>("refunded_minor"), state.refunded_minor);
        }
    })
    .await;
}

#[tokio::test]
async fn many_orders_are_written_and_read_in_one_statement() {
    with_database("payment", async |pool| {
        let states: Vec<(OrderId, State)> = (0..500)
            .map(|_| (OrderId(Uuid::now_v7()), State { reserved: true, ..State::default() }))
            .collect();
        let borrowed: Vec<_> = states.iter().map(|(order, state)| (*order, state)).collect();
        let orders: Vec<_> = states.iter().map(|(order, _)| *order).collect();
        let mut tx = pool.begin().await.unwrap();
        store::save(&mut tx, &borrowed, chrono::Utc::now()).await.unwrap();
        let loaded = store::load(&mut tx, &orders).await.unwrap();
        assert_eq!(loaded, states.into_iter().collect());
        assert!(store::load(&mut tx, &[OrderId(Uuid::now_v7())]).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_ledger_tells_each_life_in_sequence() {
    with_database("payment", async |pool| {
        let ask = "charge_requested";
        for (status, expected) in [
            (Status::Collecting, &[][..]),
            (Status::Charging, &[ask]),
            (Status::Voiding, &[ask, ask, ask]),
            (Status::Captured, &[ask, "captured"]),
            (Status::Failed, &[ask, "declined"]),
            (Status::Voided, &[]),
            (Status::RefundStuck, &[ask, "captured", "refund_requested", "refund_refused"]),
            (Status::Refunded, &[ask, "captured", "refund_requested", "refunded"]),
        ] {
            let order = order_in(&pool, status).await;
            assert_eq!(kinds(&pool, order).await, expected, "{status:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_input_that_changes_nothing_writes_nothing() {
    with_database("payment", async |pool| {
        let order = order_in(&pool, Status::Refunded).await;
        let before = store::find(&pool, &[order]).await.unwrap();
        live(&pool, order, &[event(EventType::OrderFailed), event(EventType::OrderPlaced)]).await;
        assert_eq!(store::find(&pool, &[order]).await.unwrap(), before, "not even updated_at");
        assert_eq!(kinds(&pool, order).await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn the_database_refuses_more_captured_than_the_amount_and_more_back_than_in() {
    with_database("payment", async |pool| {
        let order = order_in(&pool, Status::Captured).await;
        for (field, value) in [("captured_minor", TOTAL + 1), ("refunded_minor", TOTAL + 1), ("captured_minor", -1)] {
            let drift = sqlx::query(
                "UPDATE transactions SET state = jsonb_set(state, ARRAY[$1], to_jsonb($2::bigint)) WHERE order_id = $3",
            );
            let refused = drift.bind(field).bind(value).bind(order.0).execute(&pool).await.unwrap_err();
            let constraint = refused.as_database_error().and_then(|error| error.constraint());
            assert!(constraint.is_some_and(|name| name.starts_with("transactions_")), "{refused}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_second_capture_or_refund_in_the_ledger_is_refused() {
    with_database("payment", async |pool| {
        let order = order_in(&pool, Status::Refunded).await;
        for kind in [Kind::Captured, Kind::Refunded] {
            let mut connection = pool.acquire().await.unwrap();
            let entry = Entry { kind, amount: Money::new(TOTAL, Currency::USD) };
            let written =
                store::append_to_ledger(&mut connection, &[(order, entry)], chrono::Utc::now()).await;
            let refused = written.unwrap_err();
            assert!(
                refused.as_database_error().is_some_and(|error| error.is_unique_violation()),
                "{refused}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn the_correlation_of_an_order_is_its_first_inputs() {
    with_database("payment", async |pool| {
        let order = OrderId(Uuid::now_v7());
        let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
        for correlation in [first, second] {
            sqlx::query(
                "INSERT INTO saga_log (order_id, input, outcome, note, correlation_id, created_at) \
                 VALUES ($1, 'order.placed', 'started', '', $2, now())",
            )
            .bind(order.0)
            .bind(correlation)
            .execute(&pool)
            .await
            .unwrap();
        }
        let unknown = OrderId(Uuid::now_v7());
        let found = store::correlations(&pool, &[order, unknown]).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[&order].0, first);
    })
    .await;
}
