//! `/stock/audit` and `/ledger/audit`: right in the middle of traffic, and not fooled by anyone who
//! writes into the tables or charges twice.

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::{Options, Platform, eventually, order_body};
use uuid::Uuid;

use super::{cancel, with};

async fn audit(platform: &Platform, service: &str) -> Value {
    let path = if service == "inventory" { "/stock/audit" } else { "/ledger/audit" };
    platform.get(service, path).await
}

/// The differences, as (whose, what, expected, found).
async fn differences(platform: &Platform, service: &str, whose: &str) -> Vec<(String, String, f64, f64)> {
    let found = audit(platform, service).await;
    let listed = found["differences"].as_array().unwrap();
    assert_eq!(found["balanced"], listed.is_empty(), "{found}");
    listed
        .iter()
        .map(|row| {
            let word = |field: &str| row[field].as_str().unwrap().to_owned();
            (word(whose), word("what"), row["expected"].as_f64().unwrap(), row["found"].as_f64().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_drift_planted_in_stock_turns_the_audit_false_and_is_named_until_it_is_mended() {
    let platform = Platform::start(Options::default().with("simulators", "SLOW_SECONDS", "120")).await;
    let product = platform.product(50).await;
    let other = platform.product(50).await;
    let sold = platform.place(product, 3, "tok_ok").await;
    let elsewhere = platform.place(other, 1, "tok_ok").await;
    // Held for as long as the test lasts: its charge takes its time.
    let held = platform.place(product, 4, "tok_slow").await;
    platform.until_status(sold, "confirmed").await;
    platform.until_status(elsewhere, "confirmed").await;
    platform.until_status(held, "payment_pending").await;
    eventually("the sale is committed", async || match platform.stock(product).await {
        (47, 4) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let id = product.id;
    let whose = |what: &str, expected: f64, found: f64| (id.to_string(), what.to_owned(), expected, found);
    let state = |order: Uuid, quantity: i64| {
        format!(
            "UPDATE reservations SET state = jsonb_set(state, '{{items,0,quantity}}', '{quantity}') \
             WHERE order_id = '{order}'"
        )
    };
    for (plant, mend, expected) in [
        (
            format!("UPDATE products SET on_hand = on_hand + 1 WHERE id = '{id}'"),
            format!("UPDATE products SET on_hand = on_hand - 1 WHERE id = '{id}'"),
            vec![whose("on_hand", 47.0, 48.0)],
        ),
        (
            format!("UPDATE products SET reserved = 0 WHERE id = '{id}'"),
            format!("UPDATE products SET reserved = 4 WHERE id = '{id}'"),
            vec![whose("reserved", 4.0, 0.0)],
        ),
        (state(held, 5), state(held, 4), vec![whose("reserved", 5.0, 4.0)]),
        (state(sold, 2), state(sold, 3), vec![whose("on_hand", 48.0, 47.0)]),
        (
            format!("UPDATE stock_adjustments SET delta = 40 WHERE product_id = '{id}'"),
            format!("UPDATE stock_adjustments SET delta = 50 WHERE product_id = '{id}'"),
            vec![whose("on_hand", 37.0, 47.0)],
        ),
        (
            format!("UPDATE products SET on_hand = 60, reserved = 5 WHERE id = '{id}'"),
            format!("UPDATE products SET on_hand = 47, reserved = 4 WHERE id = '{id}'"),
            vec![whose("on_hand", 47.0, 60.0), whose("reserved", 4.0, 5.0)],
        ),
    ] {
        assert_eq!(differences(&platform, "inventory", "product_id").await, [], "before {plant}");
        platform.sql("inventory", &plant).await;
        assert_eq!(differences(&platform, "inventory", "product_id").await, expected, "{plant}");
        platform.sql("inventory", &mend).await;
    }
    let whole = audit(&platform, "inventory").await;
    assert_eq!((&whole["balanced"], &whole["products"]), (&json!(true), &json!(2)), "{whole}");
}

#[tokio::test]
async fn a_drift_planted_in_the_ledger_or_a_second_charge_turns_the_audit_false_and_is_named() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(50).await;
    let paid = platform.place(product, 2, "tok_ok").await;
    let unpaid = platform.place(product, 1, "tok_declined").await;
    let back = platform.place(product, 1, "tok_ok").await;
    platform.until_status(paid, "confirmed").await;
    platform.until_made_good(unpaid, "failed").await;
    platform.until_status(back, "confirmed").await;
    cancel(&platform, back).await;
    platform.until_made_good(back, "cancelled").await;

    let state = |order: Uuid, field: &str, value: i64| {
        format!(
            "UPDATE transactions SET state = jsonb_set(state, '{{{field}}}', '{value}') \
             WHERE order_id = '{order}'"
        )
    };
    let entry = |order: Uuid, kind: &str, amount: i64| {
        format!(
            "UPDATE ledger_entries SET amount_minor = {amount} \
             WHERE order_id = '{order}' AND kind = '{kind}'"
        )
    };
    let forged = format!(
        "INSERT INTO ledger_entries (order_id, kind, amount_minor, currency, at) \
         VALUES ('{unpaid}', 'captured', 2499, 'USD', now())"
    );
    let forgotten = format!("DELETE FROM ledger_entries WHERE order_id = '{unpaid}' AND kind = 'captured'");
    for (plant, mend, order, expected) in [
        (
            state(paid, "captured_minor", 4900),
            state(paid, "captured_minor", 4998),
            paid,
            ["captured_in_ledger", "captured_by_status", "captured_at_gateway"].as_slice(),
        ),
        (
            state(back, "refunded_minor", 0),
            state(back, "refunded_minor", 2499),
            back,
            &["refunded_in_ledger", "refunded_by_status", "refunded_at_gateway"],
        ),
        (entry(paid, "captured", 4999), entry(paid, "captured", 4998), paid, &["captured_in_ledger"]),
        (entry(back, "refunded", 1), entry(back, "refunded", 2499), back, &["refunded_in_ledger"]),
        (forged, forgotten, unpaid, &["captured_in_ledger"]),
    ] {
        assert_eq!(differences(&platform, "payment", "order_id").await, [], "before {plant}");
        platform.sql("payment", &plant).await;
        let found = differences(&platform, "payment", "order_id").await;
        assert!(found.iter().all(|(whose, ..)| *whose == order.to_string()), "{plant}: {found:?}");
        let what: Vec<&str> = found.iter().map(|(_, what, ..)| what.as_str()).collect();
        assert_eq!(what, expected, "{plant}: {found:?}");
        platform.sql("payment", &mend).await;
    }
    assert_eq!(differences(&platform, "payment", "order_id").await, []);

    // Someone charges the customer again, under a key of their own. No row of ours changes.
    let url = platform.url("simulators", "/v1/charges");
    let charge = json!({
        "order_id": paid, "amount_minor": 4998, "currency": "USD", "payment_method": { "token": "tok_ok" },
    });
    let key = [("idempotency-key", "somebody-else:1")];
    let charged =
        platform.http().send(reqwest::Method::POST, &url, Some(charge.to_string()), &key).await.unwrap();
    assert_eq!(charged.expect(200)["status"], "captured");
    let found = differences(&platform, "payment", "order_id").await;
    let twice = (paid.to_string(), "captures_at_gateway".to_owned(), 1.0, 2.0);
    assert!(found.contains(&twice), "{found:?}");
    let too_much = (paid.to_string(), "captured_at_most_amount".to_owned(), 49.98, 99.96);
    assert!(found.contains(&too_much), "{found:?}");
    assert!(found.iter().all(|(whose, ..)| *whose == paid.to_string()), "{found:?}");
}

#[tokio::test]
async fn the_audits_stay_true_while_two_hundred_orders_are_under_way() {
    let platform = Platform::start(Options::default().with("simulators", "SLOW_SECONDS", "1")).await;
    let product = platform.product(10_000).await;
    let scarce = platform.product(40).await;
    let orders: Vec<Value> = (0..200)
        .map(|n| match n % 5 {
            0 => order_body(product, 1, "tok_slow"),
            1 => order_body(scarce, 2, "tok_ok"),
            2 => order_body(product, 3, "tok_declined"),
            3 => with(order_body(product, 1, "tok_ok"), "/shipping_address/country", json!("XX")),
            _ => order_body(product, 2, "tok_ok"),
        })
        .collect();
    let batch = json!({ "orders": orders });
    let placing = platform.post("order", "/orders/batch", &batch);
    let auditing = async {
        let (mut audits, mut held, mut charging) = (0_u32, 0_u32, 0_u32);
        loop {
            let (stock, ledger) = tokio::join!(audit(&platform, "inventory"), audit(&platform, "payment"));
            assert_eq!(stock["balanced"], true, "{stock}");
            assert_eq!(ledger["balanced"], true, "{ledger}");
            audits += 1;
            held += u32::from(platform.stock(product).await.1 > 0);
            charging += u32::from(ledger["in_flight"].as_u64().unwrap() > 0);
            let counts = platform.get("order", "/orders/metrics").await["order_status_counts"].clone();
            let settled: u64 =
                ["confirmed", "failed"].iter().map(|word| counts[word].as_u64().unwrap()).sum();
            let refunded = "SELECT count(*) FROM transactions WHERE status = 'refunded'";
            if settled == 200 && platform.count("payment", refunded).await == 40 {
                return (audits, held, charging);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (placed, seen) = tokio::join!(placing, tokio::time::timeout(Duration::from_secs(60), auditing));
    assert_eq!(placed.expect(200)["accepted"], 200);
    let (audits, held, charging) = seen.unwrap();
    // Otherwise nothing was under way when the audits looked, and they proved nothing.
    assert!(audits >= 5 && held >= 1 && charging >= 1, "{audits} audits, {held} held, {charging} charging");
    platform.assert_sound().await;
    assert_eq!(platform.stock(scarce).await, (0, 0));
}
