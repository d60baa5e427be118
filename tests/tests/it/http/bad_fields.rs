//! Bodies that can be read and make no sense: each is refused by the field's name, and nothing is
//! stored.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Options, Platform, order_body};
use uuid::Uuid;

use super::{Rows, assert_fields, assert_problem, lines, send, with, without};

/// One call and what it is refused for. Raw text stands for numbers that no parsed value can hold.
struct Case {
    service: &'static str,
    method: Method,
    path: String,
    body: String,
    pointer: &'static str,
}

async fn assert_refused(platform: &Platform, cases: Vec<Case>) {
    let mut rows = Vec::new();
    for service in ["order", "inventory", "payment"] {
        let mut counted = Rows::of(platform, service).await;
        let before = counted.count().await;
        rows.push((service, counted, before));
    }
    for case in cases {
        let url = platform.url(case.service, &case.path);
        let shown: String = case.body.chars().take(300).collect();
        let answer = platform.http().send(case.method, &url, Some(case.body), &[]).await.unwrap();
        assert_eq!(answer.status, 422, "{} {shown}: {}", case.path, answer.text);
        let problem = assert_problem(&answer, 422, &case.path);
        assert_fields(&problem, &[case.pointer]);
        assert!(answer.text.len() < 2_000, "the answer repeats what was sent: {}", answer.text);
        for (service, counted, before) in &mut rows {
            assert_eq!(counted.count().await, *before, "{service} stored something of {shown}");
        }
    }
}

