//! The service as a process, with a virtual host and a database of its own on the test stack.

use serde_json::{Value, json};
use shared_events::{EventType, Service};
use system_tests::{Options, Platform, eventually};
use uuid::Uuid;

/// The golden file of that event, about another order of another customer.
fn about(event_type: EventType, order: Uuid, customer: &str) -> String {
    let mut body: Value = serde_json::from_str(event_type.example()).expect("a golden file");
    body["event_id"] = json!(Uuid::now_v7());
    body["aggregate_id"] = json!(order);
    if event_type == EventType::OrderPlaced {
        body["data"]["customer_id"] = json!(customer);
    }
    body.to_string()
}

async fn hear(platform: &Platform, body: &str) {
    assert!(platform.broker().publish_event("order", body, json!({})).await, "a queue takes it");
}

#[tokio::test]
async fn an_order_earns_its_points_once_however_often_and_in_whichever_order_it_is_told() {
    // Every platform has the simulators, and their carrier reports to shipping.
    let services = vec![Service::Shipping, Service::Loyalty];
    let options = Options { services, ..Options::default() };
    let platform = Platform::start(options).await;
    let (order, last) = (Uuid::now_v7(), Uuid::now_v7());
    let placed = about(EventType::OrderPlaced, order, "ada");
    let completed = about(EventType::OrderCompleted, order, "ada");
    for body in [&completed, &placed, &completed, &placed, &placed] {
        hear(&platform, body).await;
    }
    // Whoever has heard of this order has been through everything before it.
    hear(&platform, &about(EventType::OrderPlaced, last, "grace")).await;
    hear(&platform, &about(EventType::OrderCompleted, last, "grace")).await;

    let get = async |path: &str| platform.http().get(&platform.url("loyalty", path)).await.unwrap().json();
    eventually("the last order has earned its points", async || {
        let grace = get("/points/grace").await;
        if grace["points"] == 49 { Ok(()) } else { Err(grace) }
    })
    .await;
    let ada = json!({"customer_id": "ada", "points": 49, "orders": 1});
    assert_eq!(get("/points/ada").await, ada);
    let log = get(&format!("/saga-logs/{order}")).await;
    let notes: Vec<_> = log.as_array().into_iter().flatten().map(|row| row["note"].clone()).collect();
    assert_eq!(notes, ["the other half is still to come", "49 points"], "{log}");
}
