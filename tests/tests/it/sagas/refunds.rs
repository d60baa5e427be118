//! Money that does not want to go back (rule 13): the bank refuses, or the gateway is silent for too
//! long. The order says what is missing, the debt stays on the books, and a person's retry pays it.

use serde_json::json;
use system_tests::{Options, Platform, Product};
use uuid::Uuid;

use super::{Ending, PRICE, about, cancel, ends, hasten, outage, until, until_stuck};

#[tokio::test]
async fn a_refund_that_cannot_be_made_is_stuck_and_named_until_a_person_retries_it() {
    let platform = Platform::start(Options::fast(10)).await;
    let product = platform.product(10).await;
    refused(&platform, product).await;
    never_answered(&platform, product).await;
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (10, 0));
}

async fn cancelled_after_confirmation(platform: &Platform, product: Product, token: &str) -> Uuid {
    let order = platform.place(product, 1, token).await;
    until(platform, "shipping", "shipments", order, "scheduled").await;
    order
}

fn given_back() -> Ending {
    Ending::new("cancelled complete", ["released", "refunded", "cancelled", "cancelled"]).money(PRICE, PRICE)
}

async fn retry(platform: &Platform, order: Uuid) -> u16 {
    platform.post("payment", &format!("/refunds/{order}/retry"), &json!({})).await.status.as_u16()
}

async fn said_failed(platform: &Platform, order: Uuid) -> usize {
    platform.emitted("payment", order, "payment.refund.failed").await.len()
}

async fn refused(platform: &Platform, product: Product) {
    let order = cancelled_after_confirmation(platform, product, "tok_refund_refused").await;
    assert_eq!(retry(platform, order).await, 409, "nobody asked for a refund yet");
    let _ = cancel(platform, order).await.expect(202);
    let shown = until_stuck(platform, order, "payment.refunded").await;
    assert_eq!((&shown["status"], &shown["compensation"]), (&json!("cancelled"), &json!("stuck")));
    assert_eq!(shown["compensation_answers"]["trouble"], "payment.refund.failed", "{shown}");
    let refund = until(platform, "payment", "refunds", order, "refund_stuck").await;
    assert_eq!(refund["failure"]["code"], "refund_refused", "{refund}");
    // The debt is on both books, and they agree.
    platform.assert_books().await;
    assert_eq!(platform.journal(order).await["captured_minor"], PRICE);

    // A person tries in vain; what the order knows already is not said to it twice.
    assert_eq!(retry(platform, order).await, 202);
    until(platform, "payment", "refunds", order, "refund_stuck").await;
    assert_eq!(said_failed(platform, order).await, 1);

    let allow = platform.post("simulators", "/control/refunds/allow", &json!({ "order_id": order })).await;
    let _ = allow.expect(200);
    assert_eq!(retry(platform, order).await, 202);
    ends(platform, order, &given_back()).await;
    assert_eq!(platform.order(order).await["stuck_on"], json!(null));
    assert_eq!(retry(platform, order).await, 409, "the money went back already");
}

async fn never_answered(platform: &Platform, product: Product) {
    let order = cancelled_after_confirmation(platform, product, "tok_ok").await;
    outage(platform, "gateway", "error", 60).await;
    let _ = cancel(platform, order).await.expect(202);
    until(platform, "payment", "refunds", order, "refunding").await;
    about(hasten(platform, "payment", order, "give_up").await, 360.0);
    let refund = until(platform, "payment", "refunds", order, "refund_stuck").await;
    assert_eq!(refund["failure"]["code"], "gateway_unavailable", "{refund}");
    until_stuck(platform, order, "payment.refunded").await;
    outage(platform, "gateway", "none", 0).await;
    assert_eq!(retry(platform, order).await, 202);
    ends(platform, order, &given_back()).await;
    assert_eq!(said_failed(platform, order).await, 1);
}
