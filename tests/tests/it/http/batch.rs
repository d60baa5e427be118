//! `POST /orders/batch`: up to 500 orders, an answer for each.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use system_tests::{Options, Platform, eventually, order_body};
use uuid::Uuid;

use super::{Is, Rows, assert_fields, assert_problem, assert_shape, lines, with, without};

fn row(answer: &Value, index: usize) -> &Value {
    let row = &answer["results"][index];
    assert_eq!(row["index"], index);
    row
}

#[tokio::test]
async fn a_bad_row_of_a_batch_spoils_no_other() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(1_000).await;
    let good = order_body(product, 1, "tok_ok");
    let chosen = Uuid::new_v4();
    let keyed = with(good.clone(), "/idempotency_key", json!("row-7"));
    let rows = vec![
        good.clone(),
        with(good.clone(), "/items/0/quantity", json!(0)),
        json!("no order"),
        with(good.clone(), "/order_id", json!(chosen)),
        without(good.clone(), "/shipping_address/street"),
        with(good.clone(), "/items", lines(101)),
        Value::Null,
        keyed.clone(),
        with(good.clone(), "/idempotency_key", json!("k".repeat(256))),
        good.clone(),
    ];
    let answer = platform.post("order", "/orders/batch", &json!({ "orders": rows })).await.expect(200);
    assert_shape(&answer, &[("accepted", Is::Count), ("refused", Is::Count), ("results", Is::List)]);
    assert_eq!((&answer["accepted"], &answer["refused"]), (&json!(4), &json!(6)));

    for index in [0, 3, 7, 9] {
        let row = row(&answer, index);
        assert_eq!(row["status"], 201, "{row}");
        assert_shape(&row["order"], &[("id", Is::Id), ("status", Is::Text), ("correlation_id", Is::Id)]);
        let id = row["order"]["id"].as_str().unwrap().parse().unwrap();
        platform.until_status(id, "confirmed").await;
    }
    assert_eq!(row(&answer, 3)["order"]["id"], json!(chosen));
    for (index, status, pointer) in [
        (1, 422, "/items/0/quantity"),
        (2, 422, ""),
        (4, 422, "/shipping_address/street"),
        (5, 422, "/items"),
        (6, 422, ""),
    ] {
        let row = row(&answer, index);
        assert_eq!((&row["status"], &row["problem"]["status"]), (&json!(status), &json!(status)), "{row}");
        assert_fields(&row["problem"], &[pointer]);
        assert_shape(&row["problem"], &[("type", Is::Text), ("instance", Is::Text), ("detail", Is::Text)]);
    }
    assert_eq!(row(&answer, 8)["status"], 400);
    assert_eq!(platform.count("order", "SELECT count(*) FROM orders").await, 4);

    // Rows are repeated safely, each by its own key or id, also beside new ones and beside themselves.
    let twice = json!({ "orders": [keyed, with(good.clone(), "/order_id", json!(chosen)), good] });
    let again = platform.post("order", "/orders/batch", &twice).await.expect(200);
    for (index, first) in [(0, 7), (1, 3)] {
        let row = row(&again, index);
        assert_eq!((&row["status"], &row["replayed"]), (&json!(200), &json!(true)), "{row}");
        assert_eq!(row["order"], answer["results"][first]["order"]);
    }
    assert_eq!(row(&again, 2)["status"], 201);
    assert_eq!(platform.count("order", "SELECT count(*) FROM orders").await, 5);
    platform.assert_sound().await;
}

#[tokio::test]
async fn a_batch_has_at_most_five_hundred_orders_and_all_of_them_settle() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(400).await;
    let orders = |count: usize| json!({ "orders": vec![order_body(product, 1, "tok_ok"); count] });

    let mut rows = Rows::of(&platform, "order").await;
    let before = rows.count().await;
    for (body, status, pointer) in [
        (orders(501), 422, "/orders"),
        (orders(0), 422, "/orders"),
        (json!({}), 422, "/orders"),
        (json!({ "orders": { "0": {} } }), 422, "/orders"),
    ] {
        let refused = platform.post("order", "/orders/batch", &body).await;
        assert_fields(&assert_problem(&refused, status, "/orders/batch"), &[pointer]);
    }
    let padding = json!({ "orders": ["x".repeat(2 * 1024 * 1024)] });
    let refused = platform.post("order", "/orders/batch", &padding).await;
    assert_problem(&refused, 413, "/orders/batch");
    assert_eq!(rows.count().await, before, "a refused batch was stored");

    let answer = platform.post("order", "/orders/batch", &orders(500)).await.expect(200);
    assert_eq!((&answer["accepted"], &answer["refused"]), (&json!(500), &json!(0)));
    let results = answer["results"].as_array().unwrap();
    let ids: BTreeSet<&str> = results.iter().map(|row| row["order"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 500);
    // Four hundred pieces for five hundred orders: exactly as many are sold as there are.
    let counts = eventually("all orders of the batch settle", async || {
        let figures = platform.get("order", "/orders/metrics").await;
        let counts = figures["order_status_counts"].clone();
        let settled = counts["confirmed"].as_i64().unwrap() + counts["failed"].as_i64().unwrap();
        if settled == 500 { Ok(counts) } else { Err(counts.to_string()) }
    })
    .await;
    assert_eq!((&counts["confirmed"], &counts["failed"]), (&json!(400), &json!(100)));
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (0, 0));
}
