//! Clients that hang up: a request that is dropped at any moment leaves an order whole or not at all.

use std::time::{Duration, Instant};

use serde_json::Value;
use system_tests::{Options, Platform, Wanted, order_body};
use uuid::Uuid;

#[tokio::test]
async fn a_client_that_hangs_up_leaves_a_whole_order_or_none() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10_000).await;
    let orders: Vec<Wanted> =
        (0..300).map(|_| Wanted::new(order_body(product, 1, "tok_ok"), "confirmed")).collect();
    let url = platform.url("order", "/orders");
    // How long an answer takes here: the last of three, when everything is warm.
    let mut usual = Duration::ZERO;
    for _ in 0..3 {
        let asked = Instant::now();
        platform.place(product, 1, "tok_ok").await;
        usual = asked.elapsed();
    }
    let mut answered = 0;
    for (index, order) in orders.iter().enumerate() {
        // From before the request is read to well after it is answered.
        let patience = usual.mul_f64(0.05 * (1 + index % 60) as f64);
        let post = platform.http().post(&url, &order.body);
        // Dropping the future closes the connection.
        answered += usize::from(tokio::time::timeout(patience, post).await.is_ok());
    }

    // The pool is whole: no connection was handed on with somebody's transaction open.
    let after = platform.place(product, 1, "tok_ok").await;
    platform.until_status(after, "confirmed").await;
    let open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'order' \
         AND datname = current_database() AND state LIKE 'idle in transaction%' \
         AND state_change < clock_timestamp() - interval '1 second'";
    assert_eq!(platform.count("order", open).await, 0, "transactions are left open");

    let ids: Vec<Uuid> = orders.iter().map(|order| order.id).collect();
    let made: Vec<Uuid> = sqlx::query_scalar("SELECT order_id FROM orders WHERE order_id = ANY($1)")
        .bind(&ids)
        .fetch_all(&mut platform.database("order").await)
        .await
        .unwrap();
    assert!(answered > 0 && answered < 300, "some hung up and some did not: {answered} were answered");
    assert!(made.len() > answered, "some were made although nobody waited: {} and {answered}", made.len());
    let halves = "SELECT count(*) FROM orders o WHERE \
         (SELECT count(*) FROM outbox WHERE aggregate_id = o.order_id \
          AND event_type IN ('order.placed', 'inventory.reserve.requested')) <> 2 \
         OR NOT EXISTS (SELECT FROM order_details d WHERE d.order_id = o.order_id) \
         OR NOT EXISTS (SELECT FROM saga_log l WHERE l.order_id = o.order_id AND l.outcome = 'started')";
    assert_eq!(platform.count("order", halves).await, 0, "an order is half there");
    let strays = "SELECT count(*) FROM outbox WHERE aggregate_id NOT IN (SELECT order_id FROM orders)";
    assert_eq!(platform.count("order", strays).await, 0, "an event without its order");
    let whole: Vec<Wanted> = orders.into_iter().filter(|order| made.contains(&order.id)).collect();
    platform.assert_all_ended_well(&whole).await;

    // Asked again, each order is there or is made now.
    let answer: Value = platform.post("order", "/orders", &whole[0].body).await.expect(200);
    assert_eq!(answer["id"], whole[0].id.to_string());
}
