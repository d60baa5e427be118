//! More than a service can take: a fast 503 that says when to come back, and what was accepted holds.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use sqlx::Executor as _;
use system_tests::{Options, Platform, Wanted, order_body};

/// The intake holds 4,096 commands; ten batches, each the same order 500 times, are more.
const BATCHES: usize = 10;
const COPIES: usize = 500;

#[tokio::test]
async fn an_intake_that_is_full_says_come_back_and_keeps_what_it_took() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(100_000).await;
    let orders: Vec<Wanted> =
        (0..BATCHES).map(|_| Wanted::new(order_body(product, 1, "tok_ok"), "confirmed")).collect();
    let single = Wanted::new(order_body(product, 1, "tok_ok"), "confirmed");

    // Nothing can be written for a moment, so that commands pile up.
    let mut database = platform.database("order").await;
    database.execute("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let url = platform.url("order", "/orders/batch");
    let requests: Vec<_> = orders
        .iter()
        .map(|order| {
            let (http, url) = (platform.http().clone(), url.clone());
            let body = json!({ "orders": vec![&order.body; COPIES] });
            tokio::spawn(async move { http.post(&url, &body).await.unwrap() })
        })
        .collect();
    // Full is when a single order is turned away, at once, with the time to come back.
    let refusal = system_tests::eventually("the intake is full", async || {
        let asked = Instant::now();
        let post =
            tokio::time::timeout(Duration::from_secs(1), platform.post("order", "/orders", &single.body));
        match post.await {
            Ok(answer) if answer.text.contains("too many commands") => Ok((answer, asked.elapsed())),
            Ok(answer) => Err(answer.text),
            Err(_) => Err("it waits".to_owned()),
        }
    })
    .await;
    let (answer, took) = refusal;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert!(took < Duration::from_secs(1), "{took:?}");
    database.execute("ROLLBACK").await.unwrap();

    let (mut accepted, mut refused) = (Vec::new(), 0);
    for (order, answer) in orders.iter().zip(join_all(requests).await) {
        let rows = answer.unwrap().expect(200)["results"].clone();
        let with =
            |status: u64| rows.as_array().unwrap().iter().filter(|row| row["status"] == status).count();
        assert_eq!(with(200) + with(201) + with(503), COPIES, "{rows}");
        assert!(with(201) <= 1, "one order was placed {} times", with(201));
        assert_eq!(with(201) == 1, with(200) + with(201) > 0, "a copy is answered as the first was");
        refused += with(503);
        accepted.extend((with(201) == 1).then(|| order.clone()));
    }
    assert!(refused > 0, "some were turned away");
    assert!(accepted.len() >= BATCHES - 2, "{} were taken", accepted.len());
    platform.assert_all_ended_well(&accepted).await;
}
