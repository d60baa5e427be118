//! The idempotent consumer: an event that was handled is dropped, or answered again when its sender
//! said it again on purpose.

use serde_json::{Value, json};
use shared_events::EventType;
use system_tests::{Options, Platform, Wanted, eventually};
use uuid::Uuid;

use super::metric;

const SERVICES: [&str; 4] = ["order", "inventory", "payment", "shipping"];

/// Everything a second delivery must not change: rows and states of each service.
async fn fingerprint(platform: &Platform) -> Vec<(i64, i64, String)> {
    let tables = [
        ("order", "orders"),
        ("inventory", "reservations"),
        ("payment", "transactions"),
        ("shipping", "shipments"),
    ];
    let mut seen = Vec::new();
    for (service, table) in tables {
        let log = platform.count(service, "SELECT count(*) FROM saga_log").await;
        let said = platform.count(service, "SELECT count(*) FROM outbox").await;
        let states: String = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT md5(string_agg(order_id::text || state::text, '' ORDER BY order_id)) FROM {table}"
        )))
        .fetch_one(&mut platform.database(service).await)
        .await
        .unwrap();
        seen.push((log, said, states));
    }
    seen
}

/// All events a service ever said, with how often each is delivered.
async fn said(platform: &Platform, service: &str) -> Vec<(String, usize)> {
    let bodies: Vec<String> = sqlx::query_scalar("SELECT body FROM outbox ORDER BY seq")
        .fetch_all(&mut platform.database(service).await)
        .await
        .unwrap();
    let consumers = |body: &String| {
        let body: Value = serde_json::from_str(body).unwrap();
        let event_type: EventType = body["event_type"].as_str().unwrap().parse().unwrap();
        platform.hearers(event_type).count()
    };
    bodies.into_iter().map(|body| (body.clone(), consumers(&body))).collect()
}

async fn dropped(platform: &Platform) -> usize {
    let mut sum = 0.0;
    for service in SERVICES {
        sum += metric(platform, service, "saga_duplicates_total").await;
    }
    sum as usize
}

#[tokio::test]
async fn a_second_delivery_of_any_event_changes_nothing_and_a_resend_is_answered() {
    // Without a timer in sight, so that nothing but the duplicates can change anything.
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(1_000).await;
    let scarce = platform.product(0).await;
    let mut orders = Wanted::mixed(product, 20);
    orders.push(Wanted::new(system_tests::order_body(scarce, 1, "tok_ok"), "failed"));
    platform.load(&orders, 8).finish().await;
    let cancelled = platform.place(product, 1, "tok_ok").await;
    platform.until_status(cancelled, "confirmed").await;
    let path = format!("/orders/{cancelled}/cancel");
    assert_eq!(platform.post("order", &path, &json!({ "reason": "test" })).await.status, 202);
    platform.until_made_good(cancelled, "cancelled").await;
    platform.assert_all_ended_well(&orders).await;
    platform.until_everything_is_heard().await;

    let (before, dropped_before) = (fingerprint(&platform).await, dropped(&platform).await);
    let mut deliveries = 0;
    for service in SERVICES {
        for (body, consumers) in said(&platform, service).await {
            let routed = platform.broker().publish_event(service, &body, json!({})).await;
            assert!(routed || consumers == 0, "{body}");
            deliveries += consumers;
        }
    }
    assert!(deliveries > 200, "a real crowd of duplicates, not {deliveries}");
    eventually("all duplicates are dropped", async || match dropped(&platform).await - dropped_before {
        all if all == deliveries => Ok(()),
        some => Err(format!("{some} of {deliveries}")),
    })
    .await;
    assert_eq!(fingerprint(&platform).await, before);

    assert_a_resend_is_answered(&platform, orders[0].id).await;
    assert_eq!(fingerprint(&platform).await, before, "an answer given again is nothing new");
    platform.assert_all_ended_well(&orders).await;
}

async fn assert_a_resend_is_answered(platform: &Platform, order: Uuid) {
    let resends = format!(
        "SELECT coalesce(sum(resends), 0)::bigint FROM outbox WHERE aggregate_id = '{order}' \
         AND event_type = 'inventory.reserved'"
    );
    assert_eq!(platform.count("inventory", &resends).await, 0);
    let answer = platform.emitted("inventory", order, "inventory.reserved").await;
    let body = platform.event_body("order", order, "inventory.reserve.requested").await;
    let before = metric(platform, "order", "saga_duplicates_total").await;
    assert!(platform.broker().publish_event("order", &body, json!({ "x-resend": 1 })).await);
    eventually("inventory answers again", async || match platform.count("inventory", &resends).await {
        1 => Ok(()),
        n => Err(format!("{n} times")),
    })
    .await;
    eventually("the order hears the same answer again and drops it", async || {
        let now = metric(platform, "order", "saga_duplicates_total").await;
        if now > before { Ok(()) } else { Err(format!("{now} duplicates")) }
    })
    .await;
    assert_eq!(platform.emitted("inventory", order, "inventory.reserved").await, answer, "the same id");
}
