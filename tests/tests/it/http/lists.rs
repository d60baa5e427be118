//! Lists: pages without a gap or a repeat, filters, and what is no filter.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use system_tests::{Options, Platform, Product, order_body};
use uuid::Uuid;

use super::{Is, assert_problem, assert_shape, with};

const ORDERS: usize = 450;

/// Places so many orders for products that nobody has, which therefore settle quickly.
async fn place_many(platform: &Platform, count: usize, customer: &str) -> Vec<String> {
    let nothing = Product { id: Uuid::from_u128(1), price_minor: 100 };
    let order = with(order_body(nothing, 1, "tok_ok"), "/customer_id", json!(customer));
    let answer =
        platform.post("order", "/orders/batch", &json!({ "orders": vec![order; count] })).await.expect(200);
    let rows = answer["results"].as_array().unwrap();
    rows.iter().map(|row| row["order"]["id"].as_str().unwrap().to_owned()).collect()
}

async fn page(platform: &Platform, query: &str) -> Value {
    let page = platform.get("order", &format!("/orders{query}")).await;
    assert_shape(&page, &[("items", Is::List)]);
    page
}

fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// Every id of a list, page by page; `between` happens after each page.
async fn walk(
    platform: &Platform,
    query: &str,
    limit: usize,
    mut between: impl AsyncFnMut(),
) -> (Vec<String>, usize) {
    let (mut all, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let shown = page(platform, &format!("?limit={limit}{query}{cursor}")).await;
        let found = ids(&shown);
        assert!(found.len() <= limit);
        all.extend(found.iter().cloned());
        pages += 1;
        let Some(next) = shown["next_cursor"].as_str() else { return (all, pages) };
        assert_eq!(found.len(), limit, "only the last page may be shorter");
        cursor = format!("&cursor={next}");
        between().await;
    }
}

