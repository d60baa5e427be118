//! Every shape in which an order may be asked about.

use ai_domain::fingerprint;
use serde_json::json;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().expect("a date")
}

/// The chassis reads bodies from text, which is the only way amounts are exact.
fn features(body: &Value) -> Result<Features, Problem> {
    serde_json::from_str::<CheckBody>(&body.to_string()).expect("readable").features(now())
}

#[test]
fn an_order_as_it_is_placed_is_read_whole() {
    let body = json!({
        "customer_id": "customer-17",
        "items": [{"product_id": "p", "quantity": 2, "price": 24.99}, {"quantity": 1, "unit_price": 0.02}],
        "shipping_address": {"street": "1 Harbor Way", "country": "US"},
        "payment_method": {"type": "credit_card", "card_number": "4111 1111 1111 4242"},
        "currency": "EUR",
        "customer": {"name": "Ada", "email": "ada@example.com", "created_at": "2025-03-01T09:00:00Z"},
        "client": {"device_id": "device-9", "ip": "203.0.113.7", "user_agent": "Mozilla/5.0"},
    });
    let features = features(&body).unwrap();
    assert_eq!((features.total_minor, features.currency.as_str()), (5_000, "EUR"));
    assert_eq!(features.customer.as_ref().map(CustomerId::as_str), Some("customer-17"));
    assert_eq!(features.country.as_deref(), Some("US"));
    assert_eq!(features.instrument, Some(fingerprint("card", "4242")));
    assert_eq!(features.device, Some(fingerprint("device", "device-9")));
    assert_eq!(features.ip, Some(fingerprint("ip", "203.0.113.7")));
    assert_eq!(features.disposable_mail, Some(false));
    assert!(features.account_opened.is_some());
}

#[test]
fn a_sketch_of_an_order_is_enough() {
    for (body, total) in [
        (json!({"total_amount": 99.5}), 9_950),
        (json!({"customer_id": "c", "amount": 10, "payment_method": "credit_card"}), 1_000),
        (json!({"total": 10, "items": [], "shipping_address": "1 Harbor Way"}), 1_000),
        (json!({"items": [{"price": 5}], "total_amount": 99}), 500),
    ] {
        assert_eq!(features(&body).unwrap().total_minor, total, "{body}");
    }
}

#[test]
fn a_card_number_is_the_same_instrument_however_it_is_written() {
    for number in [json!("4111-1111-1111-4242"), json!(4_111_111_111_114_242_u64)] {
        let body = json!({"total_amount": 1, "payment_method": {"card_number": number}});
        assert_eq!(features(&body).unwrap().instrument, Some(fingerprint("card", "4242")));
    }
    let body = json!({"total_amount": 1, "payment_method": {"card_number": "no"}});
    assert_eq!(features(&body).unwrap().instrument, None);
}

#[test]
fn what_makes_no_sense_is_named() {
    for (body, pointer) in [
        (json!({}), "/items"),
        (json!({"total_amount": -1}), "/total_amount"),
        (json!({"total_amount": 10_000_000_000_i64}), ""),
        (json!({"items": [{"price": 9_000_000_000_i64, "quantity": 9_000_000_000_000_000_i64}]}), "/items"),
        (json!({"items": [{"price": 1, "quantity": -3}]}), "/items"),
        (json!({"total_amount": 1, "customer_id": ""}), "/customer_id"),
        (json!({"total_amount": 1, "customer_id": "a\u{0}b"}), "/customer_id"),
        (json!({"total_amount": 1, "currency": "dollars"}), "/currency"),
        (
            json!({"total_amount": 1, "customer": {"created_at": "0001-01-01T00:00:00Z"}}),
            "/customer/created_at",
        ),
    ] {
        match features(&body) {
            // The largest total there is.
            Ok(features) => assert_eq!((features.total_minor, pointer), (TOTAL_MINOR_MAX, "")),
            Err(problem) => {
                let document = problem.document("/fraud/check", "c");
                assert_eq!(document["status"], 422, "{body}");
                assert_eq!(document["errors"][0]["pointer"], pointer, "{body}");
            }
        }
    }
}
