//! The calls of notification, analytics and ai.

use serde_json::json;

use super::{Call, garbled, get, order, post, refused, refused_post};
use crate::http::Is;

pub(super) fn calls() -> Vec<Call> {
    [messages(), figures(), verdicts()].concat()
}

fn messages() -> Vec<Call> {
    const ROWS: &[(&str, Is)] = &[
        ("/0/id", Is::Id),
        ("/0/order_id", Is::Id),
        ("/0/event_type", Is::Text),
        ("/0/channel", Is::Word(&["email", "sms"])),
        ("/0/recipient", Is::Text),
        ("/0/status", Is::Word(&["sent"])),
        ("/0/created_at", Is::Time),
    ];
    const PAGE: &[(&str, Is)] = &[
        ("/items/0/id", Is::Id),
        ("/items/0/channel", Is::Word(&["email"])),
        ("/items/0/status", Is::Word(&["sent"])),
        ("/next_cursor", Is::Text),
    ];
    let notification = "notification";
    vec![
        get(notification, "/notifications/{order}", ROWS),
        get(notification, "/notifications/{unknown}", &[("", Is::List)]),
        refused(notification, "/notifications/nonsense", 400),
        get(notification, "/notifications?channel=email&status=sent&limit=1", PAGE),
        get(
            notification,
            "/notifications?status=failed",
            &[("/items", Is::List), ("/next_cursor", Is::Null)],
        ),
        refused(notification, "/notifications?channel=pigeon", 400),
        refused(notification, "/notifications?status=lost", 400),
        refused(notification, "/notifications?limit=201", 400),
    ]
}

fn figures() -> Vec<Call> {
    const METRICS: &[(&str, Is)] = &[
        ("/total_orders", Is::Count),
        ("/confirmed_orders", Is::Count),
        ("/failed_orders", Is::Count),
        ("/total_revenue", Is::Number),
        ("/payment_success_rate", Is::Number),
        ("/average_order_value", Is::Number),
    ];
    const STATS: &[(&str, Is)] = &[("/0/event_type", Is::Text), ("/0/count", Is::Count)];
    const RECENT: &[(&str, Is)] = &[
        ("/0/order_id", Is::Id),
        ("/0/customer_id", Is::Text),
        ("/0/total_amount", Is::Number),
        ("/0/items_count", Is::Count),
        ("/0/timestamp", Is::Time),
    ];
    const REVENUE: &[(&str, Is)] =
        &[("/items/0/start", Is::Time), ("/items/0/revenue", Is::Number), ("/items/0/orders", Is::Count)];
    const TOP: &[(&str, Is)] =
        &[("/items/0/product_id", Is::Id), ("/items/0/units", Is::Count), ("/items/0/revenue", Is::Number)];
    const FUNNEL: &[(&str, Is)] =
        &[("/steps/0/step", Is::Text), ("/steps/0/orders", Is::Count), ("/steps/5/drop_offs", Is::List)];
    const DURATIONS: &[(&str, Is)] = &[
        ("/saga/0/name", Is::Text),
        ("/saga/0/count", Is::Count),
        ("/saga/0/p50", Is::Number),
        ("/saga/0/p95", Is::Number),
        ("/saga/0/p99", Is::Number),
        ("/steps/0/name", Is::Text),
    ];
    let analytics = "analytics";
    vec![
        get(analytics, "/metrics", METRICS),
        get(analytics, "/events/stats", STATS),
        get(analytics, "/orders/recent", RECENT),
        get(analytics, "/revenue?bucket=hour", REVENUE),
        get(analytics, "/revenue?bucket=day&from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z", REVENUE),
        refused(analytics, "/revenue?bucket=eon", 400),
        refused(analytics, "/revenue?from=yesterday", 400),
        refused(analytics, "/revenue?bucket=hour&from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", 400),
        get(analytics, "/products/top?limit=1", TOP),
        refused(analytics, "/products/top?limit=0", 400),
        get(analytics, "/funnel", FUNNEL),
        refused(analytics, "/funnel?from=yesterday", 400),
        get(analytics, "/durations", DURATIONS),
        refused(analytics, "/durations?to=tomorrow", 400),
    ]
}

fn verdicts() -> Vec<Call> {
    const CHECK: &[(&str, Is)] = &[
        ("/fraud_score", Is::Count),
        ("/risk_level", Is::Word(&["low", "medium", "high"])),
        ("/flags", Is::List),
        ("/model_version", Is::Text),
        ("/confidence", Is::Number),
        ("/verdict", Is::Word(&["approve", "review", "reject"])),
        ("/reasons", Is::List),
    ];
    const MODELS: &[(&str, Is)] =
        &[("/models/0/kind", Is::Word(&["fraud"])), ("/models/0/version", Is::Text)];
    const APPROVED: &[(&str, Is)] = &[
        ("/order_id", Is::Id),
        ("/score", Is::Count),
        ("/risk_level", Is::Word(&["low"])),
        ("/verdict", Is::Word(&["approve"])),
        ("/reasons/0", Is::Text),
        ("/model_version", Is::Text),
        ("/assessed_at", Is::Time),
        ("/review", Is::Null),
    ];
    const WAITING: &[(&str, Is)] = &[
        ("/verdict", Is::Word(&["review"])),
        ("/review/status", Is::Word(&["open"])),
        ("/review/until", Is::Time),
        ("/review/decided_by", Is::Null),
    ];
    const DECIDED: &[(&str, Is)] = &[
        ("/review/status", Is::Word(&["decided"])),
        ("/review/decided_by", Is::Word(&["dana"])),
        ("/review/verdict", Is::Word(&["approve"])),
        ("/review/decided_at", Is::Time),
    ];
    const OPEN: &[(&str, Is)] = &[
        ("/items/0/order_id", Is::Id),
        ("/items/0/review/status", Is::Word(&["open"])),
        ("/next_cursor", Is::Text),
    ];
    let approve = || json!({ "verdict": "approve", "reviewer": "dana" });
    vec![
        post("ai", "/fraud/check", order(), 200, CHECK),
        post("ai", "/fraud/check", json!({ "customer_id": "customer-3", "total_amount": 99.5 }), 200, CHECK),
        refused_post("ai", "/fraud/check", json!({}), 422),
        garbled("ai", "/fraud/check"),
        get("ai", "/models/info", MODELS),
        get("ai", "/assessments/{order}", APPROVED),
        get("ai", "/assessments/{review}", WAITING),
        refused("ai", "/assessments/{unknown}", 404),
        refused("ai", "/assessments/nonsense", 400),
        get("ai", "/reviews?status=open&limit=1", OPEN),
        get("ai", "/reviews?status=closed", &[("/items", Is::List), ("/next_cursor", Is::Null)]),
        refused("ai", "/reviews?status=lost", 400),
        refused("ai", "/reviews?limit=0", 400),
        post("ai", "/reviews/{review}", approve(), 200, DECIDED),
        refused_post("ai", "/reviews/{review}", json!({ "verdict": "reject" }), 409),
        refused_post("ai", "/reviews/{order}", approve(), 409),
        refused_post("ai", "/reviews/{review}", json!({ "verdict": "perhaps" }), 422),
        refused_post("ai", "/reviews/{unknown}", approve(), 404),
        refused_post("ai", "/reviews/nonsense", approve(), 400),
        garbled("ai", "/reviews/{review}"),
    ]
}
