//! Payment: transactions, refunds, the ledger, and what a person may do when the gateway leaves
//! money in doubt.

use serde_json::json;
use system_tests::{Options, Platform, eventually};
use uuid::Uuid;

use super::{Is, assert_amounts, assert_problem, assert_shape, cancel, control};

async fn until_transaction(platform: &Platform, order: Uuid, status: &str) -> serde_json::Value {
    eventually(&format!("the transaction is {status}"), async || {
        let answer = platform.ask("payment", &format!("/transactions/{order}")).await;
        let there = answer.status == 200 && answer.json()["status"] == status;
        if there { Ok(answer.json()) } else { Err(answer.text) }
    })
    .await
}

async fn kinds(platform: &Platform, order: Uuid) -> Vec<String> {
    let ledger = platform.get("payment", &format!("/ledger/{order}")).await;
    let entries = ledger["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_transaction_its_refund_and_its_ledger_have_their_shapes() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(100).await;
    let order = platform.place(product, 2, "tok_ok").await;
    platform.until_status(order, "confirmed").await;

    let answer = platform.ask("payment", &format!("/transactions/{order}")).await;
    assert_amounts(&answer, "amount", &["49.98"]);
    assert_amounts(&answer, "captured", &["49.98"]);
    assert_amounts(&answer, "refunded", &["0.00"]);
    let transaction = answer.expect(200);
    assert_shape(
        &transaction,
        &[
            ("id", Is::Id),
            ("order_id", Is::Id),
            ("customer_id", Is::Text),
            ("amount", Is::Number),
            ("currency", Is::Word(&["USD"])),
            ("status", Is::Word(&["captured"])),
            ("created_at", Is::Time),
            ("failure", Is::Null),
        ],
    );
    assert!(!answer.text.contains("tok_ok"), "a token is the gateway's business: {}", answer.text);
    let path = format!("/refunds/{order}");
    assert_problem(&platform.ask("payment", &path).await, 404, &path);
    assert_eq!(kinds(&platform, order).await, ["charge_requested", "captured"]);

    cancel(&platform, order).await;
    platform.until_made_good(order, "cancelled").await;
    let answer = platform.ask("payment", &path).await;
    assert_amounts(&answer, "amount", &["49.98"]);
    assert_shape(
        &answer.expect(200),
        &[
            ("id", Is::Id),
            ("order_id", Is::Id),
            ("status", Is::Word(&["refunded"])),
            ("refund_id", Is::Text),
            ("created_at", Is::Time),
            ("reason", Is::Word(&["order.cancelled"])),
        ],
    );
    let answer = platform.ask("payment", &format!("/ledger/{order}")).await;
    assert_amounts(&answer, "balance", &["0.00"]);
    assert_amounts(&answer, "captured", &["49.98"]);
    let ledger = answer.expect(200);
    for entry in ledger["entries"].as_array().unwrap() {
        assert_shape(entry, &[("kind", Is::Text), ("amount", Is::Number), ("at", Is::Time)]);
    }
    let expected = ["charge_requested", "captured", "refund_requested", "refunded"];
    assert_eq!(kinds(&platform, order).await, expected);

    let declined = platform.place(product, 1, "tok_insufficient_funds").await;
    platform.until_status(declined, "failed").await;
    let transaction = until_transaction(&platform, declined, "failed").await;
    assert_eq!(transaction["failure"]["code"], "insufficient_funds");
    assert_eq!(kinds(&platform, declined).await, ["charge_requested", "declined"]);

    let audit = platform.get("payment", "/ledger/audit").await;
    assert_shape(
        &audit,
        &[("balanced", Is::Flag), ("orders", Is::Count), ("in_flight", Is::Count), ("differences", Is::List)],
    );
    assert_eq!((&audit["orders"], &audit["in_flight"]), (&json!(2), &json!(0)));
    platform.assert_sound().await;
}

#[tokio::test]
async fn a_refused_refund_waits_for_a_person_whose_retry_is_accepted_once() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(100).await;
    let order = platform.place(product, 1, "tok_refund_refused").await;
    platform.until_status(order, "confirmed").await;
    let retry = format!("/refunds/{order}/retry");
    let nothing = platform.post("payment", &retry, &json!({})).await;
    assert_eq!(assert_problem(&nothing, 409, &retry)["code"], "no_refund");

    cancel(&platform, order).await;
    until_transaction(&platform, order, "refund_stuck").await;
    let refund = platform.get("payment", &format!("/refunds/{order}")).await;
    assert_eq!(
        (&refund["status"], &refund["failure"]["code"]),
        (&json!("refund_stuck"), &json!("refund_refused"))
    );
    let stuck = eventually("the order is stuck", async || {
        let shown = platform.order(order).await;
        if shown["compensation"] == "stuck" { Ok(shown) } else { Err(shown.to_string()) }
    })
    .await;
    assert!(stuck["stuck_on"].as_str().unwrap().contains("payment.refunded"), "{stuck}");
    // The debt stays on the books, which are balanced all the same.
    let audit = platform.get("payment", "/ledger/audit").await;
    assert_eq!((&audit["balanced"], &audit["stuck"]), (&json!(true), &json!(1)), "{audit}");

    // As long as the bank refuses, a retry changes nothing.
    assert_eq!(platform.post("payment", &retry, &json!({})).await.status, 202);
    eventually("the bank refused again", async || {
        let refused = kinds(&platform, order).await.iter().filter(|kind| *kind == "refund_refused").count();
        if refused == 2 { Ok(()) } else { Err(format!("{refused} refusals")) }
    })
    .await;
    control(&platform, "refunds/allow", &json!({ "order_id": order })).await;
    let url = platform.url("payment", &retry);
    let accepted = platform.http().send(reqwest::Method::POST, &url, None, &[]).await.unwrap();
    assert_eq!(accepted.expect(202)["order_id"], json!(order));
    platform.until_made_good(order, "cancelled").await;
    let again = platform.post("payment", &retry, &json!({})).await;
    assert_eq!(assert_problem(&again, 409, &retry)["code"], "already_refunded");
    assert_eq!(platform.journal(order).await["refunded_minor"], 2499);
    platform.assert_sound().await;
}

