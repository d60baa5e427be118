//! `/orders`: the shapes of an order, of its log and of the figures, and the way out of an order.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Options, Platform, Product, eventually, order_body};
use uuid::Uuid;

use super::{Is, SERVICES, assert_amounts, assert_fields, assert_problem, assert_shape, patient, send, with};

const ORDER: &[(&str, Is)] = &[
    ("id", Is::Id),
    ("customer_id", Is::Text),
    ("status", Is::Text),
    ("total_amount", Is::Number),
    ("currency", Is::Text),
    ("items", Is::List),
    ("shipping_address", Is::Object),
    ("correlation_id", Is::Id),
    ("created_at", Is::Time),
];
const STATUSES: [&str; 8] = [
    "pending",
    "inventory_reserved",
    "payment_pending",
    "confirmed",
    "shipped",
    "delivered",
    "failed",
    "cancelled",
];

async fn cancel(platform: &Platform, order: Uuid, reason: &str) -> system_tests::Answer {
    platform.post("order", &format!("/orders/{order}/cancel"), &json!({ "reason": reason })).await
}

#[tokio::test]
async fn an_order_has_the_same_shape_from_placing_to_confirmation_and_one_correlation_id() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(100).await;
    let correlation = Uuid::new_v4().to_string();
    let chosen = Uuid::new_v4();
    let mut body = with(order_body(product, 3, "tok_ok"), "/order_id", json!(chosen));
    body["currency"] = json!("USD");
    body["customer"] = json!({
        "name": "Zoë 李 👩‍🚀", "email": "zoe@example.org", "phone": "+1 503 555 0100",
        "created_at": "2020-02-29T12:00:00+02:00",
    });
    body["client"] = json!({ "device_id": "d-1", "ip": "192.0.2.7", "user_agent": "Mozilla/5.0" });
    body["a_field_of_next_year"] = json!({ "is": ["ignored"] });
    let placed =
        send(&platform, Method::POST, "order", "/orders", Some(&body), &[("x-correlation-id", &correlation)])
            .await;
    assert_amounts(&placed, "total_amount", &["74.97"]);
    assert_amounts(&placed, "price", &["24.99"]);
    assert_eq!(placed.headers["location"], format!("/orders/{chosen}"));
    assert_eq!(placed.headers["x-correlation-id"], correlation);
    let placed = placed.expect(201);
    assert_shape(&placed, ORDER);
    assert_eq!((&placed["id"], &placed["status"]), (&json!(chosen), &json!("pending")));
    assert_eq!(placed["correlation_id"], correlation);
    assert_eq!(placed["shipping_address"], body["shipping_address"]);
    let line = &placed["items"][0];
    assert_eq!((&line["product_id"], &line["quantity"]), (&json!(product.id), &json!(3)));

    platform.until_status(chosen, "confirmed").await;
    let shown = platform.ask("order", &format!("/orders/{chosen}")).await;
    assert_amounts(&shown, "total_amount", &["74.97"]);
    let shown = shown.expect(200);
    assert_shape(&shown, ORDER);
    assert_shape(&shown, &[("payment_id", Is::Id), ("confirmed_at", Is::Time), ("updated_at", Is::Time)]);
    for field in ["id", "customer_id", "items", "shipping_address", "correlation_id", "created_at"] {
        assert_eq!(shown[field], placed[field], "{field} changed");
    }
    let transaction = platform.get("payment", &format!("/transactions/{chosen}")).await;
    assert_eq!(shown["payment_id"], transaction["id"]);
    let tracked = eventually("the order knows its tracking number", async || {
        let shown = platform.order(chosen).await;
        if shown["tracking_number"].is_string() { Ok(shown) } else { Err(shown.to_string()) }
    })
    .await;
    let shipment = platform.get("shipping", &format!("/shipments/{chosen}")).await;
    assert_eq!(tracked["tracking_number"], shipment["tracking_number"]);

    for service in SERVICES {
        let log = platform.saga_log(service, chosen).await;
        assert!(!log.is_empty(), "{service} has no log");
        for row in &log {
            assert_log_row(row, chosen);
            assert_eq!(row["correlation_id"], correlation, "{service}: {row}");
        }
    }
}

fn assert_log_row(row: &Value, order: Uuid) {
    assert_shape(
        row,
        &[
            ("id", Is::Count),
            ("order_id", Is::Id),
            ("step", Is::Text),
            ("event_type", Is::Text),
            ("status", Is::Word(&["started", "completed", "failed", "compensated", "ignored"])),
            ("created_at", Is::Time),
            ("correlation_id", Is::Id),
            ("emitted", Is::List),
        ],
    );
    assert_eq!(row["order_id"], json!(order));
}

/// What an order's log says, as (event, status) in order.
async fn log_of(platform: &Platform, order: Uuid) -> Vec<(String, String)> {
    let rows = platform.get("order", &format!("/orders/{order}/saga-logs")).await;
    let rows = rows.as_array().unwrap().clone();
    let ids: Vec<u64> = rows.iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert!(ids.is_sorted(), "not in order: {ids:?}");
    assert_eq!(rows, platform.saga_log("order", order).await);
    rows.iter()
        .map(|row| {
            assert_log_row(row, order);
            let word = |field: &str| row[field].as_str().unwrap().to_owned();
            (word("event_type"), word("status"))
        })
        .collect()
}

