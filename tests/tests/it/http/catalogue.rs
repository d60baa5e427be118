//! Inventory: products, their changes, stock, and reservations.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Answer, Options, Platform, eventually, order_body};
use uuid::Uuid;

use super::{Is, assert_amounts, assert_problem, assert_shape, cancel, patient, send, with};

const PRODUCT: &[(&str, Is)] = &[
    ("id", Is::Id),
    ("name", Is::Text),
    ("description", Is::Text),
    ("price", Is::Number),
    ("available_quantity", Is::Count),
    ("reserved_quantity", Is::Count),
];

async fn patch(platform: &Platform, path: &str, body: &Value) -> Answer {
    send(platform, Method::PATCH, "inventory", path, Some(body), &[]).await
}

async fn adjusted(platform: &Platform, product: &Value) -> Vec<Value> {
    let id: Uuid = product["id"].as_str().unwrap().parse().unwrap();
    let mut connection = platform.database("inventory").await;
    let bodies: Vec<String> = sqlx::query_scalar(
        "SELECT body FROM outbox WHERE aggregate_id = $1 AND event_type = 'inventory.stock.adjusted' ORDER BY seq",
    )
    .bind(id)
    .fetch_all(&mut connection)
    .await
    .unwrap();
    bodies.iter().map(|body| serde_json::from_str::<Value>(body).unwrap()["data"].clone()).collect()
}

#[tokio::test]
async fn a_product_is_created_once_changed_and_restocked_and_every_change_of_stock_is_told() {
    let platform = Platform::start(Options::default()).await;
    let form = json!({
        "id": Uuid::new_v4(), "name": "Canvas Tote", "description": "Heavy cotton", "price": 25,
        "quantity": 10, "category": "bags", "sku": "T-1",
    });
    let created = platform.post("inventory", "/products", &form).await;
    assert_amounts(&created, "price", &["25.00"]);
    let path = created.headers["location"].to_str().unwrap().to_owned();
    let product = created.expect(201);
    assert_shape(&product, PRODUCT);
    assert_eq!(path, format!("/products/{}", form["id"].as_str().unwrap()));
    assert_eq!((&product["category"], &product["sku"]), (&json!("bags"), &json!("T-1")));
    let listed = platform.get("inventory", "/products").await;
    assert_eq!(listed, json!([product]));
    assert_eq!(platform.get("inventory", &path).await, product);

    // Again: the same request finds it, another one under its id is refused.
    assert_eq!(platform.post("inventory", "/products", &form).await.expect(200), product);
    let other = with(form.clone(), "/quantity", json!(11));
    let refused = assert_problem(&platform.post("inventory", "/products", &other).await, 409, "/products");
    assert_eq!(refused["code"], "product_exists");

    let patched = patch(&platform, &path, &json!({ "price": 19.5, "sku": null })).await;
    assert_amounts(&patched, "price", &["19.50"]);
    let patched = patched.expect(200);
    assert_eq!((&patched["name"], &patched["sku"]), (&product["name"], &Value::Null));
    assert_eq!(
        patch(&platform, &path, &json!({})).await.expect(200),
        patched,
        "nothing named, nothing changed"
    );
    assert_eq!(platform.get("inventory", &path).await, patched);

    let stock = format!("{path}/stock");
    let adjust = async |body: Value| platform.post("inventory", &stock, &body).await;
    let counted = adjust(json!({ "delta": 5, "reason": "delivery" })).await.expect(200);
    assert_eq!(counted["available_quantity"], 15);
    let counted = adjust(json!({ "on_hand": 7, "reason": "count" })).await.expect(200);
    assert_eq!(counted["available_quantity"], 7);
    // A count is safe to repeat, and says nothing new.
    assert_eq!(adjust(json!({ "on_hand": 7, "reason": "count" })).await.expect(200), counted);
    for (body, code) in [
        (json!({ "delta": -8, "reason": "loss" }), "stock_reserved"),
        (json!({ "delta": 1_000_000_000, "reason": "typing mistake" }), "stock_too_large"),
    ] {
        assert_eq!(assert_problem(&adjust(body).await, 409, &stock)["code"], code);
    }
    assert_eq!(platform.get("inventory", &path).await, counted);

    let told = adjusted(&platform, &product).await;
    let deltas: Vec<(i64, i64)> = told
        .iter()
        .map(|event| (event["delta"].as_i64().unwrap(), event["on_hand"].as_i64().unwrap()))
        .collect();
    assert_eq!(deltas, [(10, 10), (0, 10), (5, 15), (-8, 7)]);
    platform.assert_sound().await;
}

#[tokio::test]
async fn a_reservation_shows_what_is_held_sold_given_back_and_refused() {
    let platform = Platform::start(patient(6)).await;
    let product = platform.product(10).await;
    let reservation = async |order: Uuid| platform.get("inventory", &format!("/reservations/{order}")).await;
    let until = async |order: Uuid, status: &str| {
        eventually(&format!("the reservation is {status}"), async || {
            let answer = platform.ask("inventory", &format!("/reservations/{order}")).await;
            let there = answer.status == 200 && answer.json()["status"] == status;
            if there { Ok(answer.json()) } else { Err(answer.text) }
        })
        .await
    };
    let held = platform.place(product, 4, "tok_slow").await;
    let shown = until(held, "held").await;
    assert_shape(
        &shown,
        &[
            ("id", Is::Id),
            ("order_id", Is::Id),
            ("status", Is::Text),
            ("items", Is::List),
            ("created_at", Is::Time),
            ("expires_at", Is::Time),
        ],
    );
    assert_eq!(shown["items"], json!([{ "product_id": product.id, "quantity": 4 }]));
    let stock = platform.get("inventory", &format!("/products/{}", product.id)).await;
    assert_eq!((&stock["available_quantity"], &stock["reserved_quantity"]), (&json!(6), &json!(4)));
    // What is held cannot be taken from under the order.
    let path = format!("/products/{}/stock", product.id);
    let refused = platform.post("inventory", &path, &json!({ "on_hand": 3, "reason": "loss" })).await;
    assert_eq!(assert_problem(&refused, 409, &path)["code"], "stock_reserved");

    let refused = platform.place(product, 7, "tok_ok").await;
    let shown = until(refused, "rejected").await;
    assert_eq!((&shown["failure"], &shown["items"]), (&json!("insufficient_stock"), &json!([])));
    let sold = platform.place(product, 6, "tok_ok").await;
    until(sold, "committed").await;
    cancel(&platform, sold).await;
    let back = until(sold, "released").await;
    assert_eq!((&back["released_from"], &back["reason"]), (&json!("committed"), &json!("order.cancelled")));

    until(held, "committed").await;
    assert_eq!(reservation(held).await["items"], json!([{ "product_id": product.id, "quantity": 4 }]));
    assert_eq!(platform.stock(product).await, (6, 0));

    // A new price refuses the orders that saw the old one.
    let path = format!("/products/{}", product.id);
    assert_eq!(patch(&platform, &path, &json!({ "price": 30 })).await.status, 200);
    let stale = platform.place_body(&order_body(product, 1, "tok_ok")).await;
    assert_eq!(until(stale, "rejected").await["failure"], "price_mismatch");
    platform.assert_sound().await;
}
