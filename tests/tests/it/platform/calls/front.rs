//! The calls of the gateway: `/api/*`, and those of the other seed systems.

use serde_json::json;

use super::{Call, garbled, get, order, post, refused, refused_post};
use crate::http::Is;

const GATEWAY: &str = "gateway";

pub(super) fn calls() -> Vec<Call> {
    [api_orders(), api_parts(), api_platform(), carts(), single_items()].concat()
}

fn api_orders() -> Vec<Call> {
    const ORDER: &[(&str, Is)] =
        &[("/id", Is::Id), ("/status", Is::Text), ("/total_amount", Is::Number), ("/items", Is::List)];
    const TIMELINE: &[(&str, Is)] = &[
        ("/order_id", Is::Id),
        ("/entries/0/service", Is::Text),
        ("/entries/0/id", Is::Count),
        ("/entries/0/event_type", Is::Text),
        ("/entries/0/status", Is::Text),
        ("/entries/0/input", Is::Text),
        ("/entries/0/emitted", Is::List),
        ("/entries/0/created_at", Is::Time),
        ("/entries/0/depth", Is::Count),
        ("/entries/0/caused_by", Is::Null),
        ("/entries/1/caused_by/service", Is::Text),
        ("/missing", Is::List),
    ];
    vec![
        post(GATEWAY, "/api/orders", order(), 201, ORDER),
        refused_post(GATEWAY, "/api/orders", json!({}), 422),
        garbled(GATEWAY, "/api/orders"),
        get(GATEWAY, "/api/orders?limit=1", &[("/items/0/id", Is::Id), ("/next_cursor", Is::Text)]),
        refused(GATEWAY, "/api/orders?status=lost", 400),
        get(GATEWAY, "/api/orders/{order}", ORDER),
        refused(GATEWAY, "/api/orders/{unknown}", 404),
        refused(GATEWAY, "/api/orders/nonsense", 400),
        get(GATEWAY, "/api/orders/{order}/saga-logs", &[("/0/event_type", Is::Text)]),
        refused(GATEWAY, "/api/orders/{unknown}/saga-logs", 404),
        refused(GATEWAY, "/api/orders/nonsense/saga-logs", 400),
        get(GATEWAY, "/api/orders/{failed}/timeline", TIMELINE),
        refused(GATEWAY, "/api/orders/{unknown}/timeline", 404),
        refused(GATEWAY, "/api/orders/nonsense/timeline", 400),
        post(
            GATEWAY,
            "/api/orders/{cancelable too}/cancel",
            json!({ "reason": "a test" }),
            202,
            &[("/id", Is::Id)],
        ),
        refused_post(GATEWAY, "/api/orders/{failed}/cancel", json!({ "reason": "a test" }), 409),
        refused_post(GATEWAY, "/api/orders/{unknown}/cancel", json!({ "reason": "a test" }), 404),
        refused_post(GATEWAY, "/api/orders/nonsense/cancel", json!({ "reason": "a test" }), 400),
    ]
}

fn api_parts() -> Vec<Call> {
    const NULL: &[(&str, Is)] = &[("", Is::Null)];
    const PART: &[(&str, Is)] = &[("/order_id", Is::Id), ("/status", Is::Text)];
    vec![
        get(GATEWAY, "/api/reservations/{order}", PART),
        get(GATEWAY, "/api/reservations/{unknown}", NULL),
        refused(GATEWAY, "/api/reservations/nonsense", 400),
        get(GATEWAY, "/api/transactions/{order}", PART),
        get(GATEWAY, "/api/transactions/{unknown}", NULL),
        refused(GATEWAY, "/api/transactions/nonsense", 400),
        get(GATEWAY, "/api/shipments/{order}", PART),
        get(GATEWAY, "/api/shipments/{unknown}", NULL),
        refused(GATEWAY, "/api/shipments/nonsense", 400),
        get(GATEWAY, "/api/notifications/{order}", &[("/0/event_type", Is::Text), ("/0/channel", Is::Text)]),
        refused(GATEWAY, "/api/notifications/nonsense", 400),
        get(GATEWAY, "/api/assessments/{order}", &[("/order_id", Is::Id), ("/verdict", Is::Text)]),
        get(GATEWAY, "/api/assessments/{unknown}", NULL),
        refused(GATEWAY, "/api/assessments/nonsense", 400),
    ]
}

