//! Requests that cannot be read at all, are too large, or go to the wrong place.

use reqwest::Method;
use serde_json::json;
use system_tests::{Answer, Options, Platform, order_body};
use uuid::Uuid;

use super::{Rows, SERVICES, assert_problem, send};

const JSON: (&str, &[u8]) = ("content-type", b"application/json");

async fn post_bytes(platform: &Platform, body: Vec<u8>, headers: &[(&str, &[u8])]) -> Answer {
    let url = platform.url("order", "/orders");
    platform.http().send_bytes(Method::POST, &url, body, headers).await.unwrap()
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_and_nothing_is_stored() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10).await;
    let good = order_body(product, 1, "tok_ok").to_string();
    let mut rows = Rows::of(&platform, "order").await;
    let before = rows.count().await;

    let mut no_utf8 = good.clone().into_bytes();
    let place = good.find("customer-17").unwrap();
    no_utf8[place] = 0xff;
    let malformed: Vec<Vec<u8>> = [
        "",
        " ",
        "{",
        "}",
        "order",
        "{'customer_id': 'x'}",
        "{\"customer_id\": \"x\",}",
        "{\"customer_id\": \"x\"",
        "{\"customer_id\": NaN}",
        "{\"customer_id\": \"\\ud800\"}",
        "{\"customer_id\": \"a\u{1}b\"}",
        "{\"items\": [{\"product_id\": 01}]}",
        "\u{feff}{}",
        "customer_id=x&items=1",
        "<order/>",
        &format!("{good} {good}"),
        &good[..good.len() - 1],
        &"[".repeat(100_000),
        &"{\"a\":".repeat(40_000),
        &good.replace("24.99", &"[".repeat(100_000)),
        &good.replace("24.99", "24.9.9"),
        &good.replace("\"customer-17\"", &"[".repeat(100_000)),
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([no_utf8])
    .collect();
    for body in malformed {
        let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
        let answer = post_bytes(&platform, body, &[JSON]).await;
        assert!([400, 422].contains(&answer.status.as_u16()), "{shown}: {} {}", answer.status, answer.text);
        assert_problem(&answer, answer.status.as_u16(), "/orders");
        assert!(answer.text.len() < 2_000, "the answer repeats what was sent");
        assert_eq!(rows.count().await, before, "{shown} was stored");
    }

    for kind in [None, Some("text/plain"), Some("application/xml"), Some("application/x-www-form-urlencoded")]
    {
        let headers: Vec<(&str, &[u8])> = kind.iter().map(|kind| ("content-type", kind.as_bytes())).collect();
        let answer = post_bytes(&platform, good.clone().into_bytes(), &headers).await;
        assert_eq!(answer.status, 415, "{kind:?}: {}", answer.text);
        assert_problem(&answer, 415, "/orders");
    }
    let nothing = send(&platform, Method::POST, "order", "/orders", None, &[]).await;
    assert_problem(&nothing, 415, "/orders");

    // 300 KiB, in a field that matters and in one that does not.
    for field in ["customer_id", "a_field_of_next_year"] {
        let large = good.replacen('{', &format!("{{\"{field}\":\"{}\",", "x".repeat(300 * 1024)), 1);
        let answer = post_bytes(&platform, large.into_bytes(), &[JSON]).await;
        assert_problem(&answer, 413, "/orders");
    }
    assert_eq!(rows.count().await, before);

    // Depth in a field that nobody reads costs nothing and harms nobody.
    let deep = format!("{{\"ignored\":{}{},", "[".repeat(50_000), "]".repeat(50_000));
    let answer = post_bytes(&platform, good.replacen('{', &deep, 1).into_bytes(), &[JSON]).await;
    assert!(!answer.status.is_server_error(), "{}", answer.text);

    // It still serves, and takes JSON under its other names.
    for kind in ["application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json"] {
        let headers: [(&str, &[u8]); 1] = [("content-type", kind.as_bytes())];
        let answer = post_bytes(&platform, good.clone().into_bytes(), &headers).await;
        assert_eq!(answer.status, 201, "{kind}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_bad_id_is_400_an_unknown_one_404_a_wrong_method_405_and_an_unknown_path_404() {
    let platform = Platform::start(Options::default()).await;
    let reason = json!({ "reason": "x" });
    let stock = json!({ "delta": 1, "reason": "x" });
    let resolution = json!({ "captured": true, "note": "x" });
    let patch = json!({ "price": 1 });
    let with_id = [
        (Method::GET, "order", "/orders/{id}", None),
        (Method::GET, "order", "/orders/{id}/saga-logs", None),
        (Method::POST, "order", "/orders/{id}/cancel", Some(&reason)),
        (Method::GET, "inventory", "/products/{id}", None),
        (Method::PATCH, "inventory", "/products/{id}", Some(&patch)),
        (Method::POST, "inventory", "/products/{id}/stock", Some(&stock)),
        (Method::GET, "inventory", "/reservations/{id}", None),
        (Method::GET, "payment", "/transactions/{id}", None),
        (Method::POST, "payment", "/transactions/{id}/resolve", Some(&resolution)),
        (Method::GET, "payment", "/refunds/{id}", None),
        (Method::POST, "payment", "/refunds/{id}/retry", None),
        (Method::GET, "payment", "/ledger/{id}", None),
        (Method::GET, "shipping", "/shipments/{id}", None),
        (Method::POST, "shipping", "/shipments/{id}/dispatch", None),
        (Method::POST, "shipping", "/shipments/{id}/deliver", None),
    ];
    let unknown = Uuid::new_v4().to_string();
    for (method, service, path, body) in with_id {
        for bad in ["17", "not-a-uuid", "%00", "%ff", "..%2f..%2fetc", "'%20OR%201=1", &"x".repeat(10_000)] {
            let path = path.replace("{id}", bad);
            let answer = send(&platform, method.clone(), service, &path, body, &[]).await;
            assert_eq!(answer.status, 400, "{method} {service}{path}: {}", answer.text);
            assert_problem(&answer, 400, &path);
        }
        let path = path.replace("{id}", &unknown);
        let answer = send(&platform, method.clone(), service, &path, body, &[]).await;
        assert_eq!(answer.status, 404, "{method} {service}{path}: {}", answer.text);
        assert_problem(&answer, 404, &path);
        // No resource can be deleted or replaced.
        for wrong in [Method::DELETE, Method::PUT] {
            let answer = send(&platform, wrong.clone(), service, &path, body, &[]).await;
            assert_eq!(answer.status, 405, "{wrong} {service}{path}: {}", answer.text);
            assert_problem(&answer, 405, &path);
            let allowed = answer.headers["allow"].to_str().unwrap();
            assert!(allowed.contains(method.as_str()), "{path} allows {allowed}");
        }
    }
    for (method, service, path) in [
        (Method::DELETE, "order", "/orders"),
        (Method::POST, "order", "/orders/metrics"),
        (Method::GET, "order", "/orders/batch/x/y"),
        (Method::PUT, "inventory", "/products"),
        (Method::POST, "inventory", "/stock/audit"),
        (Method::POST, "payment", "/ledger/audit"),
        (Method::POST, "shipping", "/health"),
    ] {
        let answer = send(&platform, method, service, path, Some(&json!({})), &[]).await;
        assert!([404, 405].contains(&answer.status.as_u16()), "{path}: {}", answer.text);
        assert_problem(&answer, answer.status.as_u16(), path);
    }
    for service in SERVICES {
        for path in ["/", "/nowhere", "/orders/", "/.env", "/admin", "//", "/saga-logs"] {
            let answer = platform.ask(service, path).await;
            assert_eq!(answer.status, 404, "{service}{path}: {}", answer.text);
            assert_problem(&answer, 404, path);
        }
        let answer = platform.ask(service, "/saga-logs/17").await;
        assert_problem(&answer, 400, "/saga-logs/17");
        assert!(platform.saga_log(service, Uuid::new_v4()).await.is_empty());
        assert_eq!(platform.count(service, "SELECT count(*) FROM saga_log").await, 0, "{service}");
    }
}
