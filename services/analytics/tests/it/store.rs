//! The tables, in a database of their own on the test stack's Postgres.

use std::collections::BTreeMap;

use analytics_service::{
    counters::{Counters, MoneyTotals},
    store,
};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use shared_events::{Currency, Envelope, EventType};
use sqlx::PgPool;
use system_tests::{on_postgres, with_database};

use crate::world::*;

/// Enough that orders are changed by many batches, and batches hold several events of one order.
const EVENTS: usize = 1_500;
const ORDERS: u128 = 60;

/// What the counters ought to be, counted afresh from the columns and from what was said.
async fn recounted(pool: &PgPool, said: &[Envelope]) -> Counters {
    let (orders, confirmed, failed, payments_captured, payments_failed) = sqlx::query_as(
        "SELECT count(placed_at), count(confirmed_at), count(failed_at), count(captured_at), \
         count(payment_failed_at) FROM order_facts",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    let sums: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT currency, SUM(captured)::bigint, SUM(refunded)::bigint, SUM(orders)::bigint, SUM(confirmed)::bigint \
         FROM (SELECT captured_currency, captured_minor, 0, 0, 0 FROM order_facts WHERE captured_at IS NOT NULL \
         UNION ALL SELECT refunded_currency, 0, refunded_minor, 0, 0 FROM order_facts WHERE refunded_at IS NOT NULL \
         UNION ALL SELECT confirmed_currency, 0, 0, 1, confirmed_minor FROM order_facts WHERE confirmed_at IS NOT NULL) \
         AS sums (currency, captured, refunded, orders, confirmed) GROUP BY currency",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let money = sums.into_iter().map(
        |(currency, captured_minor, refunded_minor, confirmed_orders, confirmed_minor)| {
            let totals = MoneyTotals { captured_minor, refunded_minor, confirmed_orders, confirmed_minor };
            (currency.parse::<Currency>().unwrap(), totals)
        },
    );
    let mut events = BTreeMap::new();
    for envelope in said {
        *events.entry(envelope.event_type().to_string()).or_default() += 1;
    }
    Counters { orders, confirmed, failed, payments_captured, payments_failed, money: money.collect(), events }
}

/// A random history, cut into random batches; the same one for the same seed.
fn batches(seed: u8) -> Vec<Vec<Envelope>> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let history = prop::collection::vec(any_event(ORDERS), EVENTS).new_tree(&mut runner).unwrap().current();
    let sizes = prop::collection::vec(1..40usize, EVENTS).new_tree(&mut runner).unwrap().current();
    let mut rest = history.as_slice();
    let mut batches = Vec::new();
    for size in sizes {
        let (batch, after) = rest.split_at(size.min(rest.len()));
        if batch.is_empty() {
            break;
        }
        batches.push(batch.to_vec());
        rest = after;
    }
    batches
}

#[tokio::test]
async fn the_counters_equal_a_recount_after_any_history_in_any_batches() {
    with_database("analytics", async |pool: PgPool| {
        let mut said = Vec::new();
        for seed in 1..=3 {
            for batch in batches(seed) {
                handle(&pool, &batch).await.unwrap();
                said.extend(batch);
            }
            let counters = store::snapshot(&pool).await.unwrap().counters;
            assert_eq!(counters, recounted(&pool, &said).await, "after seed {seed}");
            assert!(counters.orders > 20 && counters.money.len() == 2, "the histories are too poor");
        }
    })
    .await;
}

#[test]
fn replicas_that_write_at_once_count_together() {
    on_postgres("analytics", |pool| async move {
        let mut replicas = tokio::task::JoinSet::new();
        for replica in 0..6u8 {
            let pool = pool.clone();
            replicas.spawn(async move {
                let mut said = Vec::new();
                for mut batch in batches(10 + replica) {
                    for envelope in &mut batch {
                        // Orders of its own: for those of others the engine's locks would make it wait.
                        envelope.aggregate_id =
                            order(envelope.order_id().0.as_u128() % 1_000 + u128::from(replica) * 1_000).0;
                    }
                    handle(&pool, &batch).await.unwrap();
                    said.extend(batch);
                }
                said
            });
        }
        let said = replicas.join_all().await.concat();
        let snapshot = store::snapshot(&pool).await.unwrap();
        assert_eq!(snapshot.counters, recounted(&pool, &said).await);
        assert_eq!(snapshot.counters.events.values().sum::<i64>(), 6 * EVENTS as i64);
    });
}

