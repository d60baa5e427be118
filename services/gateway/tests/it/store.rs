//! The table, with several writers at once.

use std::time::Duration;

use gateway_service::store;
use shared_events::{Envelope, EventType};
use sqlx::PgPool;
use system_tests::with_database;
use uuid::Uuid;

use super::events::{event, events, write};

const WRITERS: usize = 4;
const BATCHES: usize = 40;

#[tokio::test]
async fn a_row_never_becomes_visible_before_one_with_a_smaller_position() {
    with_database("gateway", async |pool: PgPool| {
        let (first, second) = (events(2), events(3));
        let mut slow = pool.begin().await.unwrap();
        store::append(&mut slow, &first.iter().collect::<Vec<_>>()).await.unwrap();
        let quick = tokio::spawn({
            let (pool, second) = (pool.clone(), second.clone());
            async move { write(&pool, &second).await }
        });
        // The second writer stands at the lock that the first one holds.
        let waiting = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database \
                       WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()";
        while !quick.is_finished()
            && sqlx::query_scalar::<_, i64>(waiting).fetch_one(&pool).await.unwrap() == 0
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(store::after(&pool, 0, None, &[], 100).await.unwrap().is_empty());
        slow.commit().await.unwrap();
        quick.await.unwrap();
        let written: Vec<String> = first.iter().chain(&second).map(Envelope::encode).collect();
        let read = store::after(&pool, 0, None, &[], 100).await.unwrap();
        assert_eq!(read.iter().map(|row| row.body.clone()).collect::<Vec<_>>(), written);
    })
    .await;
}

#[tokio::test]
async fn a_reader_who_follows_writers_at_once_reads_everything_once_and_in_order() {
    with_database("gateway", async |pool: PgPool| {
        let writers = (0..WRITERS).map(|writer| {
            let pool = pool.clone();
            tokio::spawn(async move {
                for batch in 0..BATCHES {
                    let heard = events(batch % 4 + 1);
                    let mut tx = pool.begin().await.unwrap();
                    store::append(&mut tx, &heard.iter().collect::<Vec<_>>()).await.unwrap();
                    tokio::task::yield_now().await;
                    // Some batches fail; the positions they took stay unused.
                    if (batch + writer) % 7 == 0 {
                        tx.rollback().await.unwrap();
                    } else {
                        tx.commit().await.unwrap();
                    }
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        let mut followed = Vec::new();
        loop {
            let is_over = writers.iter().all(|writer| writer.is_finished());
            let position = followed.last().copied().unwrap_or(0);
            let page = store::after(&pool, position, None, &[], 7).await.unwrap();
            if page.is_empty() && is_over {
                break;
            }
            followed.extend(page.iter().map(|row| row.position));
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let all: Vec<i64> =
            sqlx::query_scalar("SELECT position FROM feed ORDER BY position").fetch_all(&pool).await.unwrap();
        assert_eq!(followed, all);
        assert!(all.len() > WRITERS * BATCHES);
    })
    .await;
}

#[tokio::test]
async fn the_rows_of_one_order_are_found_from_either_end() {
    with_database("gateway", async |pool: PgPool| {
        let (mine, other) = (Uuid::now_v7(), Uuid::now_v7());
        let heard = [
            event(EventType::OrderPlaced, mine),
            event(EventType::OrderPlaced, other),
            event(EventType::OrderConfirmed, mine),
            event(EventType::OrderCompleted, mine),
        ];
        write(&pool, &heard).await;
        let types =
            |rows: Vec<store::FeedRow>| rows.into_iter().map(|row| row.event_type).collect::<Vec<_>>();
        let rows = store::after(&pool, 1, Some(mine), &[], 10).await.unwrap();
        assert_eq!(types(rows), ["order.confirmed", "order.completed"]);
        let rows = store::last(&pool, Some(mine), 2).await.unwrap();
        assert_eq!(types(rows), ["order.confirmed", "order.completed"]);
        assert_eq!(types(store::last(&pool, None, 1).await.unwrap()), ["order.completed"]);
        assert_eq!(store::after(&pool, 0, None, &[], 1).await.unwrap()[0].order_id, mine);
    })
    .await;
}

#[tokio::test]
async fn rows_of_some_types_come_in_their_order_and_as_many_as_were_asked_for() {
    with_database("gateway", async |pool: PgPool| {
        use EventType::{OrderCompleted, OrderConfirmed, OrderPlaced};
        let (mine, other) = (Uuid::now_v7(), Uuid::now_v7());
        let mut heard = Vec::new();
        for order in [mine, other, mine] {
            heard.extend([OrderPlaced, OrderConfirmed, OrderCompleted].map(|kind| event(kind, order)));
        }
        write(&pool, &heard).await;
        let found = async |after: i64, order: Option<Uuid>, types: &[EventType], rows_max: i64| {
            let rows = store::after(&pool, after, order, types, rows_max).await.unwrap();
            rows.into_iter().map(|row| row.position).collect::<Vec<_>>()
        };
        assert_eq!(found(0, None, &[OrderCompleted, OrderPlaced], 10).await, [1, 3, 4, 6, 7, 9]);
        // A type that is named twice counts once, or a page would seem to be the last.
        assert_eq!(found(1, None, &[OrderCompleted, OrderCompleted, OrderPlaced], 3).await, [3, 4, 6]);
        assert_eq!(found(0, Some(mine), &[OrderConfirmed], 10).await, [2, 8]);
        assert_eq!(found(2, Some(mine), &[], 2).await, [3, 7]);
        assert!(found(0, None, &[EventType::PaymentVoided], 10).await.is_empty());
    })
    .await;
}
