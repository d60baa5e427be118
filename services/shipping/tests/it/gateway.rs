//! What goes over the wire to the carrier, and what is made of one that is silent, slow or away.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::IntoResponse,
};
use serde_json::{Value, json};
use shared_events::{OrderId, events::order::Address};
use shipping_domain::{Consignment, Parcel, Reply};
use shipping_service::gateway::{Carrier, HttpCarrier, UnusableCarrier};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_millis(300);

/// What a request looked like.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    line: String,
    key: Option<String>,
    body: Option<Value>,
}

/// A carrier that answers every call alike, and remembers them.
#[derive(Clone)]
struct Fake {
    answer: Arc<dyn Fn() -> Answer + Send + Sync>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

enum Answer {
    Now(StatusCode, String),
    Never,
}

async fn respond(
    State(fake): State<Fake>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let key = headers.get("idempotency-key").map(|key| key.to_str().expect("ASCII").to_owned());
    let line = format!("{method} {uri}");
    fake.seen.lock().expect("not poisoned").push(Seen {
        line,
        key,
        body: serde_json::from_slice(&body).ok(),
    });
    match (fake.answer)() {
        Answer::Now(status, body) => (status, body),
        Answer::Never => std::future::pending().await,
    }
}

async fn carrier(
    answer: impl Fn() -> Answer + Send + Sync + 'static,
) -> (HttpCarrier, Arc<Mutex<Vec<Seen>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/api/", listener.local_addr().expect("an address"));
    let fake = Fake { answer: Arc::new(answer), seen: Arc::default() };
    let seen = fake.seen.clone();
    tokio::spawn(axum::serve(listener, Router::new().fallback(respond).with_state(fake)).into_future());
    (HttpCarrier::new(&url, PATIENCE).expect("a usable URL"), seen)
}

fn order() -> OrderId {
    "0199c3f2-7a10-7001-8000-000000000001".parse().expect("a UUID")
}

fn parcel() -> Parcel {
    let text = |text: &str| text.to_owned();
    let country = Some(text("US"));
    let (street, city, state, zip) = (text("1 Harbor Way"), text("Portland"), text("OR"), text("97201"));
    Parcel { address: Address { street, city, state, zip, country }, items: 3 }
}

fn booked() -> String {
    json!({"status": "booked", "tracking_number": "TRK-7F3K2", "estimated_delivery": "2026-11-23T17:00:00Z"})
        .to_string()
}

#[track_caller]
fn assert_no_answer(reply: Reply, why: &str) {
    let Reply::NoAnswer { what } = reply else { panic!("{reply:?}") };
    assert!(what.contains(why), "{what}");
}

#[tokio::test]
async fn every_call_carries_the_orders_one_key() {
    let (carrier, seen) = carrier(|| Answer::Now(StatusCode::OK, booked())).await;
    let consignment = Consignment {
        tracking_number: "TRK-7F3K2".to_owned(),
        estimated_delivery: "2026-11-23T17:00:00Z".parse().unwrap(),
    };
    assert_eq!(carrier.book(order(), &parcel()).await, Reply::Booked(consignment.clone()));
    assert_eq!(carrier.status(order()).await, Reply::Booked(consignment.clone()));
    assert_eq!(carrier.cancel(order()).await, Reply::Booked(consignment));
    let key = format!("shipment:{}", order());
    let address =
        json!({"street": "1 Harbor Way", "city": "Portland", "state": "OR", "zip": "97201", "country": "US"});
    let body = json!({"order_id": order(), "address": address, "items": 3});
    let booking = Seen { line: "POST /api/v1/bookings".to_owned(), key: Some(key.clone()), body: Some(body) };
    let bare = |line: String| Seen { line, key: None, body: None };
    let expected = vec![
        booking,
        bare(format!("GET /api/v1/bookings/{key}")),
        bare(format!("POST /api/v1/bookings/{key}/cancel")),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_silent_carrier_is_given_up_in_time_and_not_asked_twice() {
    let (carrier, seen) = carrier(|| Answer::Never).await;
    assert_no_answer(carrier.book(order(), &parcel()).await, "no answer in time");
    assert_no_answer(carrier.cancel(order()).await, "no answer in time");
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_failing_carrier_has_said_nothing_whatever_its_body_says() {
    let (carrier, _) =
        carrier(|| Answer::Now(StatusCode::SERVICE_UNAVAILABLE, json!({"status": "cancelled"}).to_string()))
            .await;
    assert_no_answer(carrier.cancel(order()).await, "answered 503");
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_a_customers_address() {
    let (carrier, seen) = carrier(|| Answer::Now(StatusCode::TEMPORARY_REDIRECT, String::new())).await;
    assert_no_answer(carrier.book(order(), &parcel()).await, "answered 307");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let padded = || format!("{}{}", booked(), " ".repeat(1 << 20));
    let (carrier, _) = carrier(move || Answer::Now(StatusCode::OK, padded())).await;
    let reply = carrier.status(order()).await;
    assert!(matches!(reply, Reply::NoAnswer { .. }), "{reply:?}");
}

#[tokio::test]
async fn a_carrier_that_is_away_is_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let carrier = HttpCarrier::new(&url, PATIENCE).unwrap();
    assert_no_answer(carrier.status(order()).await, "cannot be reached");
}

#[test]
fn an_address_that_calls_cannot_be_sent_to_is_refused_at_start() {
    for bad in ["", "carrier", "127.0.0.1:8090"] {
        assert!(HttpCarrier::new(bad, PATIENCE).is_err(), "{bad}");
    }
    let error = HttpCarrier::new("ftp://carrier", PATIENCE).unwrap_err();
    assert!(matches!(error, UnusableCarrier::NotHttp));
}