#[tokio::test]
async fn each_batch_is_one_revision_and_the_name_of_the_database_stays() {
    with_database("analytics", async |pool: PgPool| {
        let (source, revision) = store::revision(&pool).await.unwrap();
        assert_eq!(revision, 0);
        handle(&pool, &delivered(order(1), 0)).await.unwrap();
        handle(&pool, &delivered(order(2), 0)).await.unwrap();
        assert_eq!(store::revision(&pool).await.unwrap(), (source, 2));
        let snapshot = store::snapshot(&pool).await.unwrap();
        assert_eq!((snapshot.source, snapshot.revision), (source, 2));
    })
    .await;
}

#[tokio::test]
async fn facts_are_read_back_and_an_event_without_an_order_makes_none() {
    with_database("analytics", async |pool: PgPool| {
        let way = delivered(order(1), 0);
        handle(&pool, &way).await.unwrap();
        handle(&pool, &[said(EventType::InventoryStockAdjusted, order(2), 0)]).await.unwrap();
        handle(&pool, &[said(EventType::NotificationSent, order(3), 0)]).await.unwrap();
        let mut connection = pool.acquire().await.unwrap();
        let known = store::load(&mut connection, &[order(1), order(2), order(3)]).await.unwrap();
        assert_eq!(known.into_iter().collect::<Vec<_>>(), [(order(1), after(&way))]);
        let counted = store::snapshot(&pool).await.unwrap().counters;
        assert_eq!((counted.orders, counted.events["inventory.stock.adjusted"]), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn every_moment_reaches_its_column_to_the_microsecond() {
    with_database("analytics", async |pool: PgPool| {
        let mut way = delivered(order(1), 0);
        for (event_type, second) in [
            (EventType::PaymentFailed, 20),
            (EventType::OrderFailed, 21),
            (EventType::OrderCancelled, 22),
            (EventType::PaymentRefunded, 23),
        ] {
            way.push(said(event_type, order(1), second));
        }
        for envelope in &mut way {
            envelope.timestamp += chrono::TimeDelta::microseconds(123_457);
        }
        handle(&pool, &way).await.unwrap();
        for (column, second) in [
            ("placed_at", 0),
            ("assessed_at", 1),
            ("reserved_at", 2),
            ("payment_requested_at", 3),
            ("captured_at", 4),
            ("confirmed_at", 5),
            ("scheduled_at", 6),
            ("dispatched_at", 7),
            ("delivered_at", 8),
            ("completed_at", 9),
            ("payment_failed_at", 20),
            ("failed_at", 21),
            ("cancelled_at", 22),
            ("refunded_at", 23),
        ] {
            let query = sqlx::AssertSqlSafe(format!("SELECT {column} FROM order_facts"));
            let stored: chrono::DateTime<chrono::Utc> =
                sqlx::query_scalar(query).fetch_one(&pool).await.unwrap();
            assert_eq!(stored, seconds(second) + chrono::TimeDelta::microseconds(123_457), "{column}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_absurd_amount_is_refused_and_leaves_no_trace() {
    with_database("analytics", async |pool: PgPool| {
        for minor in [i64::MAX, i64::MIN, -1, 1_000_000_000_000_001] {
            for event_type in [EventType::PaymentProcessed, EventType::PaymentRefunded] {
                let absurd = |number| worth(said(event_type, order(number), 0), minor, Currency::USD);
                let refused = handle(&pool, &[absurd(1), absurd(2)]).await.unwrap_err();
                let refused = refused.into_database_error().expect("refused by the database");
                assert!(refused.is_check_violation(), "{event_type} {minor}: {refused}");
            }
        }
        let snapshot = store::snapshot(&pool).await.unwrap();
        assert_eq!((snapshot.revision, snapshot.counters), (0, Counters::default()));
    })
    .await;
}