#[tokio::test]
async fn a_failed_order_says_where_and_why_and_the_log_and_the_figures_show_it() {
    let platform = Platform::start(Options::default()).await;
    let before = platform.get("order", "/orders/metrics").await;
    assert_eq!(before["average_processing_time_seconds"], 0.0);

    let product = platform.product(5).await;
    let scarce = platform.place(product, 6, "tok_ok").await;
    let declined = platform.place(product, 1, "tok_declined").await;
    let unknown = platform.place(Product { id: Uuid::new_v4(), price_minor: 100 }, 1, "tok_ok").await;
    let dearer = platform.place(Product { price_minor: 2500, ..product }, 1, "tok_ok").await;
    let well = platform.place(product, 1, "tok_ok").await;
    for (order, step, code) in [
        (scarce, "inventory", "insufficient_stock"),
        (declined, "payment", "card_declined"),
        (unknown, "inventory", "unknown_product"),
        (dearer, "inventory", "price_mismatch"),
    ] {
        let shown = platform.until_made_good(order, "failed").await;
        assert_shape(&shown["failure"], &[("step", Is::Text), ("code", Is::Text), ("reason", Is::Text)]);
        assert_eq!((&shown["failure"]["step"], &shown["failure"]["code"]), (&json!(step), &json!(code)));
        assert_eq!(shown["compensation"], "complete");
        let log = log_of(&platform, order).await;
        assert_eq!(log[0], ("order.placed".to_owned(), "started".to_owned()));
        assert!(log.iter().any(|(_, status)| status == "failed"), "{log:?}");
    }
    let log = log_of(&platform, declined).await;
    let released = ("inventory.released".to_owned(), "compensated".to_owned());
    assert!(log.contains(&released), "{log:?}");
    platform.until_status(well, "confirmed").await;

    let figures = platform.get("order", "/orders/metrics").await;
    assert!(figures["average_processing_time_seconds"].as_f64().unwrap() > 0.0, "{figures}");
    let counts = figures["order_status_counts"].as_object().unwrap();
    for status in STATUSES {
        let expected = match status {
            "failed" => 4,
            "confirmed" => 1,
            _ => 0,
        };
        assert_eq!(counts[status], expected, "{status} in {figures}");
    }
    assert_eq!(counts.len(), STATUSES.len());
    platform.assert_sound().await;
}

#[tokio::test]
async fn an_order_is_cancelled_in_time_and_not_afterwards() {
    let platform = Platform::start(patient(5)).await;
    let product = platform.product(100).await;

    // While it is being paid: cancelled at once, and made good once the charge has ended.
    let paying = platform.place(product, 1, "tok_slow").await;
    platform.until_status(paying, "payment_pending").await;
    let answer = cancel(&platform, paying, "changed my mind").await;
    let shown = answer.expect(202);
    assert_shape(&shown, ORDER);
    assert_eq!(shown["status"], "cancelled");
    assert_eq!(shown["cancellation"]["reason"], "changed my mind");
    // Asking again is no mistake: the first answer may have been lost.
    assert_eq!(cancel(&platform, paying, "again").await.expect(202)["status"], "cancelled");

    // After confirmation shipping is asked, and says yes until the parcel is handed over.
    let confirmed = platform.place(product, 1, "tok_ok").await;
    platform.until_status(confirmed, "confirmed").await;
    assert_eq!(cancel(&platform, confirmed, "too late?").await.status, 202);
    platform.until_made_good(confirmed, "cancelled").await;

    let shipped = platform.place(product, 1, "tok_ok").await;
    eventually("the carrier has booked", async || {
        let answer = platform.post("shipping", &format!("/shipments/{shipped}/dispatch"), &Value::Null).await;
        if answer.status == 200 { Ok(()) } else { Err(answer.text) }
    })
    .await;
    platform.until_status(shipped, "shipped").await;
    let path = format!("/orders/{shipped}/cancel");
    let refused = assert_problem(&cancel(&platform, shipped, "no").await, 409, &path);
    assert_eq!(refused["code"], "already_shipped");
    assert_eq!(platform.order(shipped).await["status"], "shipped");

    let failed = platform.place(product, 101, "tok_ok").await;
    platform.until_status(failed, "failed").await;
    let refused = cancel(&platform, failed, "no").await;
    let refused = assert_problem(&refused, 409, &format!("/orders/{failed}/cancel"));
    assert_eq!(refused["code"], "already_failed");

    let nobody = Uuid::new_v4();
    let path = format!("/orders/{nobody}/cancel");
    assert_problem(&cancel(&platform, nobody, "no").await, 404, &path);

    let path = format!("/orders/{shipped}/cancel");
    for (body, pointer) in [
        (json!({}), "/reason"),
        (json!({ "reason": "" }), "/reason"),
        (json!({ "reason": "x".repeat(501) }), "/reason"),
        (json!({ "reason": "a\u{0}b" }), "/reason"),
        (json!({ "reason": 5 }), "/reason"),
        (json!({ "reason": "no", "requested_by": "the weather" }), "/requested_by"),
    ] {
        let refused = assert_problem(&platform.post("order", &path, &body).await, 422, &path);
        assert_fields(&refused, &[pointer]);
    }
    let made_good = platform.until_made_good(paying, "cancelled").await;
    assert_eq!(made_good["compensation_answers"]["payment"], "payment.refunded");
    platform.assert_sound().await;
}
