//! Streams that open, fall behind, end and resume while others write.

use std::{sync::Arc, time::Duration};

use futures::{Stream, StreamExt as _};
use gateway_service::{
    feed::{Feed, Filter, Message, NotOpened, Retention},
    store,
};
use shared_events::EventType;
use sqlx::{PgPool, postgres::PgPoolOptions};
use system_tests::{on_postgres, with_database};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::events::{event, events, write};

const RETENTION: Retention = Retention { hours: 24, rows_max: 1_000_000 };
/// A test that waits longer for an event waits for ever.
const PATIENCE: Duration = Duration::from_secs(20);

/// A feed whose task runs, and what ends it.
fn running(pool: &PgPool, keep_alive: Duration) -> (Arc<Feed>, CancellationToken, JoinHandle<()>) {
    let feed = Arc::new(Feed::with_limits(RETENTION, 8, keep_alive));
    let stopping = CancellationToken::new();
    let task = tokio::spawn({
        let (feed, pool, stopping) = (feed.clone(), pool.clone(), stopping.clone());
        async move { feed.run(&pool, stopping).await }
    });
    (feed, stopping, task)
}

async fn open(
    feed: &Arc<Feed>,
    pool: &PgPool,
    after: Option<i64>,
) -> impl Stream<Item = Message> + Unpin + use<> {
    Box::pin(feed.open(pool, after, Filter::default()).await.expect("a stream"))
}

async fn next(stream: &mut (impl Stream<Item = Message> + Unpin)) -> Option<Message> {
    tokio::time::timeout(PATIENCE, stream.next()).await.expect("a message in time")
}

/// The position of the next event.
async fn next_row(stream: &mut (impl Stream<Item = Message> + Unpin)) -> Option<i64> {
    loop {
        match next(stream).await? {
            Message::Row(row) => return Some(row.position),
            Message::Reached(_) => {}
        }
    }
}

