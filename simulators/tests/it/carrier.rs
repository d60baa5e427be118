//! The carrier's promises: one outcome per key, cancel against hand-over, and a clock that tells
//! the shipping service until it listens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::support::{Folder, Simulator, booking_body, eventually, shipment_key};

const SOUND: &str = "nothing panics while it holds the notes";

/// A shipping service that writes down what it is told and answers from a script, then 200.
#[derive(Clone, Default)]
struct Shipping {
    heard: Arc<Mutex<Vec<(Uuid, String, u16)>>>,
    script: Arc<Mutex<VecDeque<u16>>>,
}

impl Shipping {
    async fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("no free port");
        self.listen_on(listener)
    }

    fn listen_on(&self, listener: TcpListener) -> String {
        let url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let routes = Router::new().route("/shipments/{order_id}/{what}", post(hear)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        url
    }

    fn answers(&self, script: &[u16]) {
        self.script.lock().expect(SOUND).extend(script);
    }

    fn heard_of(&self, order: Uuid) -> Vec<(String, u16)> {
        let heard = self.heard.lock().expect(SOUND);
        heard
            .iter()
            .filter(|(id, ..)| *id == order)
            .map(|(_, what, status)| (what.clone(), *status))
            .collect()
    }
}

async fn hear(
    State(shipping): State<Shipping>,
    Path((order, what)): Path<(Uuid, String)>,
    Json(body): Json<Value>,
) -> StatusCode {
    assert_eq!(body, json!({}));
    let status = shipping.script.lock().expect(SOUND).pop_front().unwrap_or(200);
    shipping.heard.lock().expect(SOUND).push((order, what, status));
    StatusCode::from_u16(status).expect("a scripted status is a status")
}

fn news(list: &[(&str, u16)]) -> Vec<(String, u16)> {
    list.iter().map(|(what, status)| ((*what).to_owned(), *status)).collect()
}

#[tokio::test]
async fn a_booking_is_made_once_and_its_numbers_differ() {
    let folder = Folder::new();
    let simulator = Simulator::start(&folder.journal(), |_| {}).await;
    let http = &simulator.http;
    let (order, other) = (Uuid::new_v4(), Uuid::new_v4());
    let replies = join_all((0..20).map(|_| http.book(order, "FR"))).await;
    assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
    let (status, body) = &replies[0];
    assert_eq!((*status, &body["status"]), (200, &json!("booked")));
    let number = body["tracking_number"].as_str().expect("a booking has a number");
    assert!(number.starts_with("TRK-") && number.len() == 9, "{number}");
    let promised = body["estimated_delivery"].as_str().expect("a booking has a promise");
    assert!(chrono::DateTime::parse_from_rfc3339(promised).is_ok_and(|at| at > chrono::Utc::now()));
    assert_ne!(http.book(other, "FR").await.1["tracking_number"], body["tracking_number"]);
    assert_eq!(http.booking(order).await.1["status"], "booked");
    let stranger = booking_body(Uuid::new_v4(), "FR");
    assert_eq!(http.post("/v1/bookings", Some(&shipment_key(order)), stranger).await.0, 422);
    assert_eq!(http.witness(order).await["booking_status"], "booked");
    assert_eq!(http.summary().await["bookings"], 2);
    simulator.stop().await;
}

#[tokio::test]
async fn countries_play_their_parts() {
    let folder = Folder::new();
    let simulator = Simulator::start(&folder.journal(), |_| {}).await;
    let http = &simulator.http;

    let refused = Uuid::new_v4();
    for _ in 0..2 {
        let (status, body) = http.book(refused, "XX").await;
        assert_eq!((status, &body["code"]), (422, &json!("address_unserviceable")));
    }
    assert_eq!(http.booking(refused).await.1["status"], "refused");
    assert_eq!(http.cancel(refused).await.1["status"], "refused");

    let silent = Uuid::new_v4();
    assert!(http.stays_silent("/v1/bookings", &shipment_key(silent), booking_body(silent, "XT")).await);
    let (status, found) = http.booking(silent).await;
    assert_eq!((status, &found["status"]), (200, &json!("booked")));
    assert_eq!(http.book(silent, "XT").await.1["tracking_number"], found["tracking_number"]);

    let slow = Uuid::new_v4();
    let watch = async {
        eventually("the booking runs", async || http.booking(slow).await.0 == 202).await;
    };
    let (booked, ()) = tokio::join!(http.book(slow, "XS"), watch);
    assert_eq!((booked.0, &booked.1["status"]), (200, &json!("booked")));

    assert_eq!(http.booking(Uuid::new_v4()).await.0, 404);
    simulator.stop().await;
}

#[tokio::test]
async fn a_cancel_before_during_or_after_the_booking_makes_it_impossible() {
    let folder = Folder::new();
    let simulator = Simulator::start(&folder.journal(), |_| {}).await;
    let http = &simulator.http;

    let before = Uuid::new_v4();
    assert_eq!(http.cancel(before).await.1["status"], "cancelled");
    let (status, body) = http.book(before, "FR").await;
    assert_eq!((status, &body["status"]), (409, &json!("cancelled")));

    let during = Uuid::new_v4();
    let cancel = async {
        eventually("the booking runs", async || http.booking(during).await.0 == 202).await;
        http.cancel(during).await
    };
    let (booked, cancelled) = tokio::join!(http.book(during, "XS"), cancel);
    assert_eq!((booked.0, &cancelled.1["status"]), (409, &json!("cancelled")));

    let after = Uuid::new_v4();
    http.book(after, "FR").await;
    assert_eq!(http.cancel(after).await.1["status"], "cancelled");
    assert_eq!(http.cancel(after).await.1["status"], "cancelled");
    assert_eq!(http.booking(after).await.1["status"], "cancelled");
    assert_eq!(http.book(after, "FR").await.0, 409);
    simulator.stop().await;
}

