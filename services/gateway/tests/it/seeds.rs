//! The adapters against a catalogue and an order service of a few lines, with a real database.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, Request, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chassis::http::Problem;
use gateway_service::{
    seeds::{Seeds, routes},
    upstream::Upstreams,
};
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt as _;
use uuid::Uuid;

const LAPTOP: Uuid = Uuid::from_u128(1);
const MOUSE: Uuid = Uuid::from_u128(2);

/// The services behind the front door, as far as the adapters call them.
#[derive(Clone, Default)]
struct Behind(Arc<Mutex<World>>);

#[derive(Default)]
struct World {
    /// By id; a price is the JSON text that the catalogue sends.
    products: BTreeMap<Uuid, (String, String, i64)>,
    /// By id, the bodies as they came.
    orders: BTreeMap<Uuid, Value>,
    refuse_orders: bool,
    silent_after_placing: bool,
}

impl Behind {
    fn with_catalogue() -> Self {
        let behind = Self::default();
        let products = [(LAPTOP, ("Laptop", "999.99", 5)), (MOUSE, ("Mouse", "10.01", 5))];
        behind.world(|world| {
            for (id, (name, price, stock)) in products {
                world.products.insert(id, (name.to_owned(), price.to_owned(), stock));
            }
        });
        behind
    }

    fn world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    fn router(self) -> Router {
        Router::new()
            .route("/products", get(search).post(create))
            .route("/products/{id}", get(product))
            .route("/products/{id}/stock", post(set_stock))
            .route("/orders", post(place))
            .route("/orders/{id}", get(order))
            .route("/outbox", get(outbox))
            .route("/api/queues/{vhost}", get(queues))
            .with_state(self)
    }
}

fn document(status: u16, code: &str, errors: Value) -> Response {
    let body = json!({"status": status, "code": code, "detail": "the service says no", "errors": errors});
    (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response()
}

fn shown(id: Uuid, (name, price, stock): &(String, String, i64)) -> String {
    format!(
        r#"{{"id": "{id}", "name": "{name}", "price": {price}, "currency": "USD", "available_quantity": {stock}}}"#
    )
}

/// Pages of one product, so that whoever looks for the second has to turn the page.
async fn search(State(behind): State<Behind>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let wanted = query["q"].to_lowercase();
    let at: usize = query.get("cursor").map_or(0, |cursor| cursor.parse().unwrap());
    behind.world(|world| {
        let mut matching = world.products.iter().filter(|(_, what)| what.0.to_lowercase().contains(&wanted));
        let page = matching.nth(at).map(|(id, what)| shown(*id, what));
        let next = page.as_ref().map(|_| ("x-next-cursor", (at + 1).to_string()));
        let body = format!("[{}]", page.unwrap_or_default());
        let headers: HeaderMap =
            next.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        (headers, body).into_response()
    })
}

async fn product(State(behind): State<Behind>, Path(id): Path<Uuid>) -> Response {
    let found = behind.world(|world| world.products.get(&id).map(|what| shown(id, what)));
    found.map_or_else(|| document(404, "not_found", json!([])), IntoResponse::into_response)
}

async fn create(State(behind): State<Behind>, axum::Json(body): axum::Json<Value>) -> StatusCode {
    let id = body["id"].as_str().unwrap().parse().unwrap();
    let text = |field: &str| body[field].to_string().trim_matches('"').to_owned();
    let what = (text("name"), text("price"), body["quantity"].as_i64().unwrap());
    behind.world(|world| world.products.insert(id, what));
    StatusCode::CREATED
}

async fn set_stock(
    State(behind): State<Behind>,
    Path(id): Path<Uuid>,
    axum::Json(body): axum::Json<Value>,
) -> Response {
    let stock = body["on_hand"].as_i64().unwrap();
    behind.world(|world| world.products.get_mut(&id).unwrap().2 = stock);
    "{}".into_response()
}

async fn place(State(behind): State<Behind>, axum::Json(body): axum::Json<Value>) -> Response {
    let id: Uuid = body["order_id"].as_str().unwrap().parse().unwrap();
    let silent = behind.world(|world| world.silent_after_placing);
    let answer = behind.world(|world| {
        if world.refuse_orders {
            return document(
                422,
                "invalid",
                json!([{"pointer": "/shipping_address/zip", "detail": "is empty"}]),
            );
        }
        let first = world.orders.entry(id).or_insert_with(|| body.clone());
        if *first != body {
            return document(422, "order_id_reused", json!([]));
        }
        order_view(id, first).into_response()
    });
    if silent { document(503, "unavailable", json!([])) } else { answer }
}

fn order_view(id: Uuid, body: &Value) -> String {
    let (customer, items) = (&body["customer_id"], &body["items"]);
    format!(
        r#"{{"id": "{id}", "customer_id": {customer}, "status": "pending", "total_amount": 1010.00, "items": {items}}}"#
    )
}

async fn order(State(behind): State<Behind>, Path(id): Path<Uuid>) -> Response {
    let found = behind.world(|world| world.orders.get(&id).map(|body| order_view(id, body)));
    found.map_or_else(|| document(404, "not_found", json!([])), IntoResponse::into_response)
}

async fn outbox() -> &'static str {
    r#"{"unsent": 3, "oldest_unsent_at": "2026-11-20T10:00:00Z", "oldest_unsent_seconds": 1.5}"#
}