/// The field that is wrong, and the order's whole body.
type Wrong = (&'static str, String);

fn orders(product: system_tests::Product) -> Vec<Case> {
    let good = order_body(product, 1, "tok_ok");
    let cases = [missing_or_of_another_type(&good), out_of_range(&good), texts(&good)].concat();
    let case = |(pointer, body)| Case {
        service: "order",
        method: Method::POST,
        path: "/orders".to_owned(),
        body,
        pointer,
    };
    cases.into_iter().map(case).collect()
}

/// What has to be there, and is something else or nothing.
fn missing_or_of_another_type(good: &Value) -> Vec<Wrong> {
    let mut cases = Vec::new();
    let mut case = |pointer: &'static str, body: String| cases.push((pointer, body));
    // Not there.
    for pointer in [
        "/customer_id",
        "/items",
        "/items/0/product_id",
        "/items/0/quantity",
        "/items/0/price",
        "/shipping_address",
        "/shipping_address/street",
        "/shipping_address/city",
        "/shipping_address/state",
        "/shipping_address/zip",
        "/payment_method",
        "/payment_method/type",
    ] {
        case(pointer, without(good.clone(), pointer).to_string());
        case(pointer, with(good.clone(), pointer, Value::Null).to_string());
    }
    // Of the wrong type.
    for (pointer, wrong) in [
        ("/customer_id", json!(17)),
        ("/customer_id", json!({ "$ne": null })),
        ("/items", json!({ "0": {} })),
        ("/items", json!("[]")),
        ("/items/0", json!("tote")),
        ("/items/0/product_id", json!(5)),
        ("/items/0/product_id", json!("not-a-uuid")),
        ("/items/0/product_id", json!("")),
        ("/items/0/quantity", json!("2")),
        ("/items/0/quantity", json!(2.5)),
        ("/items/0/quantity", json!(true)),
        ("/items/0/quantity", json!([2])),
        ("/items/0/price", json!("24.99")),
        ("/items/0/price", json!(true)),
        ("/items/0/price", json!([24.99])),
        ("/items/0/price", json!({ "amount": 24.99 })),
        ("/shipping_address", json!("1 Harbor Way, Portland")),
        ("/shipping_address/street", json!(1)),
        ("/payment_method", json!("tok_ok")),
        ("/payment_method/type", json!(1)),
        ("/payment_method/token", json!(1)),
        ("/order_id", json!("17")),
        ("/order_id", json!(17)),
        ("/currency", json!(840)),
        ("/customer", json!("Ada")),
        ("/client", json!("laptop")),
    ] {
        case(pointer, with(good.clone(), pointer, wrong).to_string());
    }
    case("/customer/email", with(good.clone(), "/customer", json!({ "email": 1 })).to_string());
    let opened = with(good.clone(), "/customer", json!({ "created_at": "yesterday" }));
    case("/customer/created_at", opened.to_string());
    cases
}

/// Numbers and lists beyond their limits.
fn out_of_range(good: &Value) -> Vec<Wrong> {
    let mut cases = Vec::new();
    let mut case = |pointer: &'static str, body: String| cases.push((pointer, body));
    // Out of its range.
    for (pointer, wrong) in [
        ("/items", json!([])),
        ("/items", lines(101)),
        ("/items/0/quantity", json!(0)),
        ("/items/0/quantity", json!(-1)),
        ("/items/0/quantity", json!(1_000_000_000)),
        ("/items/0/quantity", json!(i64::MAX)),
        ("/items/0/price", json!(-1)),
        ("/items/0/price", json!(-0.01)),
        ("/items/0/price", json!(1_000_000.01)),
        ("/currency", json!("usd")),
        ("/currency", json!("")),
        ("/shipping_address/country", json!("Germany")),
        ("/shipping_address/country", json!("u\u{0}")),
        ("/payment_method/card_number", json!("41111111111111111111")),
    ] {
        case(pointer, with(good.clone(), pointer, wrong).to_string());
    }
    let heavy: Value = (0..100)
        .map(|n| json!({ "product_id": Uuid::from_u128(n + 1), "quantity": 10_000, "price": 1_000_000 }))
        .collect();
    case("/items", with(good.clone(), "/items", heavy).to_string());
    let numbers = |from: &str, to: &str| good.to_string().replace(from, to);
    for price in
        ["24.999", "1e2", "2499E-2", "99999999999999999999", &format!("24.{}", "9".repeat(5_000)), "-0.001"]
    {
        case("/items/0/price", numbers("24.99", price));
    }
    for quantity in ["9223372036854775808", "1e3", "1.0", "-9223372036854775809"] {
        case("/items/0/quantity", numbers("\"quantity\":1", &format!("\"quantity\":{quantity}")));
    }
    cases
}

/// Texts that are empty, too long, or have control characters; and bodies that are no orders.
fn texts(good: &Value) -> Vec<Wrong> {
    let mut cases = Vec::new();
    let mut case = |pointer: &'static str, body: String| cases.push((pointer, body));
    let long = "x".repeat(10_000);
    // Texts that are empty, too long, or have control characters.
    for pointer in [
        "/customer_id",
        "/shipping_address/street",
        "/shipping_address/city",
        "/shipping_address/state",
        "/shipping_address/zip",
        "/payment_method/type",
        "/payment_method/token",
    ] {
        for text in ["", "   ", "\u{3000}", "a\u{0}b", "two\nlines", "\u{1b}[2J", "a\u{85}b", &long] {
            case(pointer, with(good.clone(), pointer, json!(text)).to_string());
        }
    }
    for field in ["name", "email", "phone"] {
        let pointer = ["/customer/name", "/customer/email", "/customer/phone"]
            .into_iter()
            .find(|pointer| pointer.ends_with(field))
            .unwrap();
        case(pointer, with(good.clone(), "/customer", json!({ field: long })).to_string());
        case(pointer, with(good.clone(), "/customer", json!({ field: "a\u{0}b" })).to_string());
    }
    case("/client/user_agent", with(good.clone(), "/client", json!({ "user_agent": long })).to_string());
    // The body as a whole.
    for body in ["null", "true", "17", "\"order\""] {
        case("", body.to_owned());
    }
    case("/customer_id", "{}".to_owned());
    let twice = good.to_string().replacen('{', "{\"customer_id\":\"other\",", 1);
    case("/customer_id", twice);
    cases
}

fn catalogue(product: Uuid) -> Vec<Case> {
    let good = json!({ "name": "Mug", "description": "white", "price": 7.5, "quantity": 10 });
    let long = "x".repeat(10_000);
    let mut cases = Vec::new();
    let mut case = |method: Method, path: &str, pointer: &'static str, body: Value| {
        let (service, path, body) = ("inventory", path.to_owned(), body.to_string());
        cases.push(Case { service, method, path, body, pointer });
    };
    for (pointer, wrong) in [
        ("/name", json!("")),
        ("/name", json!(long)),
        ("/name", json!("a\u{0}b")),
        ("/name", json!(17)),
        ("/description", json!(long)),
        ("/description", json!("a\u{0}b")),
        ("/price", json!(-0.01)),
        ("/price", json!("7.50")),
        ("/price", json!(7.555)),
        ("/price", json!(1e20)),
        ("/quantity", json!(-1)),
        ("/quantity", json!(1_000_000_001)),
        ("/quantity", json!(1.5)),
        ("/quantity", json!("10")),
        ("/id", json!("17")),
        ("/currency", json!("dollars")),
        ("/category", json!("")),
        ("/sku", json!("two\nlines")),
    ] {
        case(Method::POST, "/products", pointer, with(good.clone(), pointer, wrong));
    }
    for pointer in ["/name", "/price", "/quantity"] {
        case(Method::POST, "/products", pointer, without(good.clone(), pointer));
    }
    let one = format!("/products/{product}");
    for (pointer, patch) in [
        ("/name", json!({ "name": " " })),
        ("/price", json!({ "price": -1 })),
        ("/price", json!({ "price": "1.00" })),
        ("/currency", json!({ "currency": "$" })),
        ("/sku", json!({ "sku": long })),
        ("/quantity", json!({ "quantity": 5 })),
        ("/reserved_quantity", json!({ "reserved_quantity": 0 })),
    ] {
        case(Method::PATCH, &one, pointer, patch);
    }
    let stock = format!("/products/{product}/stock");
    for (pointer, body) in [
        ("/delta", json!({ "reason": "count" })),
        ("/delta", json!({ "delta": 0, "reason": "count" })),
        ("/delta", json!({ "delta": 1, "on_hand": 5, "reason": "count" })),
        ("/delta", json!({ "delta": i64::MIN, "reason": "count" })),
        ("/delta", json!({ "delta": 1.5, "reason": "count" })),
        ("/on_hand", json!({ "on_hand": -1, "reason": "count" })),
        ("/on_hand", json!({ "on_hand": "5", "reason": "count" })),
        ("/reason", json!({ "delta": 1 })),
        ("/reason", json!({ "delta": 1, "reason": "" })),
        ("/reason", json!({ "delta": 1, "reason": long })),
    ] {
        case(Method::POST, &stock, pointer, body);
    }
    for (pointer, products) in [
        ("/products/1/price", json!([good, with(good.clone(), "/price", json!(-1))])),
        ("/products/0/name", json!([without(good.clone(), "/name")])),
        ("/products", json!("all")),
        ("/products", json!(vec![good; 501])),
    ] {
        case(Method::POST, "/products/batch", pointer, json!({ "products": products }));
    }
    cases
}

