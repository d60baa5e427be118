use std::sync::Mutex as Shelf;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::*;
use crate::demo::Expected;
use crate::endpoints::ServiceUrls;

/// An order service that answers 503 to the first requests, takes the order then, and remembers what it was sent.
#[derive(Clone, Default)]
struct Fake {
    failing: Arc<AtomicU64>,
    refusing: bool,
    seen: Arc<Shelf<Vec<(String, Value)>>>,
}

async fn take(
    State(fake): State<Fake>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let key = headers["idempotency-key"].to_str().expect("text").to_owned();
    let order = json!({"id": body["order_id"], "status": "pending", "total_amount": 24.99});
    fake.seen.lock().expect("the shelf").push((key, body));
    if fake.refusing {
        return (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"title": "Bad content"})));
    }
    let failed = fake.failing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    match failed {
        Ok(_) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"title": "Try again"}))),
        Err(_) => (StatusCode::CREATED, Json(order)),
    }
}

async fn serve(fake: Fake) -> Run {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let app = Router::new().route("/orders", post(take)).with_state(fake);
    tokio::spawn(async move { axum::serve(listener, app).await });
    run_against(&url)
}

fn run_against(url: &str) -> Run {
    let urls = ServiceUrls {
        order: url.to_owned(),
        inventory: url.to_owned(),
        payment: url.to_owned(),
        shipping: url.to_owned(),
        ai: url.to_owned(),
        notification: url.to_owned(),
        analytics: url.to_owned(),
        gateway: url.to_owned(),
        simulators: url.to_owned(),
    };
    Run {
        platform: Platform::new(&urls).expect("a client"),
        tracker: Arc::new(Tracker::default()),
        repeated: AtomicU64::new(0),
    }
}

fn planned() -> PlannedOrder {
    PlannedOrder {
        body: json!({"customer_id": "c-1"}),
        gap: Duration::ZERO,
        cancel_after: None,
        expected: Expected::Confirmed,
    }
}

#[tokio::test]
async fn an_order_that_got_no_answer_is_sent_again_with_the_same_key_and_id() {
    let fake = Fake { failing: Arc::new(AtomicU64::new(2)), ..Fake::default() };
    let run = serve(fake.clone()).await;
    let id = Uuid::now_v7();
    drop(run.tracker.begin(id, Instant::now(), Expected::Confirmed));

    assert!(place(&run, id, &planned()).await.expect("placed"));
    let seen = fake.seen.lock().expect("the shelf").clone();
    assert_eq!(seen.len(), 3);
    for (key, body) in &seen {
        assert_eq!((key.as_str(), &body["order_id"]), (id.to_string().as_str(), &json!(id)));
    }
    assert_eq!(run.repeated.load(Ordering::SeqCst), 2);
    assert_eq!(run.tracker.counts().accepted, 1);
}

#[tokio::test]
async fn an_order_is_placed_although_the_service_comes_up_only_later() {
    let reserved = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = reserved.local_addr().expect("an address");
    drop(reserved);
    let run = run_against(&format!("http://{address}"));
    let id = Uuid::now_v7();
    drop(run.tracker.begin(id, Instant::now(), Expected::Confirmed));

    let fake = Fake::default();
    let late = async {
        while run.repeated.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        let listener = tokio::net::TcpListener::bind(address).await.expect("the same port");
        let app = Router::new().route("/orders", post(take)).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
    };
    let planned = planned();
    let (placed, ()) = tokio::join!(place(&run, id, &planned), late);
    assert!(placed.expect("placed"));
    assert_eq!(fake.seen.lock().expect("the shelf").len(), 1);
}

#[tokio::test]
async fn a_refused_order_is_not_sent_again() {
    let fake = Fake { refusing: true, ..Fake::default() };
    let run = serve(fake.clone()).await;
    let id = Uuid::now_v7();
    drop(run.tracker.begin(id, Instant::now(), Expected::Confirmed));
    assert!(!place(&run, id, &planned()).await.expect("an answer"));
    assert_eq!(fake.seen.lock().expect("the shelf").len(), 1);
    let refusals: Vec<String> = run.tracker.tally().refusals.into_keys().collect();
    assert_eq!(refusals, ["422 Unprocessable Entity: Bad content"]);
}

#[test]
fn pauses_double_up_to_two_seconds_and_keep_their_jitter() {
    let pauses: Vec<Duration> = Pauses::new(Uuid::nil()).take(8).collect();
    assert_eq!(pauses[0], Duration::from_micros(37_500));
    assert_eq!(pauses[1], Duration::from_millis(75));
    assert_eq!(pauses[7], Duration::from_millis(1_500));
}

#[test]
fn a_supply_ends_after_its_count_or_with_its_source() {
    struct Two(usize);
    impl OrderSource for Two {
        fn next_order(&mut self) -> Option<PlannedOrder> {
            self.0 = self.0.checked_sub(1)?;
            Some(planned())
        }
    }
    let taken = |left| {
        let mut supply = Supply { orders: Box::new(Two(2)), left };
        std::iter::from_fn(|| supply.next()).count()
    };
    assert_eq!((taken(1), taken(5)), (1, 2));
}

#[test]
fn the_sources_own_id_is_kept_and_a_missing_one_is_made() {
    let id = Uuid::now_v7();
    let own = PlannedOrder { body: json!({"order_id": id}), ..planned() };
    assert_eq!(order_id(&own), id);
    assert_ne!(order_id(&planned()), order_id(&planned()));
}
