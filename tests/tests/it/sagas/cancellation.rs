//! Customers who change their mind: before anything is paid, while the charge is in flight, while the
//! booking is, after it, and at any other moment (rules 3 and 4).

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use system_tests::{Options, Platform, Product, eventually};

use super::{Ending, PRICE, cancel, ends, facts, handled, place_with, trail, until};

/// Charged and given back, booked and cancelled.
fn undone(booking: &str) -> Ending {
    Ending::new("cancelled complete", ["released", "refunded", "cancelled", booking]).money(PRICE, PRICE)
}

#[tokio::test]
async fn a_cancelled_order_gives_back_whatever_it_had_come_to() {
    let platform = Platform::start(Options::fast(10).with("simulators", "SLOW_SECONDS", "3")).await;
    let product = platform.product(100).await;
    tokio::join!(
        while_the_charge_is_in_flight(&platform, product),
        while_the_booking_is_in_flight(&platform, product),
        after_confirmation(&platform, product),
        nothing_to_cancel(&platform, product),
    );
    at_any_moment(&platform, product).await;
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (100, 0));
}

/// The late capture is reported, and refunded: a final order never revives (rule 5).
async fn while_the_charge_is_in_flight(platform: &Platform, product: Product) {
    let order = platform.place(product, 1, "tok_slow").await;
    platform.until_status(order, "payment_pending").await;
    let shown = cancel(platform, order).await.expect(202);
    assert_eq!((&shown["status"], &shown["compensation"]), (&json!("cancelled"), &json!("pending")));
    ends(platform, order, &undone("none")).await;
    assert_eq!(facts(platform, order).await, ["charge_captured", "refund_made"]);
    let said = ["payment.requested", "payment.processed", "payment.refunded"];
    assert_eq!(trail(platform, "payment", order).await, said);
    assert!(trail(platform, "order", order).await.iter().all(|said| said != "order.confirmed"));
    // Asking again for what has happened is no mistake.
    assert_eq!(cancel(platform, order).await.expect(202)["status"], "cancelled");
}

/// Shipping lets the booking finish, says so, and then cancels it.
async fn while_the_booking_is_in_flight(platform: &Platform, product: Product) {
    let order = place_with(platform, product, "tok_ok", |body| {
        body["shipping_address"]["country"] = json!("XS");
    })
    .await;
    until(platform, "shipping", "shipments", order, "booking").await;
    let asked = cancel(platform, order).await.expect(202);
    assert_eq!(
        (&asked["status"], &asked["cancellation"]["status"]),
        (&json!("confirmed"), &json!("requested"))
    );
    ends(platform, order, &undone("cancelled")).await;
    assert_eq!(trail(platform, "shipping", order).await, ["shipping.scheduled", "shipping.cancelled"]);
}

async fn after_confirmation(platform: &Platform, product: Product) {
    let order = platform.place(product, 1, "tok_ok").await;
    until(platform, "shipping", "shipments", order, "scheduled").await;
    until(platform, "inventory", "reservations", order, "committed").await;
    let _ = cancel(platform, order).await.expect(202);
    ends(platform, order, &undone("cancelled")).await;
    let held = platform.get("inventory", &format!("/reservations/{order}")).await;
    assert_eq!(held["released_from"], "committed", "the stock is back on the shelf");
    let (times, _) = handled(platform, "order", order, "shipping.cancelled").await;
    assert_eq!(times, 1);
}

async fn nothing_to_cancel(platform: &Platform, product: Product) {
    let order = platform.place(product, 1, "tok_declined").await;
    ends(platform, order, &Ending::failed("card_declined", "released", "failed")).await;
    assert_eq!(cancel(platform, order).await.status, 409);
    assert_eq!(cancel(platform, uuid::Uuid::new_v4()).await.status, 404);
}

/// Wherever the wish falls, the order ends cancelled and nobody keeps anything.
async fn at_any_moment(platform: &Platform, product: Product) {
    let stories = (0..12).map(|step| async move {
        let order = platform.place(product, 1, "tok_ok").await;
        tokio::time::sleep(Duration::from_millis(step * 8)).await;
        let _ = cancel(platform, order).await.expect(202);
        platform.until_made_good(order, "cancelled").await;
        super::nothing_is_waited_for(platform, order).await;
        let journal = platform.journal(order).await;
        assert_eq!(journal["captured_minor"], journal["refunded_minor"], "{journal}");
        eventually("no booking is left", async || {
            let booking = platform.journal(order).await["booking_status"].clone();
            if booking.is_null() || booking == "cancelled" { Ok(()) } else { Err(booking) }
        })
        .await;
    });
    join_all(stories).await;
}
