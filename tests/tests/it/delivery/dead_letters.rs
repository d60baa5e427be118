//! A message that cannot be read goes to the dead letters at once, says why, and harms no other.

use serde_json::{Value, json};
use system_tests::{Options, Platform, Wanted, eventually};
use uuid::Uuid;

use super::{header, metric};

/// A message nobody can use: where it is published, by whom, and what must be said about it.
struct Bad {
    what: &'static str,
    user: &'static str,
    key: &'static str,
    body: String,
    /// Whose dead letters it must be among, with which class, and which word must be in the text.
    letter: (&'static str, &'static str, &'static str),
}

fn envelope(event_type: &str, version: u32, data: &Value) -> String {
    json!({
        "event_id": Uuid::now_v7(), "event_type": event_type, "aggregate_id": Uuid::now_v7(),
        "correlation_id": Uuid::now_v7(), "causation_id": null,
        "timestamp": "2026-01-02T03:04:05.000006Z", "version": version, "data": data,
    })
    .to_string()
}

/// The matrix. The keys are ones that lead to a single inbox.
fn matrix(released: &str) -> Vec<Bad> {
    let bad = |what, user, key, body, letter| Bad { what, user, key, body, letter };
    let requested = "inventory.reserve.requested";
    vec![
        bad("no JSON", "order", requested, "{\"event_id\": \"019".into(), ("inventory", "malformed", "EOF")),
        bad("an empty body", "order", requested, String::new(), ("inventory", "malformed", "EOF")),
        bad(
            "another JSON",
            "payment",
            "payment.voided",
            "[1, 2, 3]".into(),
            ("order", "malformed", "invalid type"),
        ),
        // {"event_id": "\xff\xfe"}
        bad(
            "wrong UTF-8",
            "order",
            "order.placed",
            "base64:eyJldmVudF9pZCI6ICL//iJ9".into(),
            ("payment", "malformed", "unicode"),
        ),
        bad(
            "an unknown type",
            "order",
            "order.cancel.requested",
            envelope("order.teleported", 1, &json!({})),
            ("shipping", "unknown_type", "order.teleported"),
        ),
        bad(
            "a version from the future",
            "order",
            requested,
            envelope(requested, 99, &json!({"items": []})),
            ("inventory", "future_version", "99"),
        ),
        bad(
            "missing fields",
            "payment",
            "payment.refunded",
            envelope("payment.refunded", 1, &json!({"refund_id": 7})),
            ("order", "malformed_data", "payment.refunded"),
        ),
        bad(
            "another service's word",
            "payment",
            "payment.voided",
            released.to_owned(),
            ("order", "wrong_producer", "not by `payment`"),
        ),
    ]
}

#[tokio::test]
async fn what_cannot_be_read_is_a_dead_letter_at_once_while_orders_settle() {
    let platform = Platform::start(Options::fast(5)).await;
    let product = platform.product(1_000).await;
    // Real events to misuse: inventory's word that payment will repeat, and one that is not for shipping.
    let declined = platform.place(product, 1, "tok_declined").await;
    platform.until_made_good(declined, "failed").await;
    let released = platform.event_body("inventory", declined, "inventory.released").await;
    let placed = platform.event_body("order", declined, "order.placed").await;
    let mut matrix = matrix(&released);
    matrix.push(Bad {
        what: "a whole event for somebody else",
        user: "order",
        key: "order.cancel.requested",
        body: placed,
        letter: ("shipping", "not_for_us", "not for shipping"),
    });

    let orders = Wanted::mixed(product, 60);
    let load = platform.load(&orders, 8);
    load.accepted(10).await;
    for bad in &matrix {
        let properties = json!({ "message_id": bad.what, "headers": { "kept": "as it was" } });
        let exchange = format!("{}.events", bad.user);
        let routed = platform.broker().publish(bad.user, &exchange, bad.key, properties, &bad.body).await;
        assert!(routed, "{} reaches an inbox", bad.what);
    }

    for bad in &matrix {
        let (service, class, word) = bad.letter;
        let letter = eventually(&format!("{} is among {service}'s dead letters", bad.what), async || {
            let letters = platform.broker().peek(&format!("{service}.dlq")).await;
            let found = letters.into_iter().find(|letter| letter["properties"]["message_id"] == bad.what);
            found.ok_or("not yet")
        })
        .await;
        assert_eq!(header(&letter, "x-error-class"), class, "{}: {letter}", bad.what);
        assert!(header(&letter, "x-error-text").contains(word), "{}: {letter}", bad.what);
        assert_eq!(header(&letter, "x-producer"), bad.user, "{}", bad.what);
        assert_eq!(header(&letter, "kept"), "as it was", "{}", bad.what);
        assert!(!header(&letter, "x-first-failed-at").is_empty(), "{}", bad.what);
        assert_eq!(letter["properties"]["headers"]["x-attempt"], 1, "at once: {}", bad.what);
        let body = letter["payload"].as_str().unwrap();
        let as_sent = bad.body.strip_prefix("base64:").unwrap_or(&bad.body);
        assert_eq!(body, as_sent, "{}: the body is kept as it came", bad.what);
    }
    // None was tried a second time.
    for service in ["order", "inventory", "payment", "shipping"] {
        assert!(
            metric(&platform, service, "consumer_retries_total").await < 1.0,
            "{service} tried something again"
        );
        let letters = platform.broker().take(&format!("{service}.dlq")).await;
        let expected = matrix.iter().filter(|bad| bad.letter.0 == service).count();
        assert_eq!(letters.len(), expected, "{service} has just these dead letters: {letters:#?}");
    }
    load.finish().await;
    platform.assert_all_ended_well(&orders).await;
}
