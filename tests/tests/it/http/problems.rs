//! What every answer carries: correlation, trace context, and nothing about the inside.

use reqwest::Method;
use serde_json::json;
use system_tests::{Options, Platform};
use uuid::Uuid;

use super::{SERVICES, assert_problem, send};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_correlation_id_and_a_trace_go_through_every_answer_well_or_not() {
    let platform = Platform::start(Options::default()).await;
    let unknown = format!("/orders/{}", Uuid::new_v4());
    let calls = SERVICES.into_iter().flat_map(|service| {
        [(service, "/livez"), (service, "/health"), (service, "/nowhere"), (service, "/saga-logs/17")]
    });
    for (service, path) in calls.chain([("order", unknown.as_str()), ("order", "/orders?limit=0")]) {
        let mine = Uuid::new_v4().to_string();
        let headers = [("x-correlation-id", mine.as_str()), ("traceparent", TRACE)];
        let answer = send(&platform, Method::GET, service, path, None, &headers).await;
        assert_eq!(answer.headers["x-correlation-id"], mine, "{service}{path}");
        assert_eq!(answer.headers["traceparent"], TRACE, "{service}{path}");
        if !answer.status.is_success() {
            let instance = path.split('?').next().unwrap();
            assert_problem(&answer, answer.status.as_u16(), instance);
        }

        // What is no id or no trace is neither returned nor believed.
        for nonsense in ["", "17", "<script>alert(1)</script>", "x\u{fffd}"] {
            let headers = [("x-correlation-id", nonsense), ("traceparent", "00-zz-zz-01")];
            let answer = send(&platform, Method::GET, service, path, None, &headers).await;
            let given = answer.headers["x-correlation-id"].to_str().unwrap();
            assert!(Uuid::parse_str(given).is_ok(), "{service}{path}: {given}");
            assert!(!answer.headers.contains_key("traceparent"), "{service}{path}");
        }
        let other = send(&platform, Method::GET, service, path, None, &[]).await;
        assert_ne!(other.headers["x-correlation-id"], mine);
    }
}

#[tokio::test]
async fn a_failure_inside_is_a_problem_that_tells_nothing_about_the_inside() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(1).await;
    platform.sql("order", "ALTER TABLE orders RENAME TO mislaid").await;
    let body = system_tests::order_body(product, 1, "tok_ok");
    for answer in [
        platform.ask("order", "/orders").await,
        platform.ask("order", "/orders/metrics").await,
        platform.post("order", "/orders", &body).await,
    ] {
        let path = answer.json()["instance"].as_str().unwrap().to_owned();
        assert_problem(&answer, 500, &path);
        for inside in ["mislaid", "does not exist", "SELECT", "sqlx", "postgres", "panicked"] {
            assert!(!answer.text.contains(inside), "{inside} in {}", answer.text);
        }
    }
    assert!(platform.log("order").contains("relation"), "the log has the cause");
    platform.sql("order", "ALTER TABLE mislaid RENAME TO orders").await;
    assert_eq!(platform.get("order", "/orders").await["items"], json!([]));
    let id = platform.place_body(&body).await;
    platform.until_status(id, "confirmed").await;
}
