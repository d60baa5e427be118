//! The calls of the four participants.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Call, garbled, get, order, post, refused, refused_post};
use crate::http::Is;

pub(super) fn calls() -> Vec<Call> {
    [orders(), catalogue(), money(), shipments()].concat()
}

fn orders() -> Vec<Call> {
    const ORDER: &[(&str, Is)] = &[
        ("/id", Is::Id),
        ("/customer_id", Is::Text),
        ("/status", Is::Text),
        ("/total_amount", Is::Number),
        ("/items/0/product_id", Is::Id),
        ("/items/0/quantity", Is::Count),
        ("/items/0/price", Is::Number),
        ("/shipping_address", Is::Object),
        ("/correlation_id", Is::Id),
        ("/created_at", Is::Time),
    ];
    const CONFIRMED: &[(&str, Is)] = &[
        ("/status", Is::Word(&["confirmed"])),
        ("/payment_id", Is::Text),
        ("/tracking_number", Is::Text),
        ("/compensation", Is::Text),
    ];
    const FAILED: &[(&str, Is)] = &[
        ("/status", Is::Word(&["failed"])),
        ("/failure/step", Is::Text),
        ("/failure/code", Is::Text),
        ("/failure/reason", Is::Text),
        ("/compensation", Is::Word(&["complete"])),
    ];
    const LOGS: &[(&str, Is)] = &[
        ("/0/id", Is::Count),
        ("/0/order_id", Is::Id),
        ("/0/step", Is::Text),
        ("/0/event_type", Is::Text),
        ("/0/status", Is::Word(&["started", "completed", "failed", "compensated", "ignored"])),
        ("/0/created_at", Is::Time),
    ];
    const METRICS: &[(&str, Is)] = &[
        ("/average_processing_time_seconds", Is::Number),
        ("/order_status_counts/confirmed", Is::Count),
        ("/order_status_counts/pending", Is::Count),
    ];
    const PAGE: &[(&str, Is)] =
        &[("/items/0/id", Is::Id), ("/items/0/status", Is::Word(&["confirmed"])), ("/next_cursor", Is::Text)];
    const BATCH: &[(&str, Is)] = &[
        ("/accepted", Is::Count),
        ("/refused", Is::Count),
        ("/results/0/status", Is::Count),
        ("/results/0/order/id", Is::Id),
        ("/results/1/problem/title", Is::Text),
    ];
    let reason = || json!({ "reason": "changed my mind" });
    let mut unpriced = order();
    unpriced["items"][0]["quantity"] = json!(0);
    vec![
        post("order", "/orders", order(), 201, ORDER),
        garbled("order", "/orders"),
        refused_post("order", "/orders", json!({}), 422),
        refused_post("order", "/orders", unpriced, 422),
        get("order", "/orders/{order}", ORDER),
        get("order", "/orders/{order}", CONFIRMED),
        get("order", "/orders/{failed}", FAILED),
        refused("order", "/orders/{unknown}", 404),
        refused("order", "/orders/nonsense", 400),
        get("order", "/orders/{order}/saga-logs", LOGS),
        refused("order", "/orders/{unknown}/saga-logs", 404),
        refused("order", "/orders/nonsense/saga-logs", 400),
        get("order", "/orders/metrics", METRICS),
        get("order", "/orders?status=confirmed&customer_id=customer-17&limit=1", PAGE),
        get(
            "order",
            "/orders?from=2100-01-01T00:00:00Z",
            &[("/items", Is::List), ("/next_cursor", Is::Null)],
        ),
        refused("order", "/orders?status=lost", 400),
        refused("order", "/orders?limit=201", 400),
        post("order", "/orders/{cancelable}/cancel", reason(), 202, &[("/id", Is::Id)]),
        refused_post("order", "/orders/{failed}/cancel", reason(), 409),
        refused_post("order", "/orders/{unknown}/cancel", reason(), 404),
        refused_post("order", "/orders/nonsense/cancel", reason(), 400),
        post("order", "/orders/batch", json!({ "orders": [order(), {}] }), 200, BATCH),
        refused_post("order", "/orders/batch", json!({ "orders": [] }), 422),
        garbled("order", "/orders/batch"),
    ]
}