#[tokio::test]
async fn the_clock_hands_over_and_delivers_and_tells_the_shipping_service_in_order() {
    let folder = Folder::new();
    let shipping = Shipping::default();
    let url = shipping.listen().await;
    let simulator = Simulator::start(&folder.journal(), |config| {
        config.shipping_url = url;
        config.carrier_dispatch_after_seconds = 30.0;
        config.carrier_deliver_after_seconds = 60.0;
        config.time_scale = 200.0;
    })
    .await;
    let http = &simulator.http;
    let order = Uuid::new_v4();
    // Two refusals of a moment, then it listens.
    shipping.answers(&[503, 500]);
    http.book(order, "FR").await;
    eventually("hand-over", async || http.booking(order).await.1["status"] == "dispatched").await;
    assert_eq!(http.cancel(order).await.1["status"], "dispatched", "too late to cancel");
    eventually("delivery", async || http.booking(order).await.1["status"] == "delivered").await;
    assert_eq!(http.cancel(order).await.1["status"], "delivered");
    let expected = news(&[("dispatch", 503), ("dispatch", 500), ("dispatch", 200), ("deliver", 200)]);
    eventually("both are told", async || shipping.heard_of(order) == expected).await;
    assert_eq!(http.book(order, "FR").await.1["status"], "booked", "a retry gets the first answer");
    eventually("the journal knows that both were told", async || {
        let entries = http.witness(order).await["entries"].clone();
        let told = |entry: &&Value| entry["fact"] == "shipping_told";
        entries.as_array().is_some_and(|entries| entries.iter().filter(told).count() == 2)
    })
    .await;
    simulator.stop().await;
}

#[tokio::test]
async fn a_shipping_service_that_does_not_know_the_order_is_not_asked_again() {
    for refusal in [404, 409, 422] {
        let folder = Folder::new();
        let shipping = Shipping::default();
        let url = shipping.listen().await;
        shipping.answers(&[refusal]);
        let simulator = Simulator::start(&folder.journal(), |config| {
            config.shipping_url = url;
            config.carrier_dispatch_after_seconds = 0.05;
            config.carrier_deliver_after_seconds = 0.4;
        })
        .await;
        let order = Uuid::new_v4();
        simulator.http.book(order, "FR").await;
        let expected = news(&[("dispatch", refusal), ("deliver", 200)]);
        eventually("the refusal ends it", async || shipping.heard_of(order) == expected).await;
        simulator.stop().await;
    }
}

#[tokio::test]
async fn a_cancelled_booking_is_never_handed_over() {
    let folder = Folder::new();
    let shipping = Shipping::default();
    let url = shipping.listen().await;
    let simulator = Simulator::start(&folder.journal(), |config| {
        config.shipping_url = url;
        config.carrier_dispatch_after_seconds = 0.6;
        config.carrier_deliver_after_seconds = 0.8;
    })
    .await;
    let http = &simulator.http;
    let race = async |order: Uuid, wait: u64| {
        http.book(order, "FR").await;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let cancelled = http.cancel(order).await.1["status"] == "cancelled";
        (order, cancelled)
    };
    // Cancellations spread around the instant of hand-over, so that both outcomes occur.
    let raced = join_all((0..60).map(|i| race(Uuid::new_v4(), 20 * i))).await;
    let (cancelled, kept): (Vec<_>, Vec<_>) = raced.into_iter().partition(|(_, cancelled)| *cancelled);
    assert!(!kept.is_empty() && !cancelled.is_empty(), "{} of 60 were cancelled", cancelled.len());
    let both = news(&[("dispatch", 200), ("deliver", 200)]);
    eventually("the others arrive", async || kept.iter().all(|(order, _)| shipping.heard_of(*order) == both))
        .await;
    for (order, _) in cancelled {
        assert_eq!(shipping.heard_of(order), []);
        assert_eq!(http.booking(order).await.1["status"], "cancelled");
    }
    assert_eq!(http.summary().await["dispatched_after_cancel"], 0);
    simulator.stop().await;
}

#[tokio::test]
async fn the_clock_survives_a_restart_and_tells_what_was_not_told() {
    let folder = Folder::new();
    // Nobody listens here while the first process runs.
    let reserved = TcpListener::bind("127.0.0.1:0").await.expect("no free port");
    let address = reserved.local_addr().expect("a bound listener has an address");
    drop(reserved);
    let started = async |dispatch: f64, deliver: f64| {
        Simulator::start(&folder.journal(), |config| {
            config.shipping_url = format!("http://{address}");
            config.carrier_dispatch_after_seconds = dispatch;
            config.carrier_deliver_after_seconds = deliver;
        })
        .await
    };
    let order = Uuid::new_v4();
    let first = started(0.05, 100.0).await;
    first.http.book(order, "FR").await;
    eventually("hand-over", async || first.http.booking(order).await.1["status"] == "dispatched").await;
    first.stop().await;

    let shipping = Shipping::default();
    shipping.listen_on(TcpListener::bind(address).await.expect("the port was taken meanwhile"));
    let second = started(0.05, 0.1).await;
    let both = news(&[("dispatch", 200), ("deliver", 200)]);
    eventually("both are told", async || shipping.heard_of(order) == both).await;
    second.stop().await;

    let third = started(0.05, 0.1).await;
    let marker = Uuid::new_v4();
    third.http.book(marker, "FR").await;
    eventually("the next order is told", async || shipping.heard_of(marker) == both).await;
    assert_eq!(shipping.heard_of(order), both, "what was told is not told again");
    third.stop().await;
}
