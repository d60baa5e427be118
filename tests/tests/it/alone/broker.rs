//! The broker goes away: politely with messages in flight, and by `kill -9` under load.

use sqlx::Executor as _;
use system_tests::{Options, Platform, Wanted, eventually};

use super::{runs_again, server};
use crate::delivery::metric;

const SERVICES: [&str; 4] = ["order", "inventory", "payment", "shipping"];

#[tokio::test]
async fn orders_are_taken_while_the_broker_is_away_and_unacked_messages_come_back() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10_000).await;

    // Messages that are delivered and cannot be acknowledged before the broker is gone.
    let mut held_up = platform.database("inventory").await;
    held_up.execute("BEGIN; LOCK TABLE reservations IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let mut orders = Wanted::mixed(product, 20);
    platform.load(&orders, 10).finish().await;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'inventory' \
         AND datname = current_database() AND wait_event_type = 'Lock'";
    eventually("inventory has messages in hand", async || match platform.count("inventory", waiting).await {
        0 => Err("not yet"),
        _ => Ok(()),
    })
    .await;
    let _again = runs_again(&platform, "rabbitmq");
    server(&platform, "stop", "rabbitmq").await;
    held_up.execute("ROLLBACK").await.unwrap();

    let placed_meanwhile = Wanted::mixed(product, 30);
    assert_eq!(platform.load(&placed_meanwhile, 10).finish().await, 0, "each is accepted at once");
    for service in SERVICES {
        assert_eq!(platform.ask(service, "/livez").await.status, 200, "{service} lives");
        eventually(&format!("{service} says that it is not ready"), async || {
            let ready = platform.ask(service, "/readyz").await;
            if ready.status == 503 { Ok(()) } else { Err(ready.text) }
        })
        .await;
    }
    let handled = "SELECT count(*) FROM saga_log WHERE input = 'inventory.reserve.requested'";
    let written = platform.count("inventory", handled).await;
    server(&platform, "start", "rabbitmq").await;
    orders.extend(placed_meanwhile);
    platform.assert_all_ended_well(&orders).await;
    for service in SERVICES {
        platform.ready(service).await;
    }
    // Not vacuous: what inventory had in hand was not acknowledged, and came again.
    let dropped = metric(&platform, "inventory", "saga_duplicates_total").await;
    assert!(written < 20 || dropped >= 1.0, "nothing was in flight: {written} written, {dropped} dropped");
}

#[tokio::test]
async fn the_broker_may_be_killed_under_load() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10_000).await;
    let orders = Wanted::mixed(product, 200);
    let load = platform.load(&orders, 5);
    load.accepted(60).await;
    let _again = runs_again(&platform, "rabbitmq");
    server(&platform, "kill", "rabbitmq").await;
    server(&platform, "start", "rabbitmq").await;
    assert_eq!(load.finish().await, 0, "no client noticed anything");
    platform.assert_all_ended_well(&orders).await;
}
