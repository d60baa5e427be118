//! What is removed, and that a reader is told.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use gateway_service::{
    feed::{Feed, Filter, Message, NotOpened, Retention},
    store,
};
use sqlx::PgPool;
use system_tests::with_database;

use super::events::{events, write};

fn feed(retention: Retention) -> Arc<Feed> {
    Arc::new(Feed::with_limits(retention, 8, Duration::from_secs(60)))
}

#[tokio::test]
async fn rows_beyond_the_limit_and_rows_that_are_old_are_removed_and_no_others() {
    with_database("gateway", async |pool: PgPool| {
        write(&pool, &events(2_500)).await;
        Retention { hours: 1, rows_max: 300 }.remove(&pool).await.unwrap();
        let extent = store::extent(&pool).await.unwrap();
        assert_eq!((extent.removed_through, extent.oldest, extent.newest), (2_200, Some(2_201), 2_500));
        sqlx::query("UPDATE feed SET received_at = received_at - interval '2 hours' WHERE position <= 2300")
            .execute(&pool)
            .await
            .unwrap();
        Retention { hours: 1, rows_max: 300 }.remove(&pool).await.unwrap();
        let extent = store::extent(&pool).await.unwrap();
        assert_eq!((extent.removed_through, extent.oldest, extent.newest), (2_300, Some(2_301), 2_500));
    })
    .await;
}

#[tokio::test]
async fn positions_go_on_after_everything_was_removed() {
    with_database("gateway", async |pool: PgPool| {
        write(&pool, &events(3)).await;
        sqlx::query("UPDATE feed SET received_at = received_at - interval '2 hours'")
            .execute(&pool)
            .await
            .unwrap();
        let retention = Retention { hours: 1, rows_max: 1_000 };
        retention.remove(&pool).await.unwrap();
        let extent = store::extent(&pool).await.unwrap();
        assert_eq!((extent.removed_through, extent.oldest, extent.newest), (3, None, 3));
        write(&pool, &events(1)).await;
        let stream = feed(retention).open(&pool, Some(3), Filter::default()).await.unwrap();
        let said: Vec<Message> = Box::pin(stream).take(2).collect().await;
        assert!(matches!(&said[1], Message::Row(row) if row.position == 4), "{said:?}");
    })
    .await;
}

#[tokio::test]
async fn who_would_miss_something_is_told_the_oldest_and_who_asks_for_the_future_the_newest() {
    with_database("gateway", async |pool: PgPool| {
        write(&pool, &events(10)).await;
        let retention = Retention { hours: 1, rows_max: 4 };
        retention.remove(&pool).await.unwrap();
        let feed = feed(retention);
        let refused = feed.open(&pool, Some(5), Filter::default()).await.err();
        assert!(matches!(refused, Some(NotOpened::Removed { asked: 5, oldest: Some(7) })), "{refused:?}");
        let refused = feed.open(&pool, Some(11), Filter::default()).await.err();
        assert!(matches!(refused, Some(NotOpened::NotYet { asked: 11, newest: 10 })), "{refused:?}");
        assert!(feed.open(&pool, Some(6), Filter::default()).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_is_overtaken_by_the_removal_ends_instead_of_leaving_something_out() {
    with_database("gateway", async |pool: PgPool| {
        write(&pool, &events(2_000)).await;
        let retention = Retention { hours: 1, rows_max: 100 };
        let mut stream = Box::pin(feed(retention).open(&pool, Some(0), Filter::default()).await.unwrap());
        let mut next = 0;
        while next < 10 {
            if let Some(Message::Row(row)) = stream.next().await {
                next += 1;
                assert_eq!(row.position, next);
            }
        }
        retention.remove(&pool).await.unwrap();
        // What it had read is still said, then it ends: 1,900 rows are gone.
        while let Some(message) = stream.next().await {
            let Message::Row(row) = message else { panic!("{message:?}") };
            next += 1;
            assert_eq!(row.position, next);
        }
        assert!(next < 1_900, "{next}");
    })
    .await;
}
