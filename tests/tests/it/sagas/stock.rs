//! Orders that end at the shelf (rules 10 and 11): too little of it, nothing known of it, another
//! price, another currency; and twenty customers who want the last one.

use futures::future::join_all;
use serde_json::{Value, json};
use system_tests::{Options, Platform, Product, eventually};
use uuid::Uuid;

use super::{Ending, PRICE, ends, place_with, trail};

#[tokio::test]
async fn an_order_that_the_shelf_does_not_allow_fails_with_the_reason_and_costs_nothing() {
    let platform = Platform::start(Options::fast(20)).await;
    let (scarce, plenty) = (platform.product(2).await, platform.product(100).await);
    let unknown = Product { id: Uuid::new_v4(), ..plenty };
    let line = |product: Product, quantity: u32, price: &str| {
        json!({ "product_id": product.id, "quantity": quantity,
            "price": serde_json::from_str::<Value>(price).unwrap() })
    };
    let cases: [(&str, Value, &str); 5] = [
        ("insufficient_stock", json!([line(scarce, 3, "24.99")]), "USD"),
        // All lines or none: what could be held is not.
        ("insufficient_stock", json!([line(plenty, 1, "24.99"), line(scarce, 3, "24.99")]), "USD"),
        ("unknown_product", json!([line(unknown, 1, "24.99")]), "USD"),
        ("price_mismatch", json!([line(plenty, 1, "19.99")]), "USD"),
        ("price_mismatch", json!([line(plenty, 1, "24.99")]), "EUR"),
    ];
    let stories = cases.map(|(code, items, currency)| {
        let platform = &platform;
        async move {
            let order = place_with(platform, plenty, "tok_ok", |body| {
                body["items"] = items;
                body["currency"] = json!(currency);
            })
            .await;
            ends(platform, order, &Ending::failed(code, "rejected", "voided")).await;
            let shown = platform.order(order).await;
            assert_eq!(shown["failure"]["step"], "inventory", "{shown}");
            assert_eq!(trail(platform, "payment", order).await, ["payment.voided"]);
            assert_eq!(trail(platform, "inventory", order).await, ["inventory.reserve.failed"]);
        }
    });
    join_all(stories).await;
    platform.assert_sound().await;
    assert_eq!(platform.stock(scarce).await, (2, 0));
    assert_eq!(platform.stock(plenty).await, (100, 0));
}

#[tokio::test]
async fn of_twenty_orders_for_the_last_one_exactly_one_gets_it() {
    let platform = Platform::start(Options::fast(10)).await;
    let last = platform.product(1).await;
    let orders = join_all((0..20).map(|_| platform.place(last, 1, "tok_ok"))).await;
    let won = join_all(orders.into_iter().map(|order| wins(&platform, order))).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    let summary = platform.get("simulators", "/journal/summary").await;
    assert_eq!((&summary["captures"], &summary["captured_minor"]), (&json!(1), &json!(PRICE)));
    platform.assert_sound().await;
    assert_eq!(platform.stock(last).await, (0, 0));
}

/// Whether the order got the last one; whoever did not is told that there was too little.
async fn wins(platform: &Platform, order: Uuid) -> bool {
    let won = eventually(&format!("order {order} is decided"), async || {
        let shown = platform.order(order).await;
        match shown["status"].as_str() {
            Some("confirmed") => Ok(true),
            Some("failed") => Ok(false),
            _ => Err(shown.to_string()),
        }
    })
    .await;
    let lost = Ending::failed("insufficient_stock", "rejected", "voided");
    ends(platform, order, &if won { Ending::confirmed() } else { lost }).await;
    won
}