#[tokio::test]
async fn a_charge_that_stays_unresolved_is_resolved_by_a_person() {
    // At this pace the gateway's hour of silence lasts six seconds, and an order waits half a second
    // to be confirmed: on a busy machine some of the orders die before they are charged.
    let platform = Platform::start(Options::fast(600)).await;
    let product = platform.product(100).await;
    let outage = json!({ "target": "gateway", "mode": "error", "seconds": 120 });
    control(&platform, "outage", &outage).await;
    let mut orders = Vec::new();
    for _ in 0..6 {
        orders.push(platform.place(product, 1, "tok_ok").await);
    }
    let resolution = json!({ "captured": false, "note": "not in the bank's list" });
    let resolve = |order: Uuid| format!("/transactions/{order}/resolve");
    let order = eventually("a charge has begun", async || {
        for order in &orders {
            let answer = platform.ask("payment", &format!("/transactions/{order}")).await;
            if answer.status == 200 && answer.json()["charges_sent"] != 0 {
                return Ok(*order);
            }
        }
        Err("none")
    })
    .await;
    let early = platform.post("payment", &resolve(order), &resolution).await;
    assert_eq!(assert_problem(&early, 409, &resolve(order))["code"], "not_unresolved");

    until_transaction(&platform, order, "unresolved").await;
    control(&platform, "outage", &json!({ "target": "gateway", "mode": "none" })).await;
    let resolved = platform.post("payment", &resolve(order), &resolution).await.expect(202);
    assert_eq!(resolved["order_id"], json!(order));
    platform.until_made_good(order, "failed").await;
    let journal = platform.journal(order).await;
    assert_eq!((&journal["captures"], &journal["charge_status"]), (&json!(0), &json!("voided")));
    let log = platform.saga_log("payment", order).await;
    let noted = |row: &serde_json::Value| row["note"].as_str().unwrap().contains("not in the bank's list");
    assert!(log.iter().any(noted), "{log:?}");
    platform.assert_sound().await;
}
