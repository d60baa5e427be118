//! Deadlines that pass: the order's own, the making good of a dead one, and the hold's, which asks
//! before it gives anything up (section 3; rules 3, 5, 8 and 15).

use serde_json::json;
use system_tests::{Options, Platform, Product};

use super::{Ending, PRICE, about, cancel, ends, handled, hasten, resends, until, until_stuck};

/// Captured after the order had died, and given back.
fn late(order: &str) -> Ending {
    Ending::new(order, ["released", "refunded", "cancelled", "none"]).money(PRICE, PRICE)
}

#[tokio::test]
async fn an_order_nobody_pays_in_time_fails_and_waits_for_payment_until_it_is_stuck_and_longer() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10).await;
    platform.kill("payment");
    let order = platform.place(product, 1, "tok_ok").await;
    platform.until_status(order, "inventory_reserved").await;
    about(hasten(&platform, "order", order, "confirmation").await, 300.0);
    let shown = platform.until_status(order, "failed").await;
    assert_eq!((&shown["failure"]["step"], &shown["compensation"]), (&json!("timeout"), &json!("pending")));
    until(&platform, "inventory", "reservations", order, "released").await;

    // Asked again after 2 minutes, doubling to 15, for 75 in all; then a person is called.
    for minutes in [2, 4, 8, 15, 15, 15, 15, 1] {
        assert_eq!(platform.order(order).await["compensation"], "pending");
        about(hasten(&platform, "order", order, "compensation").await, 60.0 * f64::from(minutes));
    }
    until_stuck(&platform, order, "payment.voided or payment.refunded").await;
    about(hasten(&platform, "order", order, "compensation").await, 3600.0);

    platform.launch("payment", &[]);
    let made_good = platform.until_made_good(order, "failed").await;
    assert_eq!(made_good["stuck_on"], json!(null), "an answer ends being stuck");
    super::nothing_is_waited_for(&platform, order).await;
    assert_eq!(resends(&platform, "order", order, "order.failed").await, 9);
    // What waited for payment was all there at once; if it charged, it gave back.
    let journal = platform.journal(order).await;
    assert_eq!(journal["captured_minor"], journal["refunded_minor"], "{journal}");
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (10, 0));
}

#[tokio::test]
async fn a_deadline_that_passes_while_money_or_stock_is_on_its_way_loses_neither() {
    let platform = Platform::start(Options::default().with("simulators", "SLOW_SECONDS", "3")).await;
    let product = platform.product(10).await;
    tokio::join!(late_success(&platform, product), hold_expires_while_paying(&platform, product));
    the_reservation_is_never_heard_of(&platform, product).await;
    the_confirmation_is_never_heard_of(&platform, product).await;
    the_end_is_never_heard_of(&platform, product).await;
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (9, 0));
}

async fn late_success(platform: &Platform, product: Product) {
    let order = platform.place(product, 1, "tok_slow").await;
    platform.until_status(order, "payment_pending").await;
    // As if the call had been lost in a crash: payment asks, and the gateway is still at it.
    about(hasten(platform, "payment", order, "ask").await, 30.0);
    handled(platform, "payment", order, "gateway:pending").await;
    about(hasten(platform, "order", order, "confirmation").await, 300.0);
    platform.until_status(order, "failed").await;
    ends(platform, order, &late("failed confirmation_timeout complete")).await;
    let (times, late) = handled(platform, "order", order, "payment.processed").await;
    assert!(times == 1 && late["note"].as_str().unwrap().contains("late"), "{late}");
}

async fn hold_expires_while_paying(platform: &Platform, product: Product) {
    let order = platform.place(product, 1, "tok_slow").await;
    platform.until_status(order, "payment_pending").await;
    about(hasten(platform, "inventory", order, "hold").await, 900.0);
    let shown = platform.until_status(order, "failed").await;
    assert_eq!(shown["failure"]["code"], "hold_expired", "{shown}");
    ends(platform, order, &late("failed hold_expired complete")).await;
}

/// Payment knows what to charge, and never hears that the stock is held.
async fn the_reservation_is_never_heard_of(platform: &Platform, product: Product) {
    let broker = platform.broker();
    broker.unbind("inventory.events", "payment.inbox", "inventory.reserved").await;
    let order = platform.place(product, 1, "tok_ok").await;
    platform.until_status(order, "inventory_reserved").await;
    hasten(platform, "order", order, "confirmation").await;
    ends(platform, order, &Ending::failed("confirmation_timeout", "released", "voided")).await;
    broker.bind("inventory.events", "payment.inbox", "inventory.reserved").await;
}

/// The hold of a confirmed order expires because the confirmation was lost: it goes on holding, asks,
/// and each question is answered anew.
async fn the_confirmation_is_never_heard_of(platform: &Platform, product: Product) {
    let broker = platform.broker();
    broker.unbind("order.events", "inventory.inbox", "order.confirmed").await;
    let order = platform.place(product, 1, "tok_ok").await;
    until(platform, "shipping", "shipments", order, "scheduled").await;
    about(hasten(platform, "inventory", order, "hold").await, 900.0);
    handled(platform, "order", order, "inventory.hold.expired").await;
    let held = until(platform, "inventory", "reservations", order, "held").await;
    assert_eq!(held["asked"], 1, "{held}");
    broker.bind("order.events", "inventory.inbox", "order.confirmed").await;
    about(hasten(platform, "inventory", order, "hold").await, 60.0);
    ends(platform, order, &Ending::confirmed()).await;
    assert_eq!(resends(platform, "order", order, "order.confirmed").await, 2);
    assert_eq!(platform.emitted("order", order, "order.confirmed").await.len(), 1);
}

async fn the_end_is_never_heard_of(platform: &Platform, product: Product) {
    let broker = platform.broker();
    broker.unbind("order.events", "inventory.inbox", "order.cancelled").await;
    let order = platform.place(product, 1, "tok_slow").await;
    platform.until_status(order, "payment_pending").await;
    let _ = cancel(platform, order).await.expect(202);
    handled(platform, "order", order, "payment.refunded").await;
    let shown = platform.order(order).await;
    assert_eq!(shown["compensation_answers"]["missing"], json!(["inventory.released"]), "{shown}");
    broker.bind("order.events", "inventory.inbox", "order.cancelled").await;
    hasten(platform, "inventory", order, "hold").await;
    ends(platform, order, &late("cancelled complete")).await;
    assert_eq!(resends(platform, "order", order, "order.cancelled").await, 1);
}
