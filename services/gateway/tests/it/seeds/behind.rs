//! The services behind the adapters, in a few lines.

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

pub(super) const LAPTOP: Uuid = Uuid::from_u128(1);
pub(super) const MOUSE: Uuid = Uuid::from_u128(2);

/// The services behind the front door, as far as the adapters call them.
#[derive(Clone, Default)]
pub(super) struct Behind(Arc<Mutex<World>>);

#[derive(Default)]
pub(super) struct World {
    /// By id; a price is the JSON text that the catalogue sends.
    pub(super) products: BTreeMap<Uuid, (String, String, i64)>,
    /// By id, the bodies as they came.
    pub(super) orders: BTreeMap<Uuid, Value>,
    pub(super) refuse_orders: bool,
    /// Every order is placed, or none, and then nothing is answered.
    pub(super) silence: Option<Silence>,
    /// Calls for an order that fail, whoever it is.
    pub(super) lookups_to_fail: usize,
    pub(super) lookups: usize,
}

/// When the order service falls silent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    BeforePlacing,
    AfterPlacing,
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

    pub(super) fn world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
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
    let silence = behind.world(|world| world.silence);
    if silence == Some(Silence::BeforePlacing) {
        return document(503, "unavailable", json!([]));
    }
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
    if silence.is_some() { document(503, "unavailable", json!([])) } else { answer }
}

fn order_view(id: Uuid, body: &Value) -> String {
    let (customer, items) = (&body["customer_id"], &body["items"]);
    let price = |line: &Value| line["quantity"].as_f64().unwrap() * line["price"].as_f64().unwrap();
    let total: f64 = items.as_array().unwrap().iter().map(price).sum();
    format!(
        r#"{{"id": "{id}", "customer_id": {customer}, "status": "pending", "total_amount": {total:.2}, "items": {items}}}"#
    )
}

async fn order(State(behind): State<Behind>, Path(id): Path<Uuid>) -> Response {
    let fails = behind.world(|world| {
        world.lookups += 1;
        let fails = world.lookups_to_fail > 0;
        world.lookups_to_fail = world.lookups_to_fail.saturating_sub(1);
        fails
    });
    if fails {
        return document(503, "unavailable", json!([]));
    }
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
pub(super) async fn call(
    router: &Router,
    method: &str,
    path: &str,
    body: Option<&str>,
) -> (StatusCode, Value) {
    call_with_key(router, method, path, body, None).await
}

/// [`call`] under an `Idempotency-Key`.
pub(super) async fn call_with_key(
    router: &Router,
    method: &str,
    path: &str,
    body: Option<&str>,
    key: Option<&str>,
) -> (StatusCode, Value) {
    let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
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
pub(super) fn with_adapters(test: impl AsyncFnOnce(Router, Behind, PgPool) + 'static) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(system_tests::with_database("gateway", async |pool| {
        let behind = Behind::with_catalogue();
        let router = adapters(pool.clone(), &behind).await;
        test(router, behind, pool).await;
    }));
}
