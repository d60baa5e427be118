//! The copy in Redis, on the test stack's: whatever becomes of it, the figures stay right.

use std::time::{Duration, Instant};

use analytics_service::{
    counters::Counters,
    mirror::{CopyError, Mirror, ServedFrom},
    participant,
    store::{self, Snapshot},
};
use chassis::config::Reader;
use redis::AsyncCommands as _;
use sqlx::PgPool;
use system_tests::{Stack, eventually, with_database};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::world::*;

fn redis_url() -> String {
    Stack::read().get("REDIS_URL").to_owned()
}

/// A mirror under keys of its own.
fn mirror_at(url: &str) -> Mirror {
    Mirror::new(url, format!("analytics-test-{}", Uuid::new_v4().simple())).unwrap()
}

async fn connection() -> redis::aio::MultiplexedConnection {
    redis::Client::open(redis_url()).unwrap().get_multiplexed_async_connection().await.unwrap()
}

async fn there(key: &str) -> Option<(i64, Counters)> {
    let (revision, counters): (Option<i64>, Option<String>) =
        connection().await.hmget(key, &["revision", "counters"]).await.unwrap();
    Some((revision?, serde_json::from_str(&counters?).unwrap()))
}

pub(crate) async fn remove(key: &str) {
    let _: i64 = connection().await.del(key).await.unwrap();
}

fn snapshot(source: Uuid, revision: i64) -> Snapshot {
    Snapshot { source, revision, counters: Counters { orders: revision * 10, ..Counters::default() } }
}

/// On purpose without a runtime: the configuration is read before there is one.
#[test]
fn the_service_is_made_from_its_environment_and_a_bad_address_is_refused_without_repeating_it() {
    assert!(participant(&mut Reader::from_pairs(&[])).is_ok());
    let bad = participant(&mut Reader::from_pairs(&[("REDIS_URL", "reddis://:s3cret@127.0.0.1/")]));
    let said = bad.unwrap_err().to_string();
    assert!(said.contains("REDIS_URL") && !said.contains("s3cret"), "{said}");
    let bad = participant(&mut Reader::from_pairs(&[("MAIN_CURRENCY", "dollars")]));
    assert!(bad.unwrap_err().to_string().contains("MAIN_CURRENCY"));
}

#[tokio::test]
async fn a_copy_answers_and_one_that_was_lost_is_put_back() {
    with_database("analytics", async |pool: PgPool| {
        handle(&pool, &delivered(order(1), 0)).await.unwrap();
        let truth = store::snapshot(&pool).await.unwrap();
        let mirror = mirror_at(&redis_url());
        let key = mirror.key(truth.source);
        assert_eq!(mirror.read(&pool).await.unwrap(), (truth.counters.clone(), ServedFrom::Postgres));
        mirror.refresh(&pool).await.unwrap();
        assert_eq!(mirror.read(&pool).await.unwrap(), (truth.counters.clone(), ServedFrom::Redis));
        remove(&key).await;
        assert_eq!(mirror.read(&pool).await.unwrap(), (truth.counters.clone(), ServedFrom::Postgres));
        mirror.refresh(&pool).await.unwrap();
        assert_eq!(there(&key).await, Some((truth.revision, truth.counters.clone())));
        assert_eq!(mirror.read(&pool).await.unwrap(), (truth.counters, ServedFrom::Redis));
        remove(&key).await;
    })
    .await;
}

#[tokio::test]
async fn an_older_copy_never_replaces_a_newer_one() {
    let mirror = mirror_at(&redis_url());
    let source = Uuid::new_v4();
    let key = mirror.key(source);
    // 9 and 10: compared as numbers, not as texts.
    assert_eq!(mirror.put(&snapshot(source, 9), None).await.unwrap(), 9);
    assert_eq!(mirror.put(&snapshot(source, 10), None).await.unwrap(), 10);
    assert_eq!(mirror.put(&snapshot(source, 9), None).await.unwrap(), 10);
    assert_eq!(there(&key).await, Some((10, snapshot(source, 10).counters)));
    // Made twice, it is the same.
    assert_eq!(mirror.put(&snapshot(source, 10), None).await.unwrap(), 10);
    assert_eq!(there(&key).await, Some((10, snapshot(source, 10).counters)));
    // Only the very revision that was found to be of another time is given up.
    assert_eq!(mirror.put(&snapshot(source, 3), Some(8)).await.unwrap(), 10);
    assert_eq!(mirror.put(&snapshot(source, 3), Some(10)).await.unwrap(), 3);
    remove(&key).await;
}

#[tokio::test]
async fn a_copy_from_before_the_database_was_put_back_is_replaced() {
    with_database("analytics", async |pool: PgPool| {
        handle(&pool, &delivered(order(1), 0)).await.unwrap();
        let truth = store::snapshot(&pool).await.unwrap();
        let mirror = mirror_at(&redis_url());
        mirror.put(&snapshot(truth.source, 5_000), None).await.unwrap();
        mirror.refresh(&pool).await.unwrap();
        assert_eq!(mirror.read(&pool).await.unwrap(), (truth.counters, ServedFrom::Redis));
        remove(&mirror.key(truth.source)).await;
    })
    .await;
}

