//! Clients that hang up, stop in the middle of a request, and ask again.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use rand::Rng as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    time::{Instant, sleep},
};
use uuid::Uuid;

use crate::{
    arena::Arena,
    customers::{Kind, Traffic},
    fault::{Evidence, Fault, Trials, everybody},
};

pub(crate) const FAULTS: &[Fault] = &[Fault {
    name: "clients hang up",
    what: "requests broken off: half a head, half a body, a whole request whose answer nobody reads; then asked again",
    trials: Trials { sample: 250, full: 20_000 },
    options: everybody,
    traffic: || Traffic { hang_up_percent: 50, ..Traffic::mixed(5.0) },
    inject: |arena| Box::pin(hang_up(arena)),
    evidence: &[Evidence::AskedAgain, Evidence::BothEnds],
}];

/// Clients at once.
const CLIENTS: usize = 6;
/// How long one order may be refused when its client has stopped hanging up.
const PATIENCE: Duration = Duration::from_secs(180);

/// Orders that are half there: without one of their first two events, their details or their log.
const HALVES: &str = "SELECT count(*) FROM orders o WHERE \
     (SELECT count(*) FROM outbox WHERE aggregate_id = o.order_id \
      AND event_type IN ('order.placed', 'inventory.reserve.requested')) <> 2 \
     OR NOT EXISTS (SELECT FROM order_details d WHERE d.order_id = o.order_id) \
     OR NOT EXISTS (SELECT FROM saga_log l WHERE l.order_id = o.order_id AND l.outcome = 'started')";
const STRAYS: &str = "SELECT count(*) FROM outbox WHERE aggregate_id NOT IN (SELECT order_id FROM orders)";
/// Transactions of requests that are long gone.
const LEFT_OPEN: &str = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'order' \
     AND datname = current_database() AND state LIKE 'idle in transaction%' \
     AND state_change < clock_timestamp() - interval '1 second'";

/// What became of the orders under a key, whose ids the service chooses.
#[derive(Default)]
struct Keyed {
    all: AtomicUsize,
    /// Those that a request had made whose answer nobody read.
    made_unheard: AtomicUsize,
}

async fn hang_up(arena: &Arena) {
    let keyed = Keyed::default();
    let clients = (0..CLIENTS).map(|_| async {
        while arena.goes_on() {
            match arena.roll(|dice| dice.random_range(0..4)) {
                0 => by_key(arena, &keyed).await,
                _ => by_id(arena).await,
            }
        }
    });
    futures::future::join_all(clients).await;
    for (query, what) in [
        (HALVES, "orders are half there"),
        (STRAYS, "events have no order"),
        (LEFT_OPEN, "transactions are left open"),
    ] {
        match arena.platform.count("order", query).await {
            0 => {}
            n => arena.violation(format!("{n} {what} after clients hung up")),
        }
    }
    let (all, unheard) = (keyed.all.into_inner(), keyed.made_unheard.into_inner());
    arena.figure("orders under a key", all);
    arena.figure("… made by a request nobody waited for", unheard);
    if unheard == 0 && all > 0 {
        arena.violation("proved nothing: no order was made by a request that was broken off".to_owned());
    }
    arena.recovers().await;
}

/// An order under an id of its client's own.
async fn by_id(arena: &Arena) {
    let (order, body) = arena.customers.draft(Kind::Ok);
    for _ in 0..times(arena) {
        let reached = break_off(arena, &body, None).await;
        arena.customers.hung_up(order);
        arena.trial(reached);
    }
    arena.customers.insist_on(order, Kind::Ok, &body).await;
}

/// An order under an `Idempotency-Key`: asked until there is an answer, then once more.
async fn by_key(arena: &Arena, keyed: &Keyed) {
    let key = Uuid::new_v4().to_string();
    let mut body = system_tests::order_body(arena.product, 1, "tok_ok");
    body["customer_id"] = json!(key);
    let times = times(arena);
    for _ in 0..times {
        arena.trial(break_off(arena, &body, Some(&key)).await);
    }
    let deadline = Instant::now() + PATIENCE;
    let (order, status) = loop {
        let answer = ask(arena, &body, &key).await;
        if let Some(answer) = answer {
            break answer;
        }
        if Instant::now() > deadline {
            return arena
                .violation(format!("the order under key {key} was not accepted within {PATIENCE:?}"));
        }
        sleep(Duration::from_millis(50)).await;
    };
    arena.customers.adopt(order, Kind::Ok, times);
    keyed.all.fetch_add(1, Ordering::SeqCst);
    keyed.made_unheard.fetch_add(usize::from(status == StatusCode::OK), Ordering::SeqCst);
    if let Some((again, status)) = ask(arena, &body, &key).await
        && (again, status) != (order, StatusCode::OK)
    {
        arena.violation(format!("key {key} stands for order {order} and, {status}, for {again}"));
    }
}

/// The id and the status, when there is an order.
async fn ask(arena: &Arena, body: &Value, key: &str) -> Option<(Uuid, StatusCode)> {
    let url = arena.platform.url("order", "/orders");
    let headers = [("idempotency-key", key)];
    let answer =
        arena.platform.http().send(Method::POST, &url, Some(body.to_string()), &headers).await.ok()?;
    if answer.status.is_success() {
        return Some((answer.json()["id"].as_str()?.parse().ok()?, answer.status));
    }
    if ![StatusCode::CONFLICT, StatusCode::SERVICE_UNAVAILABLE].contains(&answer.status) {
        arena.violation(format!("key {key} is answered {} {}", answer.status, answer.text));
    }
    None
}

fn times(arena: &Arena) -> usize {
    arena.roll(|dice| dice.random_range(5..15))
}

/// One request over a socket of its own that is broken off; whether enough of it was sent to matter.
async fn break_off(arena: &Arena, body: &Value, key: Option<&str>) -> bool {
    let body = body.to_string();
    let key = key.map(|key| format!("Idempotency-Key: {key}\r\n")).unwrap_or_default();
    let head = format!(
        "POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{key}Content-Length: {}\r\n\r\n",
        body.len()
    );
    let whole = format!("{head}{body}");
    // A tenth ends in the head, a third in the body; the others are sent whole and never read.
    let (until, pause, reset) = arena.roll(|dice| {
        let until = match dice.random_range(0..10) {
            0 => dice.random_range(0..head.len()),
            1..4 => dice.random_range(head.len()..whole.len()),
            _ => whole.len(),
        };
        (until, Duration::from_micros(dice.random_range(0..30_000)), dice.random_range(0..2) == 0)
    });
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", arena.platform.port("order"))).await else {
        return false;
    };
    if stream.write_all(&whole.as_bytes()[..until]).await.is_err() {
        return false;
    }
    sleep(pause).await;
    if reset {
        let _ = stream.set_zero_linger();
    }
    until > head.len()
}