fn api_platform() -> Vec<Call> {
    const HEALTH: &[(&str, Is)] = &[
        ("/order/status", Is::Word(&["healthy"])),
        ("/order/url", Is::Text),
        ("/inventory/status", Is::Text),
        ("/payment/status", Is::Text),
        ("/shipping/status", Is::Text),
        ("/notification/status", Is::Text),
        ("/analytics/status", Is::Text),
        ("/ai/status", Is::Text),
    ];
    const EVENTS: &[(&str, Is)] = &[("/items", Is::List), ("/next_cursor", Is::Text)];
    vec![
        get(GATEWAY, "/", &[]),
        get(GATEWAY, "/api/health", HEALTH),
        get(GATEWAY, "/api/products", &[("/0/id", Is::Id), ("/0/available_quantity", Is::Count)]),
        get(GATEWAY, "/api/metrics", &[("/total_orders", Is::Count), ("/payment_success_rate", Is::Number)]),
        get(GATEWAY, "/api/events/stats", &[("/0/event_type", Is::Text), ("/0/count", Is::Count)]),
        get(GATEWAY, "/api/orders/recent", &[("/0/order_id", Is::Id), ("/0/timestamp", Is::Time)]),
        post(
            GATEWAY,
            "/api/ai/fraud-check",
            order(),
            200,
            &[("/fraud_score", Is::Count), ("/verdict", Is::Text)],
        ),
        refused_post(GATEWAY, "/api/ai/fraud-check", json!({}), 422),
        get(GATEWAY, "/api/ai/models/info", &[("/models/0/version", Is::Text)]),
        get(GATEWAY, "/api/reviews?status=open", &[("/items/0/order_id", Is::Id)]),
        refused(GATEWAY, "/api/reviews?status=lost", 400),
        post(
            GATEWAY,
            "/api/reviews/{review too}",
            json!({ "verdict": "reject", "reviewer": "dana" }),
            200,
            &[("/review/verdict", Is::Word(&["reject"]))],
        ),
        refused_post(GATEWAY, "/api/reviews/{order}", json!({ "verdict": "reject" }), 409),
        get(GATEWAY, "/api/events?after=0&limit=1", EVENTS),
        refused(GATEWAY, "/api/events?limit=0", 400),
        refused(GATEWAY, "/api/events/stream?type=order.teleported", 400),
        refused(GATEWAY, "/api/events/stream?order_id=nonsense", 400),
        get(GATEWAY, "/api/schemas", &[("/0/event_type", Is::Text), ("/0/version", Is::Count)]),
        get(
            GATEWAY,
            "/api/schemas/order.placed/1",
            &[("/$schema", Is::Text), ("/properties/data", Is::Object)],
        ),
        refused(GATEWAY, "/api/schemas/order.placed/99", 404),
        refused(GATEWAY, "/api/schemas/order.teleported/1", 404),
        get(GATEWAY, "/asyncapi.json", &[("/asyncapi", Is::Text), ("/channels", Is::Object)]),
    ]
}

/// Item ids and a total.
fn carts() -> Vec<Call> {
    let cart =
        |item: &str, total: f64| json!({ "user_id": "user-7", "item_ids": [item], "total_amount": total });
    vec![
        post(GATEWAY, "/orders/", cart("{product}", 24.99), 200, &[("/order_id", Is::Id)]),
        refused_post(GATEWAY, "/orders/", cart("{product}", 1.0), 422),
        refused_post(GATEWAY, "/orders/", cart("no such thing", 1.0), 422),
        garbled(GATEWAY, "/orders/"),
        get(GATEWAY, "/orders/{order}", &[("/order_id", Is::Id), ("/status", Is::Text)]),
        refused(GATEWAY, "/orders/{unknown}", 404),
        get(
            GATEWAY,
            "/orders/metrics",
            &[("/average_processing_time_seconds", Is::Number), ("/order_status_counts", Is::Object)],
        ),
        get(
            GATEWAY,
            "/orders/status/",
            &[
                ("/services/order/inbox", Is::Count),
                ("/services/payment/retries_waiting", Is::Count),
                ("/services/gateway/dead_letters", Is::Count),
                ("/services/ai/unsent_events", Is::Count),
                ("/services/ai/oldest_unsent_seconds", Is::Number),
            ],
        ),
    ]
}

/// One item, by its name, in whatever quantity, under whatever id.
fn single_items() -> Vec<Call> {
    let order = |quantity: i64| json!({ "order_id": "order-1", "item": "Walnut desk", "quantity": quantity });
    vec![
        post(
            GATEWAY,
            "/inventory",
            json!({ "item": "Walnut desk", "stock": 5 }),
            200,
            &[("/message", Is::Text)],
        ),
        refused_post(GATEWAY, "/inventory", json!({ "item": "Walnut desk", "stock": -1 }), 422),
        post(
            GATEWAY,
            "/order",
            order(1),
            200,
            &[("/message", Is::Text), ("/order_id", Is::Word(&["order-1"]))],
        ),
        refused_post(GATEWAY, "/order", order(0), 422),
        refused_post(GATEWAY, "/order", json!({ "order_id": "2", "item": "Glass desk", "quantity": 1 }), 422),
        garbled(GATEWAY, "/order"),
        get(
            GATEWAY,
            "/orders",
            &[
                ("/0/order_id", Is::Word(&["order-1"])),
                ("/0/item", Is::Word(&["Walnut desk"])),
                ("/0/quantity", Is::Count),
            ],
        ),
        get(GATEWAY, "/orders/order-1", &[("/order_id", Is::Word(&["order-1"])), ("/status", Is::Text)]),
    ]
}
