//! Lost events and stopped consumers: the order asks again under the old event id, calls a person
//! after the third time, and is healed by the answer whenever it comes (rule 8).

use serde_json::json;
use system_tests::{Options, Platform, Product, eventually};

use super::{Ending, PRICE, about, cancel, ends, handled, hasten, lose_inbox, resends, until, until_stuck};

#[tokio::test]
async fn what_shipping_does_not_answer_is_asked_again_and_named() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10).await;
    a_lost_confirmation_is_said_again(&platform, product).await;
    shipping_is_stopped(&platform, product).await;
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (9, 0));
}

async fn a_lost_confirmation_is_said_again(platform: &Platform, product: Product) {
    platform.broker().unbind("order.events", "shipping.inbox", "order.confirmed").await;
    let order = platform.place(product, 1, "tok_ok").await;
    platform.until_status(order, "confirmed").await;
    until(platform, "inventory", "reservations", order, "committed").await;
    platform.broker().bind("order.events", "shipping.inbox", "order.confirmed").await;
    assert_eq!(platform.ask("shipping", &format!("/shipments/{order}")).await.status, 404);
    about(hasten(platform, "order", order, "shipping").await, 120.0);
    ends(platform, order, &Ending::confirmed()).await;
    assert_eq!(resends(platform, "order", order, "order.confirmed").await, 1);
    assert_eq!(platform.emitted("order", order, "order.confirmed").await.len(), 1);
    // Inventory had heard it the first time, and took no second unit from the shelf.
    assert_eq!(handled(platform, "inventory", order, "order.confirmed").await.0, 1);
}

async fn shipping_is_stopped(platform: &Platform, product: Product) {
    platform.kill("shipping");
    let order = platform.place(product, 1, "tok_ok").await;
    platform.until_status(order, "confirmed").await;
    for _ in 0..3 {
        assert_eq!(platform.order(order).await["stuck_on"], json!(null));
        about(hasten(platform, "order", order, "shipping").await, 120.0);
    }
    until_stuck(platform, order, "shipping.scheduled").await;

    // The customer wants out meanwhile; from now on that is what is asked.
    let asked = cancel(platform, order).await.expect(202);
    assert_eq!(asked["stuck_on"], json!(null), "{asked}");
    for _ in 0..3 {
        about(hasten(platform, "order", order, "cancel").await, 120.0);
    }
    until_stuck(platform, order, "shipping.cancelled").await;

    platform.launch("shipping", &[]);
    platform.ready("shipping").await;
    let ending = Ending::new("cancelled complete", ["released", "refunded", "cancelled", "cancelled"]);
    ends(platform, order, &ending.money(PRICE, PRICE)).await;
    assert_eq!(resends(platform, "order", order, "order.confirmed").await, 3);
    assert_eq!(resends(platform, "order", order, "order.cancel.requested").await, 3);
    assert_eq!(handled(platform, "shipping", order, "order.confirmed").await.0, 1);
}

#[tokio::test]
async fn answers_that_were_lost_with_the_orders_inbox_are_given_again() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10).await;
    delivery_is_lost(&platform, product).await;
    compensations_are_lost(&platform, product).await;
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (9, 0));
}

/// Waits until a service has published all that it said.
async fn all_sent(platform: &Platform, service: &str) {
    eventually(&format!("{service} has sent everything"), async || {
        match platform.count(service, "SELECT count(*) FROM outbox WHERE published_at IS NULL").await {
            0 => Ok(()),
            unsent => Err(unsent),
        }
    })
    .await;
}

async fn delivery_is_lost(platform: &Platform, product: Product) {
    let order = platform.place(product, 1, "tok_ok").await;
    until(platform, "shipping", "shipments", order, "scheduled").await;
    handled(platform, "order", order, "shipping.scheduled").await;
    platform.kill("order");
    for step in ["dispatch", "deliver"] {
        let reported = platform.post("shipping", &format!("/shipments/{order}/{step}"), &json!({})).await;
        let _ = reported.expect(200);
    }
    all_sent(platform, "shipping").await;
    lose_inbox(platform, "order").await;
    platform.launch("order", &[]);
    platform.ready("order").await;

    // The carrier's three days, and one of grace.
    about(hasten(platform, "order", order, "delivery").await, 4.0 * 86_400.0);
    // The parcel was reported by a person; the carrier itself has not moved it.
    let ending = Ending::new("delivered", ["committed", "captured", "delivered", "booked"]);
    ends(platform, order, &ending.money(PRICE, 0)).await;
    assert_eq!(resends(platform, "order", order, "order.confirmed").await, 1);
    for said in ["shipping.scheduled", "shipping.dispatched", "shipping.delivered"] {
        assert_eq!(resends(platform, "shipping", order, said).await, 1, "{said}");
        assert_eq!(platform.emitted("shipping", order, said).await.len(), 1, "{said}");
    }
}

async fn compensations_are_lost(platform: &Platform, product: Product) {
    let order = platform.place(product, 1, "tok_ok").await;
    until(platform, "shipping", "shipments", order, "scheduled").await;
    until(platform, "inventory", "reservations", order, "committed").await;
    platform.kill("inventory");
    platform.kill("payment");
    let _ = cancel(platform, order).await.expect(202);
    platform.until_status(order, "cancelled").await;
    all_sent(platform, "order").await;
    platform.kill("order");
    platform.launch("inventory", &[]);
    platform.launch("payment", &[]);
    platform.ready("inventory").await;
    platform.ready("payment").await;
    until(platform, "inventory", "reservations", order, "released").await;
    until(platform, "payment", "transactions", order, "refunded").await;
    all_sent(platform, "inventory").await;
    all_sent(platform, "payment").await;
    lose_inbox(platform, "order").await;
    platform.launch("order", &[]);
    platform.ready("order").await;

    let shown = platform.order(order).await;
    assert_eq!(shown["compensation_answers"]["missing"], json!(["inventory.released", "payment.refunded"]));
    about(hasten(platform, "order", order, "compensation").await, 120.0);
    let ending = Ending::new("cancelled complete", ["released", "refunded", "cancelled", "cancelled"]);
    ends(platform, order, &ending.money(PRICE, PRICE)).await;
    for (service, said) in [("inventory", "inventory.released"), ("payment", "payment.refunded")] {
        assert_eq!(resends(platform, service, order, said).await, 1, "{said}");
    }
}