#[test]
fn streams_opened_at_any_moment_and_cut_at_any_moment_miss_and_repeat_nothing() {
    on_postgres("gateway", async |pool: PgPool| {
        let (feed, stopping, task) = running(&pool, Duration::from_secs(60));
        write(&pool, &events(700)).await;
        let writers: Vec<_> = (0..2)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    for batch in 0..60 {
                        write(&pool, &events(batch % 9 + 1)).await;
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                })
            })
            .collect();
        let readers: Vec<_> = [7_usize, 40, 200, 5_000]
            .into_iter()
            .map(|rows_before_cut| {
                let (feed, pool) = (feed.clone(), pool.clone());
                tokio::spawn(async move {
                    let mut read: Vec<i64> = Vec::new();
                    // 700 and twice the sum of 60 batches of 1 to 9.
                    while read.len() < 700 + 2 * 291 {
                        let after = read.last().copied().unwrap_or(0);
                        let mut stream = open(&feed, &pool, Some(after)).await;
                        assert_eq!(next(&mut stream).await, Some(Message::Reached(after)));
                        for _ in 0..rows_before_cut.min(700 + 2 * 291 - read.len()) {
                            read.push(next_row(&mut stream).await.unwrap());
                        }
                    }
                    read
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let all: Vec<i64> =
            sqlx::query_scalar("SELECT position FROM feed ORDER BY position").fetch_all(&pool).await.unwrap();
        for reader in readers {
            assert_eq!(reader.await.unwrap(), all);
        }
        stopping.cancel();
        task.await.unwrap();
    });
}

#[tokio::test]
async fn without_an_id_a_stream_begins_now_and_says_where() {
    with_database("gateway", async |pool: PgPool| {
        let (feed, _stopping, _task) = running(&pool, Duration::from_secs(60));
        write(&pool, &events(5)).await;
        let mut stream = open(&feed, &pool, None).await;
        assert_eq!(next(&mut stream).await, Some(Message::Reached(5)));
        write(&pool, &events(2)).await;
        assert_eq!(next_row(&mut stream).await, Some(6));
        assert_eq!(next_row(&mut stream).await, Some(7));
    })
    .await;
}

#[tokio::test]
async fn a_filter_lets_through_what_is_wanted_from_the_table_and_from_the_tail() {
    with_database("gateway", async |pool: PgPool| {
        let (feed, _stopping, _task) = running(&pool, Duration::from_millis(300));
        let (mine, other) = (Uuid::now_v7(), Uuid::now_v7());
        let heard = || {
            [
                event(EventType::OrderPlaced, mine),
                event(EventType::OrderPlaced, other),
                event(EventType::OrderConfirmed, mine),
                event(EventType::OrderConfirmed, other),
            ]
        };
        write(&pool, &heard()).await;
        let filter = Filter { order: Some(mine), types: vec![EventType::OrderConfirmed] };
        let mut stream = Box::pin(feed.open(&pool, Some(0), filter).await.unwrap());
        assert_eq!(next_row(&mut stream).await, Some(3));
        // A reader that is cut now goes on behind what it did not want either.
        assert_eq!(next(&mut stream).await, Some(Message::Reached(4)));
        write(&pool, &heard()).await;
        assert_eq!(next_row(&mut stream).await, Some(7));
        assert_eq!(next(&mut stream).await, Some(Message::Reached(8)));
    })
    .await;
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_cut_and_goes_on_where_it_was() {
    with_database("gateway", async |pool: PgPool| {
        let (feed, _stopping, _task) = running(&pool, Duration::from_secs(60));
        let mut slow = open(&feed, &pool, None).await;
        let mut quick = open(&feed, &pool, None).await;
        // More than 64 pages of 500 rows.
        const ROWS: i64 = 40_000;
        for _ in 0..ROWS / 2_000 {
            write(&pool, &events(2_000)).await;
            let mut read = 0;
            while read < 2_000 {
                read += i64::from(next_row(&mut quick).await.is_some());
            }
        }
        assert_eq!(next(&mut slow).await, Some(Message::Reached(0)));
        assert_eq!(next(&mut slow).await, None);
        let mut again = open(&feed, &pool, Some(0)).await;
        for position in 1..=ROWS {
            assert_eq!(next_row(&mut again).await, Some(position));
        }
    })
    .await;
}

#[tokio::test]
async fn there_are_so_many_streams_and_no_more_and_each_gives_its_place_back() {
    with_database("gateway", async |pool: PgPool| {
        let (feed, _stopping, _task) = running(&pool, Duration::from_secs(60));
        let mut streams = Vec::new();
        for _ in 0..8 {
            streams.push(open(&feed, &pool, None).await);
        }
        let refused = feed.open(&pool, None, Filter::default()).await.err();
        assert!(matches!(refused, Some(NotOpened::TooMany)), "{refused:?}");
        streams.pop();
        assert!(feed.open(&pool, None, Filter::default()).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn when_the_service_stops_every_stream_ends_and_none_is_opened() {
    with_database("gateway", async |pool: PgPool| {
        let (feed, stopping, task) = running(&pool, Duration::from_secs(60));
        let mut stream = open(&feed, &pool, None).await;
        assert_eq!(next(&mut stream).await, Some(Message::Reached(0)));
        stopping.cancel();
        assert_eq!(next(&mut stream).await, None);
        task.await.unwrap();
        let refused = feed.open(&pool, None, Filter::default()).await.err();
        assert!(matches!(refused, Some(NotOpened::Closing)), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn readers_that_catch_up_leave_a_connection_to_everybody_else() {
    with_database("gateway", async |pool: PgPool| {
        let few = PgPoolOptions::new().max_connections(3);
        let few = few.connect_with((*pool.connect_options()).clone()).await.unwrap();
        write(&pool, &events(5)).await;
        let feed = Arc::new(Feed::with_limits(RETENTION, 8, Duration::from_secs(60)));
        let mut streams = Vec::new();
        for _ in 0..8 {
            streams.push(open(&feed, &few, Some(0)).await);
        }
        // No reader gets on while this is held, and none gives its connection back.
        let mut held = pool.begin().await.unwrap();
        sqlx::query("LOCK TABLE feed IN ACCESS EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
        let readers = streams.into_iter().map(|mut stream| {
            tokio::spawn(async move {
                let mut read = Vec::new();
                while read.len() < 5 {
                    read.push(next_row(&mut stream).await.unwrap());
                }
                read
            })
        });
        let readers: Vec<_> = readers.collect();
        let waiting = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database \
                       WHERE NOT granted AND datname = current_database()";
        let two_wait = async {
            while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&pool).await.unwrap() < 2 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, two_wait).await.unwrap();
        let everybody_else = sqlx::query("SELECT 1").execute(&few);
        let served = tokio::time::timeout(Duration::from_secs(5), everybody_else).await;
        held.rollback().await.unwrap();
        assert!(served.is_ok_and(|answer| answer.is_ok()));
        for reader in readers {
            assert_eq!(reader.await.unwrap(), [1, 2, 3, 4, 5]);
        }
        few.close().await;
    })
    .await;
}

#[tokio::test]
async fn when_rows_are_removed_before_they_were_sent_every_stream_ends_and_its_reader_is_told() {
    with_database("gateway", async |pool: PgPool| {
        let (feed, _stopping, _task) = running(&pool, Duration::from_secs(60));
        let mut stream = open(&feed, &pool, None).await;
        assert_eq!(next(&mut stream).await, Some(Message::Reached(0)));
        // Visible at once, so that the task, which looks ten times a second, sees none of the five.
        let mut tx = pool.begin().await.unwrap();
        let heard = events(10);
        store::append(&mut tx, &heard.iter().collect::<Vec<_>>()).await.unwrap();
        sqlx::query("DELETE FROM feed WHERE position <= 5").execute(&mut *tx).await.unwrap();
        sqlx::query("UPDATE feed_removed SET through = 5").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(next(&mut stream).await, None);
        let refused = feed.open(&pool, Some(0), Filter::default()).await.err();
        assert!(matches!(refused, Some(NotOpened::Removed { asked: 0, oldest: Some(6) })), "{refused:?}");

        let mut again = open(&feed, &pool, None).await;
        assert_eq!(next(&mut again).await, Some(Message::Reached(10)));
        write(&pool, &events(1)).await;
        assert_eq!(next_row(&mut again).await, Some(11));
    })
    .await;
}
