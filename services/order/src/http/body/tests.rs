//! Every limit of an order's body, from both sides.

use serde_json::{Value, json};

use super::*;

const PRODUCT: &str = "6f1c7c0e-5a4b-5d0e-9c55-0b8f6a6f2f11";
const OTHER: &str = "6f1c7c0e-5a4b-5d0e-9c55-0b8f6a6f2f12";

fn body() -> Value {
    json!({
        "customer_id": "customer-17",
        "items": [{"product_id": PRODUCT, "quantity": 2, "price": 24.99}],
        "shipping_address": {"street": "1 Harbor Way", "city": "Portland", "state": "OR", "zip": "97201"},
        "payment_method": {"type": "credit_card", "token": "tok_ok"},
    })
}

fn with(pointer: &str, value: Value) -> Value {
    let mut body = body();
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(rows) => rows[field.parse::<usize>().unwrap()] = value,
        Value::Object(fields) => drop(fields.insert(field.to_owned(), value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            panic!("{parent} has no fields")
        }
    }
    body
}

fn check(body: &Value) -> Result<Checked, Problem> {
    // Through text, as it comes from the socket.
    serde_json::from_str::<PlaceBody>(&body.to_string()).expect("well-formed").check()
}

/// The pointers of the fields that are refused.
fn refused(body: &Value) -> Vec<String> {
    let problem = check(body).expect_err("to be refused");
    assert_eq!(problem.status().as_u16(), 422);
    let document = problem.document("/orders", "0");
    let errors = document["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
}

fn lines(count: usize) -> Value {
    (0..count)
        .map(|n| json!({"product_id": Uuid::from_u128(n as u128 + 1), "quantity": 1, "price": 1}))
        .collect()
}

#[test]
fn an_order_is_read_to_the_cent_and_in_dollars_unless_it_says_otherwise() {
    let checked = check(&body()).unwrap();
    assert_eq!((checked.order.total_minor, checked.order.currency), (4998, Currency::USD));
    assert_eq!(checked.order.items[0].unit_price_minor, 2499);
    assert_eq!(check(&with("/currency", json!("EUR"))).unwrap().order.currency.as_str(), "EUR");
}

#[test]
fn every_field_out_of_its_range_is_refused_by_name() {
    let long = "x".repeat(201);
    for (pointer, value) in [
        ("/customer_id", json!("")),
        ("/customer_id", json!("c".repeat(129))),
        ("/customer_id", json!("a\u{0}b")),
        ("/items", json!([])),
        ("/items", lines(101)),
        ("/items/0/quantity", json!(0)),
        ("/items/0/quantity", json!(-1)),
        ("/items/0/quantity", json!(10_001)),
        ("/items/0/quantity", json!(1_000_000_000)),
        ("/items/0/quantity", json!(i64::MAX)),
        ("/items/0/price", json!(-0.01)),
        ("/items/0/price", json!(1_000_000.01)),
        ("/currency", json!("usd")),
        ("/currency", json!("DOLLAR")),
        ("/shipping_address/street", json!(" ")),
        ("/shipping_address/street", json!(long)),
        ("/shipping_address/city", json!("a\u{0}")),
        ("/shipping_address/state", json!("")),
        ("/shipping_address/zip", json!("9".repeat(51))),
        ("/shipping_address/country", json!("us")),
        ("/shipping_address/country", json!("USA")),
        ("/payment_method/type", json!("")),
        ("/payment_method/token", json!("4111111111111111")),
    ] {
        assert_eq!(refused(&with(pointer, value.clone())), [pointer], "{pointer} = {value}");
    }
    let people = with(
        "/customer",
        json!({"name": "", "email": "e".repeat(255), "created_at": "+12345-01-01T00:00:00Z"}),
    );
    assert_eq!(refused(&people), ["/customer/name", "/customer/email", "/customer/created_at"]);
    let device = with("/client", json!({"user_agent": "u".repeat(513)}));
    assert_eq!(refused(&device), ["/client/user_agent"]);
}

#[test]
fn every_field_at_its_limit_is_taken() {
    for (pointer, value) in [
        ("/customer_id", json!("c".repeat(128))),
        ("/items", lines(100)),
        ("/items/0/quantity", json!(10_000)),
        ("/items/0/price", json!(1_000_000.00)),
        ("/items/0/price", json!(0)),
        ("/shipping_address/street", json!("é".repeat(200))),
        ("/shipping_address/country", json!("XX")),
        ("/payment_method/token", json!(null)),
        ("/order_id", json!("0199c3f2-7a10-7001-8000-000000000001")),
    ] {
        assert!(check(&with(pointer, value.clone())).is_ok(), "{pointer} = {value}");
    }
}

#[test]
fn a_total_that_other_services_could_not_read_back_is_refused() {
    let dear: Vec<Value> = (0..2)
        .map(|n| json!({"product_id": Uuid::from_u128(n + 1), "quantity": 10_000, "price": 1_000_000}))
        .collect();
    assert_eq!(refused(&with("/items", json!(dear))), ["/items"]);
    assert!(check(&with("/items", json!([dear[0]]))).is_ok());
}

#[test]
fn all_bad_fields_are_named_at_once() {
    let mut bad = with("/items/0/quantity", json!(0));
    bad["currency"] = json!("dollars");
    bad["shipping_address"]["zip"] = json!("");
    assert_eq!(refused(&bad), ["/items/0/quantity", "/currency", "/shipping_address/zip"]);
}

#[test]
fn the_same_product_twice_becomes_one_line_when_the_prices_agree() {
    let line = |product: &str, quantity: u32, price: f64| json!({"product_id": product, "quantity": quantity, "price": price});
    let merged =
        check(&with("/items", json!([line(PRODUCT, 2, 1.5), line(OTHER, 1, 3.0), line(PRODUCT, 3, 1.5)])))
            .unwrap();
    let quantities: Vec<u32> = merged.order.items.iter().map(|line| line.quantity).collect();
    assert_eq!((quantities, merged.order.total_minor), (vec![5, 1], 1050));

    assert_eq!(
        refused(&with("/items", json!([line(PRODUCT, 2, 1.5), line(PRODUCT, 3, 1.6)]))),
        ["/items/1/price"]
    );
    let many = with("/items", json!([line(PRODUCT, 9_999, 1.5), line(PRODUCT, 2, 1.5)]));
    assert_eq!(refused(&many), ["/items/1/quantity"]);
}

#[test]
fn a_card_number_becomes_brand_and_last_four_and_is_nowhere_else() {
    let checked = check(&with("/payment_method/card_number", json!("4242424242424242"))).unwrap();
    let payment = &checked.order.payment_method;
    assert_eq!(payment.card_brand.as_deref(), Some("visa"));
    assert_eq!(payment.card_last_four.as_deref(), Some("4242"));
    assert!(!format!("{checked:?}").contains("42424242"));
}

#[test]
fn requests_that_mean_the_same_have_the_same_hash_and_others_have_not() {
    let first = check(&body()).unwrap().body_sha256;
    assert_eq!(check(&with("/items/0/price", json!(24.990))).unwrap().body_sha256, first);
    assert_eq!(check(&with("/currency", json!("USD"))).unwrap().body_sha256, first);
    assert_eq!(check(&with("/some_new_field", json!(1))).unwrap().body_sha256, first);
    for (pointer, value) in [
        ("/items/0/quantity", json!(3)),
        ("/customer_id", json!("customer-18")),
        ("/shipping_address/zip", json!("97202")),
        ("/payment_method/token", json!("tok_declined")),
        ("/customer", json!({"name": "Ada"})),
    ] {
        assert_ne!(check(&with(pointer, value)).unwrap().body_sha256, first, "{pointer}");
    }
}