fn catalogue() -> Vec<Call> {
    const PRODUCT: &[(&str, Is)] = &[
        ("/id", Is::Id),
        ("/name", Is::Text),
        ("/price", Is::Number),
        ("/available_quantity", Is::Count),
        ("/reserved_quantity", Is::Count),
    ];
    const PRODUCTS: &[(&str, Is)] = &[
        ("/0/id", Is::Id),
        ("/0/name", Is::Text),
        ("/0/description", Is::Text),
        ("/0/price", Is::Number),
        ("/0/available_quantity", Is::Count),
        ("/0/reserved_quantity", Is::Count),
    ];
    const RESERVATION: &[(&str, Is)] = &[
        ("/id", Is::Text),
        ("/order_id", Is::Id),
        ("/status", Is::Word(&["committed"])),
        ("/items/0/product_id", Is::Id),
        ("/created_at", Is::Time),
    ];
    const AUDIT: &[(&str, Is)] =
        &[("/balanced", Is::Flag), ("/products", Is::Count), ("/differences", Is::List)];
    let inventory = "inventory";
    let patch = |path, body: Value, status| Call {
        method: Method::PATCH,
        ..post(inventory, path, body, status, if status == 200 { PRODUCT } else { &[] })
    };
    let lamp = json!({ "name": "Harbor lamp", "description": "brass", "price": 12.5, "quantity": 4 });
    let delivery = || json!({ "delta": 5, "reason": "delivery 4711" });
    vec![
        get(inventory, "/products", PRODUCTS),
        get(inventory, "/products?limit=1&q=Test", PRODUCTS),
        refused(inventory, "/products?limit=0", 400),
        get(inventory, "/products/{product}", PRODUCT),
        refused(inventory, "/products/{unknown}", 404),
        refused(inventory, "/products/nonsense", 400),
        post(inventory, "/products", lamp, 201, PRODUCT),
        refused_post(inventory, "/products", json!({ "name": "free lamp", "price": -1, "quantity": 1 }), 422),
        garbled(inventory, "/products"),
        patch("/products/{product}", json!({ "description": "another word for it" }), 200),
        patch("/products/{product}", json!({ "price": -1 }), 422),
        patch("/products/{unknown}", json!({ "price": 1 }), 404),
        patch("/products/nonsense", json!({ "price": 1 }), 400),
        post(inventory, "/products/{product}/stock", delivery(), 200, PRODUCT),
        refused_post(
            inventory,
            "/products/{product}/stock",
            json!({ "delta": -999_999, "reason": "lost" }),
            409,
        ),
        refused_post(inventory, "/products/{product}/stock", json!({ "reason": "neither" }), 422),
        refused_post(inventory, "/products/{unknown}/stock", delivery(), 404),
        refused_post(inventory, "/products/nonsense/stock", delivery(), 400),
        get(inventory, "/reservations/{order}", RESERVATION),
        refused(inventory, "/reservations/{unknown}", 404),
        refused(inventory, "/reservations/nonsense", 400),
        get(inventory, "/stock/audit", AUDIT),
    ]
}

fn money() -> Vec<Call> {
    const TRANSACTION: &[(&str, Is)] = &[
        ("/id", Is::Text),
        ("/order_id", Is::Id),
        ("/customer_id", Is::Text),
        ("/amount", Is::Number),
        ("/currency", Is::Word(&["USD"])),
        ("/status", Is::Word(&["captured"])),
        ("/created_at", Is::Time),
    ];
    const REFUND: &[(&str, Is)] = &[
        ("/order_id", Is::Id),
        ("/amount", Is::Number),
        ("/status", Is::Word(&["refunded"])),
        ("/refund_id", Is::Text),
    ];
    const LEDGER: &[(&str, Is)] = &[
        ("/order_id", Is::Id),
        ("/captured", Is::Number),
        ("/balance", Is::Number),
        ("/entries/0/kind", Is::Text),
    ];
    const AUDIT: &[(&str, Is)] =
        &[("/balanced", Is::Flag), ("/orders", Is::Count), ("/differences", Is::List)];
    let payment = "payment";
    let found = || json!({ "captured": true, "note": "seen in the bank's list" });
    vec![
        get(payment, "/transactions/{order}", TRANSACTION),
        refused(payment, "/transactions/{unknown}", 404),
        refused(payment, "/transactions/nonsense", 400),
        get(payment, "/refunds/{failed}", REFUND),
        refused(payment, "/refunds/{order}", 404),
        refused(payment, "/refunds/nonsense", 400),
        refused_post(payment, "/refunds/{failed}/retry", json!({}), 409),
        refused_post(payment, "/refunds/{unknown}/retry", json!({}), 404),
        refused_post(payment, "/refunds/nonsense/retry", json!({}), 400),
        refused_post(payment, "/transactions/{order}/resolve", found(), 409),
        refused_post(payment, "/transactions/{unknown}/resolve", found(), 404),
        refused_post(payment, "/transactions/nonsense/resolve", found(), 400),
        refused_post(payment, "/transactions/{order}/resolve", json!({}), 422),
        get(payment, "/ledger/{order}", LEDGER),
        refused(payment, "/ledger/{unknown}", 404),
        refused(payment, "/ledger/nonsense", 400),
        get(payment, "/ledger/audit", AUDIT),
    ]
}

fn shipments() -> Vec<Call> {
    const SHIPMENT: &[(&str, Is)] = &[
        ("/id", Is::Text),
        ("/order_id", Is::Id),
        ("/status", Is::Word(&["scheduled", "dispatched", "delivered"])),
        ("/tracking_number", Is::Text),
        ("/estimated_delivery", Is::Time),
        ("/created_at", Is::Time),
    ];
    let shipping = "shipping";
    let mut calls = vec![
        get(shipping, "/shipments/{order}", SHIPMENT),
        refused(shipping, "/shipments/{unknown}", 404),
        refused(shipping, "/shipments/nonsense", 400),
    ];
    for [order, failed, unknown, nonsense] in [
        [
            "/shipments/{order}/dispatch",
            "/shipments/{failed}/dispatch",
            "/shipments/{unknown}/dispatch",
            "/shipments/nonsense/dispatch",
        ],
        [
            "/shipments/{order}/deliver",
            "/shipments/{failed}/deliver",
            "/shipments/{unknown}/deliver",
            "/shipments/nonsense/deliver",
        ],
    ] {
        calls.extend([
            post(shipping, order, json!({}), 200, SHIPMENT),
            refused_post(shipping, failed, json!({}), 409),
            refused_post(shipping, unknown, json!({}), 404),
            refused_post(shipping, nonsense, json!({}), 400),
        ]);
    }
    calls
}
