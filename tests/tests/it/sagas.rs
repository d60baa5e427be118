//! Sagas from the customer's side: placed over REST, seen through the services' own APIs, and held
//! against the gateway's journal.

use system_tests::{Options, Platform};

#[tokio::test]
async fn an_order_succeeds() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(150).await;
    let order = platform.place(product, 2, "tok_ok").await;
    platform.until_status(order, "confirmed").await;
    let journal = platform.journal(order).await;
    assert_eq!(journal["captures"], 1);
    assert_eq!(journal["captured_minor"], 4998);
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (148, 0));
}