async fn queues(Path(vhost): Path<String>, headers: HeaderMap) -> Response {
    // `gateway:secret` in base64.
    if vhost != "shop" || headers["authorization"] != "Basic Z2F0ZXdheTpzZWNyZXQ=" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    r#"[{"name": "order.inbox", "messages": 4}, {"name": "order.dlq", "messages": 1}]"#.into_response()
}

/// The adapters in front of `behind`.
async fn adapters(pool: PgPool, behind: &Behind) -> Router {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap();
    let router = behind.clone().router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let upstreams = Upstreams::new(Duration::from_secs(5), |_| format!("http://{place}").parse()).unwrap();
    let management_url = format!("http://gateway:secret@{place}").into();
    let amqp_url = "amqp://gateway:secret@127.0.0.1:5672/shop".to_owned().into();
    let seeds = Seeds::new(upstreams, pool, management_url, amqp_url);
    routes::<Seeds>().split_for_parts().0.with_state(seeds)
}

/// One call, with the body of the answer, or of the problem the layers around would write.
async fn call(router: &Router, method: &str, path: &str, body: Option<&str>) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let request = request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_owned()))).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    if let Some(problem) = response.extensions().get::<Problem>() {
        return (status, problem.document("", ""));
    }
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// Runs a test of the adapters with a database and the services behind.
fn with_adapters(test: impl AsyncFnOnce(Router, Behind) + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(system_tests::with_database("gateway", async |pool| {
        let behind = Behind::with_catalogue();
        let router = adapters(pool, &behind).await;
        test(router, behind).await;
    }));
}

#[test]
fn a_cart_is_placed_at_the_catalogues_prices_and_shown_in_its_own_words() {
    with_adapters(async |router, behind| {
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
    with_adapters(async |router, behind| {
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
    with_adapters(async |router, behind| {
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
fn a_refused_order_is_not_listed_and_one_with_a_lost_answer_is() {
    with_adapters(async |router, behind| {
        let order = |id: &str| format!(r#"{{"order_id": "{id}", "item": "mouse", "quantity": 1}}"#);
        behind.world(|world| world.refuse_orders = true);
        let (status, problem) = call(&router, "POST", "/order", Some(&order("refused"))).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["errors"][0]["pointer"], "/shipping_address/zip");
        behind.world(|world| (world.refuse_orders, world.silent_after_placing) = (false, true));
        let (status, _) = call(&router, "POST", "/order", Some(&order("lost"))).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        let expected = json!([{"order_id": "lost", "item": "mouse", "quantity": 1}]);
        assert_eq!(call(&router, "GET", "/orders", None).await.1, expected);
        // It is known now, whatever becomes of the order service.
        behind.world(|world| world.orders.clear());
        assert_eq!(call(&router, "GET", "/orders/", None).await.1, expected);
    });
}

#[test]
fn stock_is_set_and_an_unknown_item_added_at_the_standard_price() {
    with_adapters(async |router, behind| {
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
    with_adapters(async |router, _| {
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
