//! The network turned round: what undoes comes before what it undoes (rules 4 and 6). Real events of
//! real orders are lost on their first way and delivered again in another sequence.

use serde_json::{Value, json};
use system_tests::{Options, Platform, Product, eventually};
use uuid::Uuid;

use super::{Ending, PRICE, cancel, ends, event, handled, lose_inbox, resends, say, trail, until};

#[tokio::test]
async fn a_compensation_that_comes_first_is_answered_and_what_it_undoes_is_refused() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10).await;
    the_cancellation_comes_before_everything(&platform, product).await;
    the_wish_to_cancel_comes_before_the_confirmation(&platform, product).await;
    the_cancellation_comes_before_the_confirmation_to_inventory(&platform, product).await;
    the_failed_payment_comes_before_the_request_to_reserve(&platform, product).await;
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (10, 0));
}

/// Stops these services, lets the story run, loses what it told them, and starts them again.
async fn deaf<T>(
    platform: &Platform,
    services: &[&'static str],
    story: impl AsyncFnOnce(&Platform) -> T,
) -> T {
    for service in services {
        platform.kill(service);
    }
    let told = story(platform).await;
    for speaker in ["order", "payment"].iter().filter(|speaker| !services.contains(speaker)) {
        eventually(&format!("{speaker} has sent everything"), async || {
            match platform.count(speaker, "SELECT count(*) FROM outbox WHERE published_at IS NULL").await {
                0 => Ok(()),
                unsent => Err(unsent),
            }
        })
        .await;
    }
    for service in services {
        lose_inbox(platform, service).await;
        platform.launch(service, &[]);
    }
    for service in services {
        platform.ready(service).await;
    }
    told
}

async fn assert_ignored(platform: &Platform, service: &str, order: Uuid, input: &str) {
    let (times, row) = handled(platform, service, order, input).await;
    assert!(times == 1 && row["status"] == "ignored" && row["emitted"] == json!([]), "{row}");
}

async fn the_cancellation_comes_before_everything(platform: &Platform, product: Product) {
    let order = deaf(platform, &["inventory", "payment", "shipping"], async |platform| {
        let order = platform.place(product, 1, "tok_ok").await;
        let _ = cancel(platform, order).await.expect(202);
        order
    })
    .await;
    say(platform, "order", order, "order.cancelled").await;
    let ending = Ending::new("cancelled complete", ["released", "voided", "cancelled", "none"]);
    ends(platform, order, &ending).await;
    let held = platform.get("inventory", &format!("/reservations/{order}")).await;
    assert_eq!(held["released_from"], "nothing");

    say(platform, "order", order, "order.placed").await;
    say(platform, "order", order, "inventory.reserve.requested").await;
    // A reservation that a faster replica had made would not be charged either.
    let data = json!({ "items": [{ "product_id": product.id, "quantity": 1, "available_after": 9 }],
        "expires_at": "2030-01-01T00:00:00Z" });
    let reserved = event(order, "inventory.reserved", &data);
    assert!(platform.broker().publish_event("inventory", &reserved, json!({})).await);
    assert_ignored(platform, "payment", order, "order.placed").await;
    assert_ignored(platform, "payment", order, "inventory.reserved").await;
    assert_ignored(platform, "inventory", order, "inventory.reserve.requested").await;
    ends(platform, order, &ending).await;
    assert_eq!(trail(platform, "inventory", order).await, ["inventory.released"]);
    assert_eq!(trail(platform, "payment", order).await, ["payment.voided"]);
}

/// Shipping's own answer is the tombstone: it does not hear of the order's end until later.
async fn the_wish_to_cancel_comes_before_the_confirmation(platform: &Platform, product: Product) {
    let order = deaf(platform, &["shipping"], async |platform| {
        let order = platform.place(product, 1, "tok_ok").await;
        platform.until_status(order, "confirmed").await;
        until(platform, "inventory", "reservations", order, "committed").await;
        let _ = cancel(platform, order).await.expect(202);
        order
    })
    .await;
    platform.broker().unbind("order.events", "shipping.inbox", "order.cancelled").await;
    say(platform, "order", order, "order.cancel.requested").await;
    let ending = Ending::new("cancelled complete", ["released", "refunded", "cancelled", "none"]);
    let ending = ending.money(PRICE, PRICE);
    ends(platform, order, &ending).await;
    let body = platform.event_body("shipping", order, "shipping.cancelled").await;
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["data"]["was_booked"], false);
    say(platform, "order", order, "order.confirmed").await;
    assert_ignored(platform, "shipping", order, "order.confirmed").await;
    platform.broker().bind("order.events", "shipping.inbox", "order.cancelled").await;
    say(platform, "order", order, "order.cancelled").await;
    assert_ignored(platform, "shipping", order, "order.cancelled").await;
    ends(platform, order, &ending).await;
    assert_eq!(trail(platform, "shipping", order).await, ["shipping.cancelled"]);
}

/// Nothing was committed, so the hold itself is released, and the late confirmation takes nothing.
async fn the_cancellation_comes_before_the_confirmation_to_inventory(platform: &Platform, product: Product) {
    platform.broker().unbind("order.events", "inventory.inbox", "order.confirmed").await;
    let order = platform.place(product, 1, "tok_ok").await;
    until(platform, "shipping", "shipments", order, "scheduled").await;
    let _ = cancel(platform, order).await.expect(202);
    let ending = Ending::new("cancelled complete", ["released", "refunded", "cancelled", "cancelled"]);
    let ending = ending.money(PRICE, PRICE);
    ends(platform, order, &ending).await;
    let held = platform.get("inventory", &format!("/reservations/{order}")).await;
    assert_eq!(held["released_from"], "held");
    platform.broker().bind("order.events", "inventory.inbox", "order.confirmed").await;
    say(platform, "order", order, "order.confirmed").await;
    assert_ignored(platform, "inventory", order, "order.confirmed").await;
    let (_, row) = handled(platform, "inventory", order, "order.confirmed").await;
    assert!(!row["note"].as_str().unwrap().contains("ALARM"), "{row}");
    ends(platform, order, &ending).await;
}

/// A rejected order fails before its stock is asked for.
async fn the_failed_payment_comes_before_the_request_to_reserve(platform: &Platform, product: Product) {
    platform.kill("payment");
    platform.launch("payment", &[("FRAUD_MODE", "gate")]);
    platform.ready("payment").await;
    let order = deaf(platform, &["inventory"], async |platform| {
        let order = platform.place(product, 1, "tok_ok").await;
        let data = json!({ "score": 97, "verdict": "reject", "reasons": [], "model_version": "test" });
        let body = event(order, "fraud.assessed", &data);
        assert!(platform.broker().publish_event("ai", &body, json!({})).await);
        platform.until_status(order, "failed").await;
        order
    })
    .await;
    say(platform, "payment", order, "payment.failed").await;
    let ending = Ending::failed("fraud_rejected", "released", "failed");
    ends(platform, order, &ending).await;
    say(platform, "order", order, "inventory.reserve.requested").await;
    say(platform, "order", order, "order.failed").await;
    assert_ignored(platform, "inventory", order, "inventory.reserve.requested").await;
    assert_ignored(platform, "inventory", order, "order.failed").await;
    let held = platform.get("inventory", &format!("/reservations/{order}")).await;
    assert_eq!((&held["released_from"], &held["reason"]), (&json!("nothing"), &json!("payment.failed")));
    ends(platform, order, &ending).await;
    assert_eq!(resends(platform, "inventory", order, "inventory.released").await, 0);
}
