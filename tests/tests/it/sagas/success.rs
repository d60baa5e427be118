//! A good order, from placing to the customer's door, by the carrier's own clock; and a customer who
//! wants out when the parcel has left.

use serde_json::Value;
use system_tests::{Options, Platform, Product, eventually};
use uuid::Uuid;

use super::{Ending, PRICE, all_events, cancel, ends, handled, trail, until};

/// Hand-over one second after booking, delivery four seconds later.
fn carrier_clock() -> Options {
    Options::fast(20).carrier(20, 100)
}

#[tokio::test]
async fn an_order_is_delivered_by_the_carriers_clock_and_a_parcel_that_left_cannot_be_cancelled() {
    let platform = Platform::start(carrier_clock()).await;
    let product = platform.product(150).await;
    succeeds(&platform, product).await;
    too_late_to_cancel(&platform, product).await;
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (147, 0));
}

async fn succeeds(platform: &Platform, product: Product) {
    let order = platform.place(product, 2, "tok_ok").await;
    let shown = platform.until_status(order, "confirmed").await;
    assert_eq!(shown["payment_id"], platform.get("payment", &format!("/transactions/{order}")).await["id"]);
    let shown = platform.until_status(order, "shipped").await;
    assert!(shown["tracking_number"].as_str().unwrap().starts_with("TRK-"), "{shown}");
    let door = Ending::new("delivered", ["committed", "captured", "delivered", "delivered"]);
    ends(platform, order, &door.money(2 * PRICE, 0)).await;

    let whole = [
        ("order", "order.placed inventory.reserve.requested order.confirmed order.completed"),
        ("inventory", "inventory.reserved"),
        ("payment", "payment.requested payment.processed"),
        ("shipping", "shipping.scheduled shipping.dispatched shipping.delivered"),
    ];
    for (service, said) in whole {
        assert_eq!(trail(platform, service, order).await.join(" "), said, "{service}");
    }
    let body = platform.event_body("order", order, "order.completed").await;
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["data"]["outcome"], "delivered");
    one_cause_leads_to_the_next(platform, order).await;
    let refused = cancel(platform, order).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
}

/// All events of one customer's action share its correlation, and each names an event of this saga
/// as its cause, but for what a person did: the placing. What the carrier reports of the parcel
/// follows from shipping's last word about it.
async fn one_cause_leads_to_the_next(platform: &Platform, order: Uuid) {
    let events: Vec<Value> = all_events(platform, order).await.into_iter().map(|(_, event)| event).collect();
    let correlation = &platform.order(order).await["correlation_id"];
    for event in &events {
        assert_eq!(event["correlation_id"], *correlation, "{event}");
        if event["event_type"] == "order.placed" {
            assert_eq!(event["causation_id"], Value::Null);
        } else {
            let cause = events.iter().find(|cause| cause["event_id"] == event["causation_id"]);
            assert!(cause.is_some(), "nothing of this saga caused {event}");
            let by = &cause.unwrap()["event_type"];
            match event["event_type"].as_str().unwrap() {
                "shipping.dispatched" => assert_eq!(by, "shipping.scheduled"),
                "shipping.delivered" => assert_eq!(by, "shipping.dispatched"),
                _ => {}
            }
        }
    }
}

/// The news of the hand-over is held back on its way to the order, so that the cancellation meets an
/// order that is still confirmed (rule 4).
async fn too_late_to_cancel(platform: &Platform, product: Product) {
    platform.broker().unbind("shipping.events", "order.inbox", "shipping.dispatched").await;
    let order = platform.place(product, 1, "tok_ok").await;
    until(platform, "shipping", "shipments", order, "dispatched").await;
    assert_eq!(platform.order(order).await["status"], "confirmed");
    let asked = cancel(platform, order).await.expect(202);
    assert_eq!(asked["cancellation"]["status"], "requested", "{asked}");
    eventually("the cancellation is rejected", async || {
        let shown = platform.order(order).await;
        if shown["cancellation"]["status"] == "rejected" { Ok(()) } else { Err(shown.to_string()) }
    })
    .await;
    let again = cancel(platform, order).await;
    assert_eq!(again.status, 409, "{}", again.text);

    // The delivery comes first of all, and is enough (rule 15).
    platform.until_status(order, "delivered").await;
    platform.broker().bind("shipping.events", "order.inbox", "shipping.dispatched").await;
    let door = Ending::new("delivered", ["committed", "captured", "delivered", "delivered"]);
    ends(platform, order, &door.money(PRICE, 0)).await;
    let (_, overtaken) = handled(platform, "order", order, "shipping.dispatched").await;
    assert_eq!(overtaken["status"], "ignored");
    assert_eq!(platform.emitted("shipping", order, "shipping.cancel.rejected").await.len(), 1);
}
