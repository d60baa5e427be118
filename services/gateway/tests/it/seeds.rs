//! The adapters against a catalogue and an order service of a few lines, with a real database.
#![allow(clippy::unwrap_used)]

mod behind;
mod repeats;

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use behind::{LAPTOP, MOUSE, call, with_adapters};

#[test]
fn a_cart_is_placed_at_the_catalogues_prices_and_shown_in_its_own_words() {
    with_adapters(async |router, behind, _| {
        let body = format!(
            r#"{{"user_id": 42, "item_ids": ["laptop", "{MOUSE}", "Mouse"], "total_amount": 1020.01}}"#
        );
        let (status, answer) = call(&router, "POST", "/orders/", Some(&body)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let id: Uuid = answer["order_id"].as_str().unwrap().parse().unwrap();
        let sent = behind.world(|world| world.orders[&id].clone());
        let items = json!([
            {"product_id": LAPTOP, "quantity": 1, "price": 999.99},
            {"product_id": MOUSE, "quantity": 2, "price": 10.01},
        ]);
        assert_eq!(sent["items"], items);
        assert_eq!(sent["payment_method"], json!({"type": "credit_card"}));
        assert_eq!(sent["shipping_address"]["street"], "not given");
        for path in [format!("/orders/{id}"), format!("/orders/{id}/")] {
            let (status, shown) = call(&router, "GET", &path, None).await;
            assert_eq!((status, &shown["user_id"]), (StatusCode::OK, &json!(42)));
            assert_eq!(shown["item_ids"], json!(["laptop", MOUSE, "Mouse"]));
        }
        assert_eq!(call(&router, "GET", "/orders/nobody", None).await.0, StatusCode::NOT_FOUND);
    });
}

#[test]
fn a_cart_is_refused_with_every_unknown_item_and_with_both_sums() {
    with_adapters(async |router, behind, _| {
        let refused = async |body: &str| {
            let (status, problem) = call(&router, "POST", "/orders/", Some(body)).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {problem}");
            problem
        };
        let problem = refused(r#"{"user_id": "u", "item_ids": ["lap", "mouse", "unicorn"]}"#).await;
        assert_eq!(problem["errors"][0]["pointer"], "/item_ids/0");
        assert_eq!(problem["errors"][1]["pointer"], "/item_ids/2");
        assert!(problem["errors"][1]["detail"].as_str().unwrap().contains("\"unicorn\""));
        let problem = refused(r#"{"user_id": "u", "item_ids": ["mouse"], "total_amount": 9.99}"#).await;
        assert_eq!(problem["code"], "total_mismatch");
        let said = problem["errors"][0]["detail"].as_str().unwrap();
        assert!(said.contains("9.99") && said.contains("10.01"), "{said}");
        assert_eq!(
            refused(r#"{"user_id": "", "item_ids": []}"#).await["errors"].as_array().unwrap().len(),
            2
        );
        let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
        refused(&json!({"user_id": "u", "item_ids": many}).to_string()).await;
        assert!(behind.world(|world| world.orders.is_empty()));
    });
}

#[test]
fn one_item_is_ordered_under_any_word_and_found_by_it() {
    with_adapters(async |router, behind, _| {
        let first = r#"{"order_id": 7, "item": "LAPTOP", "quantity": 2}"#;
        let (status, answer) = call(&router, "POST", "/order", Some(first)).await;
        assert_eq!((status, &answer["order_id"]), (StatusCode::OK, &json!(7)), "{answer}");
        call(&router, "POST", "/order", Some(r#"{"order_id": "order-1", "item": "mouse", "quantity": 1}"#))
            .await;
        let expected = json!([
            {"order_id": "order-1", "item": "mouse", "quantity": 1},
            {"order_id": 7, "item": "LAPTOP", "quantity": 2},
        ]);
        assert_eq!(call(&router, "GET", "/orders", None).await, (StatusCode::OK, expected));
        let (_, shown) = call(&router, "GET", "/orders/7", None).await;
        assert_eq!((&shown["order_id"], &shown["item_ids"]), (&json!(7), &json!([LAPTOP, LAPTOP])));

        // The price has changed since; the same order is still the same order, another one is none.
        behind.world(|world| world.products.get_mut(&LAPTOP).unwrap().1 = "1.00".to_owned());
        assert_eq!(call(&router, "POST", "/order", Some(first)).await.0, StatusCode::OK);
        let other = r#"{"order_id": 7, "item": "laptop", "quantity": 3}"#;
        let (status, problem) = call(&router, "POST", "/order", Some(other)).await;
        assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("order_id_reused")));
        let (_, listed) = call(&router, "GET", "/orders", None).await;
        assert_eq!(listed[1]["quantity"], 2);
        assert_eq!(behind.world(|world| world.orders.len()), 2);
    });
}

#[test]
fn stock_is_set_and_an_unknown_item_added_at_the_standard_price() {
    with_adapters(async |router, behind, _| {
        let set = async |item: &str, stock: i64| {
            let body = json!({"item": item, "stock": stock}).to_string();
            let (status, answer) = call(&router, "POST", "/inventory", Some(&body)).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
            assert!(answer["message"].as_str().unwrap().contains(item), "{answer}");
            answer["product_id"].as_str().unwrap().parse::<Uuid>().unwrap()
        };
        assert_eq!(set("mouse", 12).await, MOUSE);
        let teapot = set("Teapot", 3).await;
        assert_eq!(set("teapot", 4).await, teapot);
        let (name, price, stock) = behind.world(|world| world.products[&teapot].clone());
        assert_eq!((name.as_str(), price.as_str(), stock), ("Teapot", "9.99", 4));
        assert_eq!(behind.world(|world| world.products[&MOUSE].2), 12);
        let order = r#"{"order_id": 1, "item": "Teapot", "quantity": 1}"#;
        assert_eq!(call(&router, "POST", "/order/", Some(order)).await.0, StatusCode::OK);
        let bad = call(&router, "POST", "/inventory", Some(r#"{"item": "x", "stock": -1}"#)).await;
        assert_eq!(
            (bad.0, &bad.1["errors"][0]["pointer"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("/stock"))
        );
    });
}

#[test]
fn the_status_says_what_waits_where_and_what_is_not_known() {
    with_adapters(async |router, _, _| {
        for path in ["/orders/status/", "/orders/status"] {
            let (status, body) = call(&router, "GET", path, None).await;
            assert_eq!(status, StatusCode::OK);
            let order = &body["services"]["order"];
            assert_eq!((&order["inbox"], &order["dead_letters"]), (&json!(4), &json!(1)), "{body}");
            assert_eq!((&order["unsent_events"], &order["oldest_unsent_seconds"]), (&json!(3), &json!(1.5)));
            assert_eq!(body["services"]["payment"]["inbox"], Value::Null);
            assert_eq!(body["unknown"], json!({}));
        }
    });
}
