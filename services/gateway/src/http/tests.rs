//! The front door with services behind it that answer well, badly, late or not at all.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, Method, Request, Uri, header},
};
use chassis::http::Correlation;
use serde_json::{Value, json};
use shared_events::CorrelationId;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::*;
use crate::upstream::Address;

mod faults;

const PATIENCE: Duration = Duration::from_secs(1);
const ORDER: &str = "0199c3f2-7a10-7001-8000-000000000001";

/// A request as a service saw it.
#[derive(Clone, Debug)]
struct Seen {
    line: String,
    headers: HeaderMap,
    body: Bytes,
}

/// What a service answers to every call.
#[derive(Clone)]
enum Answer {
    Now(StatusCode, &'static [(&'static str, &'static str)], String),
    Never,
}

fn json(status: StatusCode, body: &str) -> Answer {
    Answer::Now(status, &[("content-type", "application/json")], body.to_owned())
}

fn problem(status: u16, code: &str) -> Answer {
    let body =
        json!({"type": "about:blank", "status": status, "code": code, "detail": "not so", "errors": []});
    Answer::Now(
        StatusCode::from_u16(status).expect("a status"),
        &[("content-type", "application/problem+json")],
        body.to_string(),
    )
}

/// A service that gives one answer, and remembers what it was asked.
async fn service(answer: Answer) -> (Address, Arc<Mutex<Vec<Seen>>>) {
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let remembered = seen.clone();
    let respond = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
        let (answer, seen) = (answer.clone(), remembered.clone());
        async move {
            seen.lock().expect("not poisoned").push(Seen { line: format!("{method} {uri}"), headers, body });
            match answer {
                Answer::Never => std::future::pending().await,
                Answer::Now(status, headers, body) => {
                    let mut response = (status, body).into_response();
                    for (name, value) in headers {
                        response.headers_mut().insert(*name, value.parse().expect("a header value"));
                    }
                    response
                }
            }
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(axum::serve(listener, Router::new().fallback(respond)).into_future());
    (address.parse().expect("a usable address"), seen)
}

/// An address that nobody listens on.
async fn nobody() -> Address {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address")).parse().expect("a usable address")
}

/// The front door with the same service everywhere.
fn door(address: &Address) -> Router {
    door_with(|_| address.clone())
}

fn door_with(mut address: impl FnMut(shared_events::Service) -> Address) -> Router {
    let upstreams = Upstreams::new(PATIENCE, |service| Ok::<_, std::convert::Infallible>(address(service)));
    let Ok(upstreams) = upstreams;
    let routes: OpenApiRouter<Upstreams> = behind_the_door();
    let (router, _) = routes.with_state(upstreams).split_for_parts();
    router.layer(middleware::from_fn(upstream::hand_on))
}

async fn get(door: &Router, path: &str) -> Response {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    door.clone().oneshot(request).await.expect("infallible")
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 24).await.expect("a body");
    String::from_utf8(bytes.into()).expect("text")
}

/// What is wrong, as the layer around all routes would write it.
fn told(response: &Response) -> Value {
    response.extensions().get::<Problem>().expect("a problem").document("/", "")
}

#[tokio::test]
async fn answers_are_handed_on_byte_for_byte() {
    let headers: &[_] = &[("content-type", "application/json"), ("x-next-cursor", "7"), ("server", "secret")];
    let (address, seen) =
        service(Answer::Now(StatusCode::OK, headers, r#"[ {"price": 25.00} ]"#.into())).await;
    let answer = get(&door(&address), "/api/products?q=a%26b&limit=1").await;
    assert_eq!(answer.headers()["x-next-cursor"], "7");
    assert!(answer.headers().get("server").is_none());
    assert_eq!(text(answer).await, r#"[ {"price": 25.00} ]"#);
    assert_eq!(seen.lock().unwrap()[0].line, "GET /products?q=a%26b&limit=1");
}

#[tokio::test]
async fn an_order_keeps_its_key_its_correlation_and_its_trace_on_the_way() {
    let headers: &[_] = &[("location", "/orders/1"), ("idempotency-replayed", "true")];
    let (address, seen) = service(Answer::Now(StatusCode::OK, headers, "{}".into())).await;
    let correlation = Uuid::now_v7();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let body = r#"{"customer_id": "c",  "items": [{"price": 25.00}]}"#;
    let request = Request::post("/api/orders")
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", "mine")
        .header("traceparent", trace)
        .header("authorization", "not for them")
        .extension(Correlation(CorrelationId(correlation)))
        .body(Body::from(body))
        .unwrap();
    let answer = door(&address).oneshot(request).await.unwrap();
    assert_eq!(answer.headers()[header::LOCATION], "/api/orders/1");
    assert_eq!(answer.headers()["idempotency-replayed"], "true");
    let seen = seen.lock().unwrap()[0].clone();
    assert_eq!((seen.line.as_str(), seen.body.as_ref()), ("POST /orders", body.as_bytes()));
    assert_eq!(seen.headers["idempotency-key"], "mine");
    assert_eq!(seen.headers["x-correlation-id"], correlation.to_string().as_str());
    assert_eq!(seen.headers["traceparent"], trace);
    assert!(seen.headers.get("authorization").is_none());
}

#[tokio::test]
async fn what_is_no_json_never_reaches_a_service() {
    let (address, seen) = service(json(StatusCode::OK, "{}")).await;
    for (kind, body, status) in [("text/plain", "{}", 415), ("application/json", "{", 400)] {
        let request = Request::post("/api/ai/fraud-check").header(header::CONTENT_TYPE, kind);
        let answer = door(&address).oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
    }
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn what_a_service_does_not_have_is_null_but_a_proxys_404_is_nonsense() {
    let (address, _) = service(problem(404, "not_found")).await;
    let door_of_none = door(&address);
    for what in ["reservations", "transactions", "shipments", "notifications", "assessments"] {
        let answer = get(&door_of_none, &format!("/api/{what}/{ORDER}")).await;
        assert_eq!((answer.status().as_u16(), text(answer).await.as_str()), (200, "null"), "{what}");
    }
    assert_eq!(get(&door_of_none, &format!("/api/orders/{ORDER}")).await.status(), 404);
    let (proxy, _) = service(Answer::Now(StatusCode::NOT_FOUND, &[], "<html>".into())).await;
    let answer = get(&door(&proxy), &format!("/api/shipments/{ORDER}")).await;
    assert_eq!((answer.status().as_u16(), &told(&answer)["code"]), (502, &json!("upstream_nonsense")));
}

#[tokio::test]
async fn one_service_away_is_a_clear_problem_and_the_rest_works() {
    let (there, _) = service(json(StatusCode::OK, "[]")).await;
    let away = nobody().await;
    let door = door_with(|service| match service.name() {
        "analytics" => away.clone(),
        _ => there.clone(),
    });
    let answer = get(&door, "/api/metrics").await;
    let told = told(&answer);
    assert_eq!((answer.status().as_u16(), &told["code"]), (502, &json!("upstream_unreachable")));
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains("analytics") && detail.contains(&away.to_string()), "{detail}");
    assert_eq!(get(&door, "/api/products").await.status(), 200);
}

#[tokio::test]
async fn a_slow_service_is_given_up_in_time_and_the_caller_told_to_come_back() {
    let (address, _) = service(Answer::Never).await;
    let started = std::time::Instant::now();
    let answer = get(&door(&address), "/api/products").await;
    assert!(started.elapsed() < PATIENCE * 5);
    assert_eq!((answer.status().as_u16(), &told(&answer)["code"]), (503, &json!("upstream_timeout")));
    assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
    let request = Request::post("/api/orders").header(header::CONTENT_TYPE, "application/json");
    let answer = door(&address).oneshot(request.body(Body::from("{}")).unwrap()).await.unwrap();
    assert!(told(&answer)["detail"].as_str().unwrap().contains("outcome is unknown"));
}

#[tokio::test]
async fn nonsense_is_not_passed_off_as_an_answer() {
    let long = format!("[\"{}\"]", "x".repeat(5 << 20));
    for answer in [
        json(StatusCode::OK, "<html>it works</html>"),
        json(StatusCode::OK, "{} {}"),
        json(StatusCode::OK, &long),
        json(StatusCode::INTERNAL_SERVER_ERROR, "oops"),
        Answer::Now(StatusCode::FOUND, &[("location", "http://127.0.0.1:1/")], String::new()),
    ] {
        let (address, seen) = service(answer).await;
        let answer = get(&door(&address), "/api/products").await;
        assert_eq!((answer.status().as_u16(), &told(&answer)["code"]), (502, &json!("upstream_nonsense")));
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_services_own_problem_passes_with_its_status() {
    for (status, code) in
        [(409, "already_shipped"), (503, "unavailable"), (400, "bad_query"), (500, "internal")]
    {
        let (address, _) = service(problem(status, code)).await;
        let answer = get(&door(&address), &format!("/api/orders/{ORDER}")).await;
        let told = told(&answer);
        assert_eq!((answer.status().as_u16(), &told["code"]), (status, &json!(code)));
        assert_eq!(told["detail"], "not so");
    }
    let errors = json!([{"pointer": "/items/0/quantity", "detail": "at least 1"}, {"pointer": "/customer_id", "detail": "empty"}]);
    let body = json!({"status": 422, "code": "invalid", "detail": "2 fields are not valid; see errors", "errors": errors});
    let (address, _) = service(json(StatusCode::UNPROCESSABLE_ENTITY, &body.to_string())).await;
    let answer = get(&door(&address), "/api/orders").await;
    assert_eq!((answer.status().as_u16(), &told(&answer)["errors"]), (422, &errors));
    let (address, _) = service(Answer::Now(StatusCode::SERVICE_UNAVAILABLE, &[], "busy".into())).await;
    let answer = get(&door(&address), "/api/orders").await;
    assert_eq!((answer.status().as_u16(), &told(&answer)["code"]), (503, &json!("upstream_unavailable")));
}

#[tokio::test]
async fn health_names_every_service_and_waits_for_none() {
    let (well, _) = service(json(StatusCode::OK, r#"{"status": "healthy"}"#)).await;
    let (unwell, _) = service(json(StatusCode::OK, r#"{"status": "degraded"}"#)).await;
    let (silent, _) = service(Answer::Never).await;
    let away = nobody().await;
    let door = door_with(|service| match service.name() {
        "payment" => unwell.clone(),
        "shipping" => silent.clone(),
        "ai" => away.clone(),
        _ => well.clone(),
    });
    let answer = get(&door, "/api/health").await;
    assert_eq!(answer.status(), 200);
    let health: Value = serde_json::from_str(&text(answer).await).unwrap();
    for (service, status) in [
        ("order", "healthy"),
        ("inventory", "healthy"),
        ("payment", "degraded"),
        ("shipping", "unreachable"),
        ("notification", "healthy"),
        ("analytics", "healthy"),
        ("ai", "unreachable"),
    ] {
        assert_eq!(health[service]["status"], status, "{service}");
    }
    assert_eq!(health["ai"]["url"], away.to_string());
    assert_eq!(health.as_object().unwrap().len(), 7);
}

#[tokio::test]
async fn a_timeline_tells_what_is_known_and_who_did_not_answer() {
    let row = json!([{
        "id": 4, "order_id": ORDER, "step": "command", "event_type": "order.placed", "status": "started", "note": "",
        "input": "command:place", "event_id": null, "causation_id": null, "correlation_id": ORDER, "emitted": [],
        "created_at": "2026-11-20T10:00:00Z",
    }]);
    let (order, seen) = service(json(StatusCode::OK, &row.to_string())).await;
    let (nothing, _) = service(json(StatusCode::OK, "[]")).await;
    let away = nobody().await;
    let door = door_with(|service| match service.name() {
        "order" => order.clone(),
        "shipping" => away.clone(),
        _ => nothing.clone(),
    });
    let answer = get(&door, &format!("/api/orders/{ORDER}/timeline")).await;
    let timeline: Value = serde_json::from_str(&text(answer).await).unwrap();
    assert_eq!(seen.lock().unwrap()[0].line, format!("GET /saga-logs/{ORDER}"));
    assert_eq!(timeline["order_id"], ORDER);
    assert_eq!(timeline["entries"].as_array().unwrap().len(), 1);
    assert_eq!(timeline["entries"][0]["service"], "order");
    assert_eq!(timeline["entries"][0]["caused_by"], Value::Null);
    assert_eq!(timeline["missing"][0]["service"], "shipping");
    let unknown = get(&door_with(|_| nothing.clone()), &format!("/api/orders/{ORDER}/timeline")).await;
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn an_id_that_is_none_is_refused_here() {
    let (address, seen) = service(json(StatusCode::OK, "{}")).await;
    for path in ["/api/orders/..%2Fproducts", "/api/shipments/1", "/api/orders/x/timeline"] {
        assert_eq!(get(&door(&address), path).await.status(), 400, "{path}");
    }
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn every_schema_that_is_listed_is_there() {
    let routes: OpenApiRouter = contracts();
    let (door, _) = routes.split_for_parts();
    let list: Value = serde_json::from_str(&text(get(&door, "/api/schemas").await).await).unwrap();
    let list = list.as_array().unwrap();
    assert!(list.len() >= shared_events::EventType::ALL.len());
    for link in list {
        let schema: Value =
            serde_json::from_str(&text(get(&door, link["url"].as_str().unwrap()).await).await).unwrap();
        assert_eq!(schema["properties"]["event_type"]["const"], link["event_type"]);
    }
    assert_eq!(get(&door, "/api/schemas/order.placed/99").await.status(), 404);
    let asyncapi: Value = serde_json::from_str(&text(get(&door, "/asyncapi.json").await).await).unwrap();
    assert!(asyncapi["asyncapi"].as_str().unwrap().starts_with("3."));
}