fn resolutions() -> Vec<Case> {
    let path = format!("/transactions/{}/resolve", Uuid::new_v4());
    [
        ("/captured", json!({ "note": "seen" })),
        ("/captured", json!({ "captured": "no", "note": "seen" })),
        ("/note", json!({ "captured": false })),
        ("/note", json!({ "captured": false, "note": " " })),
        ("/note", json!({ "captured": false, "note": "a\u{0}b" })),
        ("/note", json!({ "captured": false, "note": "x".repeat(501) })),
    ]
    .into_iter()
    .map(|(pointer, body)| Case {
        service: "payment",
        method: Method::POST,
        path: path.clone(),
        body: body.to_string(),
        pointer,
    })
    .collect()
}

#[tokio::test]
async fn every_field_that_makes_no_sense_is_refused_by_name_and_nothing_is_stored() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(100).await;
    // The outbox rows of the product are marked as sent, not added to, while the cases run.
    let mut cases = orders(product);
    cases.extend(catalogue(product.id));
    cases.extend(resolutions());
    assert!(cases.len() > 180, "{} cases", cases.len());
    assert_refused(&platform, cases).await;

    // Several at once are all named.
    let good = order_body(product, 0, "");
    let refused =
        platform.post("order", "/orders", &with(good, "/shipping_address/country", json!("x"))).await;
    assert_fields(
        &assert_problem(&refused, 422, "/orders"),
        &["/items/0/quantity", "/shipping_address/country", "/payment_method/token"],
    );
    assert_eq!(platform.count("order", "SELECT count(*) FROM orders").await, 0);
    assert_eq!(platform.stock(product).await, (100, 0));
}