#[tokio::test]
async fn four_hundred_and_fifty_orders_are_walked_page_by_page_without_a_gap_or_a_repeat() {
    let platform = Platform::start(Options::default()).await;
    let placed: BTreeSet<String> = place_many(&platform, ORDERS, "walker").await.into_iter().collect();
    assert_eq!(placed.len(), ORDERS);

    for limit in [200, 75, 37] {
        // Newer orders come to the front and must not push any of these over a page's edge.
        let newer = async || drop(place_many(&platform, 1, "passer-by").await);
        let (walked, pages) = walk(&platform, "", limit, newer).await;
        let unique: BTreeSet<&String> = walked.iter().collect();
        assert_eq!(unique.len(), walked.len(), "a repeat with limit {limit}");
        let missing: Vec<_> = placed.iter().filter(|id| !unique.contains(id)).collect();
        assert!(missing.is_empty(), "{} missing with limit {limit}", missing.len());
        assert!(pages >= ORDERS / limit);
    }
    let (of_customer, pages) = walk(&platform, "&customer_id=walker", 75, async || ()).await;
    assert_eq!(of_customer.into_iter().collect::<BTreeSet<_>>(), placed);
    assert_eq!(pages, 6, "a list that ends with a full page has no empty page behind it");

    let shown = page(&platform, "?limit=200").await;
    let times: Vec<&str> =
        shown["items"].as_array().unwrap().iter().map(|row| row["created_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "newest first");
    assert_eq!(ids(&page(&platform, "").await).len(), 50);
}

#[tokio::test]
async fn orders_are_found_by_status_customer_and_time_and_nonsense_is_refused() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10).await;
    let first = platform.place(product, 1, "tok_ok").await;
    let confirmed = platform.until_status(first, "confirmed").await;
    let quoted = "O'Neil & Søns; DROP TABLE orders; --";
    let second =
        platform.place_body(&with(order_body(product, 99, "tok_ok"), "/customer_id", json!(quoted))).await;
    let failed = platform.until_status(second, "failed").await;
    let (first, second) = (first.to_string(), second.to_string());
    let (early, late) = (confirmed["created_at"].as_str().unwrap(), failed["created_at"].as_str().unwrap());

    let quoted = "O%27Neil%20%26%20S%C3%B8ns%3B%20DROP%20TABLE%20orders%3B%20--";
    for (query, expected) in [
        ("?status=confirmed".to_owned(), vec![&first]),
        ("?status=failed".to_owned(), vec![&second]),
        ("?status=shipped".to_owned(), vec![]),
        ("?customer_id=customer-17".to_owned(), vec![&first]),
        (format!("?customer_id={quoted}"), vec![&second]),
        (format!("?customer_id={quoted}&status=confirmed"), vec![]),
        ("?customer_id=%27%20OR%201%3D1%20--".to_owned(), vec![]),
        (format!("?from={early}"), vec![&second, &first]),
        (format!("?from={late}"), vec![&second]),
        (format!("?to={late}"), vec![&first]),
        (format!("?from={early}&to={early}"), vec![]),
        (format!("?from={early}&to={late}&status=confirmed&limit=1"), vec![&first]),
        ("?from=1970-01-01T00:00:00Z&to=9999-12-31T23:59:59Z".to_owned(), vec![&second, &first]),
        ("?an_unknown_filter=1".to_owned(), vec![&second, &first]),
    ] {
        let shown = page(&platform, &query).await;
        assert_eq!(ids(&shown), expected.into_iter().cloned().collect::<Vec<_>>(), "{query}");
        assert!(shown["next_cursor"].is_null());
    }

    for query in [
        "status=lost",
        "status=",
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=many",
        "limit=99999999999999999999",
        "from=yesterday",
        "to=2026-13-01T00:00:00Z",
        "from=-250000-01-01T00:00:00Z",
        "to=-250000-01-01T00:00:00Z",
        "cursor=",
        "cursor=x",
        "cursor=-1-00000000000000000000000000000001",
        "cursor=9223372036854775807-00000000000000000000000000000001",
        "customer_id=a%00b",
        "limit=1&limit=2",
    ] {
        let answer = platform.ask("order", &format!("/orders?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
        assert_problem(&answer, 400, "/orders");
    }
    let long = platform.ask("order", &format!("/orders?customer_id={}", "x".repeat(10_000))).await;
    assert_eq!(long.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn the_catalogue_is_a_bare_array_that_is_walked_by_its_header() {
    let platform = Platform::start(Options::default()).await;
    assert_eq!(platform.get("inventory", "/products").await, json!([]));
    let named = |n: usize| json!({ "id": Uuid::from_u128(n as u128 + 1), "name": format!("Mug {n:03}"), "price": 7.5, "quantity": n });
    for part in [0..300, 300..450] {
        let body = json!({ "products": part.map(named).collect::<Vec<_>>() });
        let answer = platform.post("inventory", "/products/batch", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let list = async |query: &str| platform.ask("inventory", &format!("/products{query}")).await;
    let names = |answer: &system_tests::Answer| -> Vec<String> {
        let rows = answer.expect(200);
        rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&list("").await).len(), 200, "without a limit, the first 200");
    for limit in [200, 75] {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let answer = list(&format!("?limit={limit}{cursor}")).await;
            all.extend(names(&answer));
            let Some(next) = answer.headers.get("x-next-cursor") else { break };
            cursor = format!("&cursor={}", next.to_str().unwrap());
        }
        let expected: Vec<String> = (0..450).map(|n| format!("Mug {n:03}")).collect();
        assert_eq!(all, expected, "limit {limit}");
    }
    assert_eq!(names(&list("?q=mug%20449").await), ["Mug 449"]);
    assert!(names(&list("?q=%25").await).is_empty(), "a percent sign is no wildcard");
    assert!(names(&list("?q=Mug_449").await).is_empty(), "an underscore is no wildcard");
    assert!(names(&list("?q=%27%20OR%201%3D1%20--").await).is_empty());
    for query in ["limit=0", "limit=201", "limit=x", "cursor=x", "q=a%00b"] {
        assert_problem(&list(&format!("?{query}")).await, 400, "/products");
    }
    assert_problem(&list(&format!("?q={}", "x".repeat(10_000))).await, 400, "/products");
}