#[tokio::test]
async fn figures_of_another_database_are_never_taken_for_ours() {
    with_database("analytics", async |old: PgPool| {
        with_database("analytics", async |new: PgPool| {
            handle(&old, &delivered(order(1), 0)).await.unwrap();
            handle(&old, &delivered(order(2), 0)).await.unwrap();
            handle(&new, &delivered(order(3), 0)).await.unwrap();
            let mirror = mirror_at(&redis_url());
            mirror.refresh(&old).await.unwrap();
            assert_eq!(mirror.read(&old).await.unwrap().0.orders, 2);
            // Provisioned afresh under a running service: it begins at an earlier revision.
            mirror.refresh(&new).await.unwrap();
            let (counters, served_from) = mirror.read(&new).await.unwrap();
            assert_eq!((counters.orders, served_from), (1, ServedFrom::Redis));
            for pool in [&old, &new] {
                remove(&mirror.key(store::revision(pool).await.unwrap().0)).await;
            }
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn the_task_keeps_the_copy_current_and_ends_when_asked() {
    with_database("analytics", async |pool: PgPool| {
        let (mirror, stopping) = (mirror_at(&redis_url()), CancellationToken::new());
        let (source, _) = store::revision(&pool).await.unwrap();
        let key = mirror.key(source);
        let task = {
            let (mirror, pool, stopping) = (mirror.clone(), pool.clone(), stopping.clone());
            tokio::spawn(async move { mirror.keep_current(&pool, stopping).await })
        };
        let current = async |what: &str| {
            eventually(what, async || {
                let truth = store::snapshot(&pool).await.unwrap();
                let copy = there(&key).await;
                let same = copy == Some((truth.revision, truth.counters));
                if same { Ok(()) } else { Err(format!("it is {copy:?}")) }
            })
            .await;
        };
        current("the first copy").await;
        handle(&pool, &delivered(order(1), 0)).await.unwrap();
        current("a copy after a batch").await;
        remove(&key).await;
        current("a copy after a loss").await;
        stopping.cancel();
        tokio::time::timeout(Duration::from_secs(2), task).await.expect("it ends soon").unwrap();
        remove(&key).await;
    })
    .await;
}

#[tokio::test]
async fn without_redis_the_database_answers_at_once() {
    with_database("analytics", async |pool: PgPool| {
        // Nobody listens on port 1.
        let mirror = mirror_at("redis://127.0.0.1:1/");
        let task = {
            let (mirror, pool, stopping) = (mirror.clone(), pool.clone(), CancellationToken::new());
            tokio::spawn(async move { mirror.keep_current(&pool, stopping).await })
        };
        assert!(matches!(mirror.refresh(&pool).await, Err(CopyError::Redis(_) | CopyError::Slow(_))));
        handle(&pool, &delivered(order(1), 0)).await.unwrap();
        let asked = Instant::now();
        let (counters, served_from) = mirror.read(&pool).await.unwrap();
        assert_eq!((counters.orders, served_from), (1, ServedFrom::Postgres));
        assert!(asked.elapsed() < Duration::from_secs(2), "it took {:?}", asked.elapsed());
        assert!(!task.is_finished(), "the task went on trying");
        task.abort();
    })
    .await;
}

/// A way to the real Redis that can fall silent without closing anything.
async fn way_to_redis(mut open: watch::Receiver<bool>) -> String {
    let real = redis_url();
    let (credentials, place) = real.strip_prefix("redis://").unwrap().rsplit_once('@').unwrap();
    let place = place.trim_end_matches('/').to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut near, _)) = listener.accept().await {
            let mut far = TcpStream::connect(&place).await.unwrap();
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                _ = open.wait_for(|open| !open) => {}
            }
            held.push((near, far));
        }
    });
    format!("redis://{credentials}@{address}/")
}

#[tokio::test]
async fn a_redis_that_falls_silent_costs_a_tenth_of_a_second() {
    with_database("analytics", async |pool: PgPool| {
        let (switch, open) = watch::channel(true);
        let mirror = mirror_at(&way_to_redis(open).await);
        mirror.refresh(&pool).await.unwrap();
        assert_eq!(mirror.read(&pool).await.unwrap().1, ServedFrom::Redis);
        switch.send(false).unwrap();
        let asked = Instant::now();
        let (_, served_from) = mirror.read(&pool).await.unwrap();
        let took = asked.elapsed();
        assert_eq!(served_from, ServedFrom::Postgres);
        assert!((Duration::from_millis(100)..Duration::from_secs(2)).contains(&took), "it took {took:?}");
        // Once the task has noticed, nobody even tries.
        assert!(mirror.refresh(&pool).await.is_err());
        assert_eq!(mirror.read(&pool).await.unwrap().1, ServedFrom::Postgres);
        let (source, _) = store::revision(&pool).await.unwrap();
        remove(&mirror.key(source)).await;
    })
    .await;
}