#[tokio::test]
async fn what_is_unusual_but_makes_sense_is_taken_to_the_letter() {
    let platform = Platform::start(Options::default()).await;
    let free = json!({ "name": "¡Gratis! 🎁 \u{202e}\u{2066} \"quoted\" <b>&amp;</b> 'x'; --", "price": 0, "quantity": 1 });
    let product = platform.post("inventory", "/products", &free).await.expect(201);
    assert_eq!(product["name"], free["name"]);
    let product =
        system_tests::Product { id: product["id"].as_str().unwrap().parse().unwrap(), price_minor: 0 };

    let mut body = order_body(product, 1, "tok_ok");
    for (pointer, text) in [
        ("/customer_id", "客户-17 \u{1F469}\u{200D}\u{1F680} e\u{301}"),
        ("/shipping_address/street", "Ул. Льва Толстого, 16; DROP TABLE orders; --"),
        ("/shipping_address/city", "<script>alert(1)</script>"),
        ("/shipping_address/state", "{{7*7}} ${jndi:ldap://x} %s %n"),
        ("/shipping_address/zip", "\\\" ' \u{2028}"),
    ] {
        body = with(body, pointer, json!(text));
    }
    let id = platform.place_body(&body).await;
    let shown = platform.until_status(id, "confirmed").await;
    assert_eq!(shown["customer_id"], body["customer_id"]);
    assert_eq!(shown["shipping_address"], body["shipping_address"]);
    assert_eq!(shown["total_amount"], 0.0);

    // The longest order there is: a hundred lines of the longest texts, through every service.
    let ids: Vec<Uuid> = (0..100).map(|_| Uuid::new_v4()).collect();
    let products: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "id": id, "name": format!("Part {id}"), "price": 0.01, "quantity": 10_000 }))
        .collect();
    let made = platform.post("inventory", "/products/batch", &json!({ "products": products })).await;
    assert_eq!(made.expect(200)["created"], 100);
    let lines: Value =
        ids.iter().map(|id| json!({ "product_id": id, "quantity": 10_000, "price": 0.010 })).collect();
    let mut body = with(order_body(product, 1, "tok_ok"), "/items", lines);
    for pointer in ["/shipping_address/street", "/shipping_address/city", "/shipping_address/state"] {
        body = with(body, pointer, json!("🏠".repeat(200)));
    }
    body = with(body, "/customer_id", json!("🙂".repeat(128)));
    let id = platform.place_body(&body).await;
    let shown = platform.until_status(id, "confirmed").await;
    assert_eq!(shown["total_amount"], 10_000.0);
    assert_eq!(shown["items"].as_array().unwrap().len(), 100);
    let unusual = send(&platform, Method::GET, "order", "/orders?customer_id=%F0%9F%99%82", None, &[]).await;
    assert_eq!(unusual.expect(200)["items"], json!([]));
    platform.assert_sound().await;
}
