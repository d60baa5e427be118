//! What the gateway may do with a charge: decline it, be silent, be silent and capture, fail and
//! recover. One key, at most one capture, and a failure only once nothing can be captured any more
//! (rules 1 and 2).

use system_tests::{Options, Platform, Product};

use super::{Ending, ends, facts, trail};

#[tokio::test]
async fn whatever_the_gateway_does_with_a_charge_it_is_made_once_or_not_at_all() {
    let options = Options::fast(10).with("payment", "GATEWAY_TIMEOUT_SECONDS", "0.5");
    let platform = Platform::start(options).await;
    let product = platform.product(100).await;
    tokio::join!(
        declined(&platform, product, "tok_declined", "card_declined"),
        declined(&platform, product, "tok_insufficient_funds", "insufficient_funds"),
        declined(&platform, product, "tok_of_another_shop", "unknown_token"),
        silent_and_never_captured(&platform, product),
        silent_but_captured(&platform, product),
        two_errors_and_then_success(&platform, product),
    );
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (98, 0));
}

async fn declined(platform: &Platform, product: Product, token: &str, code: &str) {
    let order = platform.place(product, 3, token).await;
    ends(platform, order, &Ending::failed(code, "released", "failed")).await;
    assert_eq!(facts(platform, order).await, ["charge_declined"]);
    assert_eq!(trail(platform, "payment", order).await, ["payment.requested", "payment.failed"]);
    let held = platform.get("inventory", &format!("/reservations/{order}")).await;
    assert_eq!((&held["released_from"], held["items"][0]["quantity"].as_i64()), (&"held".into(), Some(3)));
    assert_eq!(platform.order(order).await["failure"]["step"], "payment");
}

/// Three charges under one key, each followed by the question what became of it; then a void, and
/// only its confirmation lets the payment fail.
async fn silent_and_never_captured(platform: &Platform, product: Product) {
    let order = platform.place(product, 1, "tok_timeout").await;
    ends(platform, order, &Ending::failed("gateway_timeout", "released", "failed")).await;
    let unanswered = ["charge_unanswered"; 3];
    assert_eq!(facts(platform, order).await, [&unanswered[..], &["charge_voided"]].concat());
    let shown = platform.get("payment", &format!("/transactions/{order}")).await;
    assert_eq!(shown["charges_sent"], 3);
}

async fn silent_but_captured(platform: &Platform, product: Product) {
    let order = platform.place(product, 1, "tok_timeout_captured").await;
    ends(platform, order, &Ending::confirmed()).await;
    assert_eq!(facts(platform, order).await[0], "charge_captured");
    let shown = platform.get("payment", &format!("/transactions/{order}")).await;
    assert_eq!(shown["charges_sent"], 1, "it was found by asking, not by charging again");
}

async fn two_errors_and_then_success(platform: &Platform, product: Product) {
    let order = platform.place(product, 1, "tok_error_twice").await;
    ends(platform, order, &Ending::confirmed()).await;
    let charged = facts(platform, order).await;
    assert_eq!(charged[..3], ["charge_errored", "charge_errored", "charge_captured"]);
    assert_eq!(trail(platform, "payment", order).await, ["payment.requested", "payment.processed"]);
}
