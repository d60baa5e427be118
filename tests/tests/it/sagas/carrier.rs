//! A carrier that refuses, that accepts and loses its answer, that is away, and that is given up
//! (rules 15 and 16): nothing is said of a booking but what the carrier itself has confirmed.

use serde_json::json;
use system_tests::{Options, Platform, Product};
use uuid::Uuid;

use super::{
    Ending, PRICE, about, cancel, ends, facts, handled, hasten, outage, place_with, trail, until, until_fact,
};

/// The call's limit is not scaled; it must leave time to begin an outage before it ends.
const CARRIER_TIMEOUT_SECONDS: &str = "2";

async fn place_to(platform: &Platform, product: Product, country: &str) -> Uuid {
    place_with(platform, product, "tok_ok", |body| body["shipping_address"]["country"] = json!(country)).await
}

fn undone(code: &str, shipment: &str, booking: &str) -> Ending {
    let order = format!("failed {code} complete");
    Ending::new(&order, ["released", "refunded", shipment, booking]).money(PRICE, PRICE)
}

#[tokio::test]
async fn what_the_carrier_has_not_confirmed_is_not_said() {
    let options = Options::fast(10).with("shipping", "CARRIER_TIMEOUT_SECONDS", CARRIER_TIMEOUT_SECONDS);
    let platform = Platform::start(options).await;
    let product = platform.product(10).await;
    tokio::join!(refuses(&platform, product), accepts_and_loses_its_answer(&platform, product));
    refuses_while_the_customer_cancels(&platform, product).await;
    is_away_for_a_while(&platform, product).await;
    is_given_up(&platform, product).await;
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (8, 0));
}

async fn refuses(platform: &Platform, product: Product) {
    let order = place_to(platform, product, "XX").await;
    ends(platform, order, &undone("address_unserviceable", "failed", "refused")).await;
    assert_eq!(platform.order(order).await["failure"]["step"], "shipping");
    let held = platform.get("inventory", &format!("/reservations/{order}")).await;
    assert_eq!(held["released_from"], "committed");
}

/// The customer's wish meets a refusal that the order has not heard of: shipping says it again, and
/// whoever wanted out gets what they wanted.
async fn refuses_while_the_customer_cancels(platform: &Platform, product: Product) {
    let broker = platform.broker();
    broker.unbind("shipping.events", "order.inbox", "shipping.failed").await;
    let order = place_to(platform, product, "XX").await;
    until(platform, "shipping", "shipments", order, "failed").await;
    let _ = cancel(platform, order).await.expect(202);
    let (_, row) = handled(platform, "shipping", order, "order.cancel.requested").await;
    assert_eq!(row["emitted"][0]["resent"], true, "{row}");
    broker.bind("shipping.events", "order.inbox", "shipping.failed").await;
    let ending = Ending::new("cancelled complete", ["released", "refunded", "failed", "refused"]);
    ends(platform, order, &ending.money(PRICE, PRICE)).await;
}

async fn accepts_and_loses_its_answer(platform: &Platform, product: Product) {
    let order = place_to(platform, product, "XT").await;
    ends(platform, order, &Ending::confirmed()).await;
    assert_eq!(facts(platform, order).await, ["charge_captured", "booking_made"]);
    assert_eq!(trail(platform, "shipping", order).await, ["shipping.scheduled"]);
}

/// Whatever it was asked meanwhile came to nothing; then it never heard of the key, and is asked to
/// book again under the same one.
async fn is_away_for_a_while(platform: &Platform, product: Product) {
    outage(platform, "carrier", "error", 60).await;
    let order = place_to(platform, product, "US").await;
    handled(platform, "shipping", order, "carrier:no_answer").await;
    assert_eq!(platform.order(order).await["status"], "confirmed");
    outage(platform, "carrier", "none", 0).await;
    ends(platform, order, &Ending::confirmed()).await;
    handled(platform, "shipping", order, "carrier:never_heard_of").await;
    assert_eq!(facts(platform, order).await, ["charge_captured", "booking_made"]);
}

/// It accepted, lost its answer, and was silent for an hour. The order hears nothing of that until
/// the carrier has confirmed the cancel: the booking was there all the time.
async fn is_given_up(platform: &Platform, product: Product) {
    let order = place_to(platform, product, "XT").await;
    until_fact(platform, order, "booking_made").await;
    outage(platform, "carrier", "error", 60).await;
    handled(platform, "shipping", order, "carrier:no_answer").await;
    about(hasten(platform, "shipping", order, "give_up").await, 360.0);
    until(platform, "shipping", "shipments", order, "cancelling").await;
    about(hasten(platform, "shipping", order, "give_up").await, 360.0);
    // The first time it began to cancel, the second time it called a person; neither said anything.
    let (times, alarmed) = handled_twice(platform, order).await;
    assert!(times == 2 && alarmed["note"].as_str().unwrap().contains("ALARM"), "{alarmed}");
    assert!(trail(platform, "shipping", order).await.is_empty());
    assert_eq!(platform.order(order).await["status"], "confirmed");
    outage(platform, "carrier", "none", 0).await;
    ends(platform, order, &undone("carrier_unavailable", "failed", "cancelled")).await;
}

async fn handled_twice(platform: &Platform, order: Uuid) -> (usize, serde_json::Value) {
    system_tests::eventually("the second hour has passed", async || {
        let (times, last) = handled(platform, "shipping", order, "timer:give_up").await;
        if times > 1 { Ok((times, last)) } else { Err(last) }
    })
    .await
}
