//! Shipping: shipments, and reports of their progress.

use reqwest::Method;
use serde_json::json;
use system_tests::{Answer, Options, Platform, eventually, order_body};
use uuid::Uuid;

use super::{Is, assert_problem, assert_shape, cancel, patient, send, with};

async fn until_shipment(platform: &Platform, order: Uuid, status: &str) -> serde_json::Value {
    eventually(&format!("the shipment is {status}"), async || {
        let answer = platform.ask("shipping", &format!("/shipments/{order}")).await;
        let there = answer.status == 200 && answer.json()["status"] == status;
        if there { Ok(answer.json()) } else { Err(answer.text) }
    })
    .await
}

async fn report(platform: &Platform, order: Uuid, what: &str) -> Answer {
    send(platform, Method::POST, "shipping", &format!("/shipments/{order}/{what}"), None, &[]).await
}

#[tokio::test]
async fn a_shipment_is_reported_step_by_step_and_a_repeated_report_is_no_mistake() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(100).await;
    let order = platform.place(product, 1, "tok_ok").await;
    let shipment = until_shipment(&platform, order, "scheduled").await;
    assert_shape(
        &shipment,
        &[
            ("id", Is::Id),
            ("order_id", Is::Id),
            ("status", Is::Text),
            ("tracking_number", Is::Text),
            ("estimated_delivery", Is::Time),
            ("created_at", Is::Time),
        ],
    );
    assert!(!shipment.to_string().contains("Harbor Way"), "an address is personal: {shipment}");
    for _ in 0..2 {
        let dispatched = report(&platform, order, "dispatch").await.expect(200);
        assert_eq!(dispatched["status"], "dispatched");
        assert_eq!(dispatched["tracking_number"], shipment["tracking_number"]);
    }
    platform.until_status(order, "shipped").await;
    for _ in 0..2 {
        assert_eq!(report(&platform, order, "deliver").await.expect(200)["status"], "delivered");
    }
    assert_eq!(report(&platform, order, "dispatch").await.expect(200)["status"], "delivered");
    platform.until_status(order, "delivered").await;
    for event in ["shipping.scheduled", "shipping.dispatched", "shipping.delivered"] {
        assert_eq!(platform.emitted("shipping", order, event).await.len(), 1, "{event}");
    }

    // Straight to the door: the hand-over is told as well.
    let quick = platform.place(product, 1, "tok_ok").await;
    until_shipment(&platform, quick, "scheduled").await;
    let with_body =
        platform.post("shipping", &format!("/shipments/{quick}/deliver"), &json!({ "x": 1 })).await;
    assert_eq!(with_body.expect(200)["status"], "delivered");
    platform.until_status(quick, "delivered").await;
    platform.assert_sound().await;
}

#[tokio::test]
async fn a_report_about_a_shipment_that_will_not_happen_is_refused() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(100).await;

    let cancelled = platform.place(product, 1, "tok_ok").await;
    until_shipment(&platform, cancelled, "scheduled").await;
    cancel(&platform, cancelled).await;
    until_shipment(&platform, cancelled, "cancelled").await;

    let abroad = with(order_body(product, 1, "tok_ok"), "/shipping_address/country", json!("XX"));
    let failed = platform.place_body(&abroad).await;
    let shown = until_shipment(&platform, failed, "failed").await;
    assert_eq!(shown["failure"]["code"], "address_unserviceable");

    for what in ["dispatch", "deliver"] {
        for (order, status, code) in [
            (cancelled, 409, "shipment_cancelled"),
            (failed, 409, "shipment_failed"),
            (Uuid::new_v4(), 404, "unknown_shipment"),
        ] {
            let refused = report(&platform, order, what).await;
            let refused = assert_problem(&refused, status, &format!("/shipments/{order}/{what}"));
            assert_eq!(refused["code"], code);
        }
    }
    platform.until_made_good(cancelled, "cancelled").await;
    let failed = platform.until_made_good(failed, "failed").await;
    assert_eq!(failed["failure"]["step"], "shipping");
    assert_eq!(platform.count("shipping", "SELECT count(*) FROM shipments").await, 2);
    platform.assert_sound().await;
}

#[tokio::test]
async fn a_report_while_the_carrier_has_not_answered_is_to_be_repeated() {
    let platform = Platform::start(patient(5)).await;
    let product = platform.product(10).await;
    let body = with(order_body(product, 1, "tok_ok"), "/shipping_address/country", json!("XS"));
    let order = platform.place_body(&body).await;
    until_shipment(&platform, order, "booking").await;
    let early = report(&platform, order, "dispatch").await;
    let refused = assert_problem(&early, 503, &format!("/shipments/{order}/dispatch"));
    assert_eq!(refused["code"], "still_booking");
    assert!(early.headers.contains_key("retry-after"));
    until_shipment(&platform, order, "scheduled").await;
    assert_eq!(report(&platform, order, "dispatch").await.status, 200);
    platform.until_status(order, "shipped").await;
    platform.assert_sound().await;
}
