//! Sagas from the customer's side, one story a file: placed over REST, seen through the services'
//! own APIs, and held against the journal of the gateway and the carrier.

mod cancellation;
mod carrier;
mod charging;
mod deadlines;
pub(crate) mod fraud;
mod overtaking;
mod refunds;
pub(crate) mod repetition;
mod silence;
mod stock;
mod success;
mod watchdogs;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use system_tests::{Answer, Platform, Product, eventually, order_body};
use uuid::Uuid;

/// The price of one test product, minor units.
const PRICE: i64 = 2499;

const PARTICIPANTS: [&str; 4] = ["order", "inventory", "payment", "shipping"];

/// What everybody's books say about one order when its story is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Status, code of the failure and compensation, as far as there are any.
    order: String,
    reservation: String,
    transaction: String,
    shipment: String,
    /// What the carrier itself says.
    booking: String,
    /// What the gateway itself says, minor units.
    captured: i64,
    refunded: i64,
}

impl Ending {
    pub(crate) fn new(order: &str, [reservation, transaction, shipment, booking]: [&str; 4]) -> Self {
        Self {
            order: order.to_owned(),
            reservation: reservation.to_owned(),
            transaction: transaction.to_owned(),
            shipment: shipment.to_owned(),
            booking: booking.to_owned(),
            captured: 0,
            refunded: 0,
        }
    }

    /// Paid, held and booked.
    pub(crate) fn confirmed() -> Self {
        Self::new("confirmed", ["committed", "captured", "scheduled", "booked"]).money(PRICE, 0)
    }

    /// Failed before anything was charged.
    pub(crate) fn failed(code: &str, reservation: &str, transaction: &str) -> Self {
        let order = format!("failed {code} complete");
        Self::new(&order, [reservation, transaction, "cancelled", "none"])
    }

    pub(crate) fn money(mut self, captured: i64, refunded: i64) -> Self {
        (self.captured, self.refunded) = (captured, refunded);
        self
    }

    fn is_final(&self) -> bool {
        self.order.ends_with("complete") || self.order == "delivered"
    }
}

/// What everybody says now.
async fn books(platform: &Platform, order: Uuid) -> Ending {
    let status = async |service: &str, path: &str| {
        let answer = platform.ask(service, &format!("/{path}/{order}")).await;
        match answer.status.as_u16() {
            404 => "none".to_owned(),
            _ => answer.expect(200)["status"].as_str().unwrap().to_owned(),
        }
    };
    let shown = platform.order(order).await;
    let words = [&shown["status"], &shown["failure"]["code"], &shown["compensation"]];
    let words: Vec<_> =
        words.iter().filter_map(|word| word.as_str()).filter(|word| *word != "none").collect();
    let journal = platform.journal(order).await;
    let captured = journal["captured_minor"].as_i64().unwrap();
    assert_eq!(journal["captures"], i64::from(captured > 0), "{journal}");
    Ending {
        order: words.join(" "),
        reservation: status("inventory", "reservations").await,
        transaction: status("payment", "transactions").await,
        shipment: status("shipping", "shipments").await,
        booking: journal["booking_status"].as_str().unwrap_or("none").to_owned(),
        captured,
        refunded: journal["refunded_minor"].as_i64().unwrap(),
    }
}

/// Waits until everybody says so; then nobody may owe or repeat anything.
pub(crate) async fn ends(platform: &Platform, order: Uuid, ending: &Ending) {
    eventually(&format!("order {order} ends"), async || {
        let found = books(platform, order).await;
        if found == *ending { Ok(()) } else { Err(format!("\n found {found:?}\nwanted {ending:?}")) }
    })
    .await;
    if ending.is_final() {
        nothing_is_waited_for(platform, order).await;
        assert_eq!(platform.emitted("order", order, "order.completed").await.len(), 1);
    }
    if ending.order.ends_with("complete") {
        // Rule 3: each participant closes its account exactly once.
        let closings = [
            ("inventory", ["inventory.released", "inventory.reserve.failed", "-"]),
            ("payment", ["payment.voided", "payment.failed", "payment.refunded"]),
        ];
        for (service, types) in closings {
            let said = trail(platform, service, order).await;
            let closed = said.iter().filter(|said| types.contains(&said.as_str())).count();
            assert_eq!(closed, 1, "{service} said {said:?}");
        }
    }
}

/// A final state has no deadline. Timers go with the state they belong to, in one transaction, so
/// there is nothing to wait for here.
async fn nothing_is_waited_for(platform: &Platform, order: Uuid) {
    for service in PARTICIPANTS {
        let query = "SELECT name FROM timers WHERE order_id = $1";
        let mut connection = platform.database(service).await;
        let names: Vec<String> =
            sqlx::query_scalar(query).bind(order).fetch_all(&mut connection).await.unwrap();
        assert!(names.is_empty(), "{service} still waits for {names:?}");
    }
}

/// The types of all events that a service ever emitted for an order, in order.
async fn trail(platform: &Platform, service: &str, order: Uuid) -> Vec<String> {
    let mut connection = platform.database(service).await;
    let query = "SELECT event_type FROM outbox WHERE aggregate_id = $1 ORDER BY seq";
    sqlx::query_scalar(query).bind(order).fetch_all(&mut connection).await.unwrap()
}

/// How often a service said the events of that type again.
async fn resends(platform: &Platform, service: &str, order: Uuid, event_type: &str) -> i64 {
    let mut connection = platform.database(service).await;
    let query = "SELECT COALESCE(sum(resends), 0) FROM outbox WHERE aggregate_id = $1 AND event_type = $2";
    sqlx::query_scalar(query).bind(order).bind(event_type).fetch_one(&mut connection).await.unwrap()
}

/// Waits until a service has handled an input for the order, and gives how often and what it noted last.
pub(crate) async fn handled(platform: &Platform, service: &str, order: Uuid, input: &str) -> (usize, Value) {
    eventually(&format!("{service} handles {input}"), async || {
        let rows = platform.saga_log(service, order).await;
        let mut rows: Vec<_> = rows.into_iter().filter(|row| row["input"] == input).collect();
        let last = rows.pop().ok_or("not yet")?;
        Ok::<_, &str>((rows.len() + 1, last))
    })
    .await
}

/// Waits until a service shows an order's document in that status.
async fn until(platform: &Platform, service: &str, path: &str, order: Uuid, status: &str) -> Value {
    eventually(&format!("{path}/{order} is {status}"), async || {
        let answer = platform.ask(service, &format!("/{path}/{order}")).await;
        let found = answer.status.is_success() && answer.json()["status"] == status;
        if found { Ok(answer.json()) } else { Err(answer.text) }
    })
    .await
}

/// Waits until the order is reported as stuck on that event.
async fn until_stuck(platform: &Platform, order: Uuid, missing: &str) -> Value {
    eventually(&format!("order {order} is stuck on {missing}"), async || {
        let shown = platform.order(order).await;
        if shown["stuck_on"] == missing { Ok(shown) } else { Err(shown.to_string()) }
    })
    .await
}

/// Waits until the gateway or the carrier has noted that fact about the order.
async fn until_fact(platform: &Platform, order: Uuid, fact: &str) {
    eventually(&format!("the journal has {fact}"), async || {
        let facts = facts(platform, order).await;
        if facts.iter().any(|known| known == fact) { Ok(()) } else { Err(format!("{facts:?}")) }
    })
    .await;
}

/// What the gateway and the carrier did for an order, in order.
async fn facts(platform: &Platform, order: Uuid) -> Vec<String> {
    let journal = platform.journal(order).await;
    let entries = journal["entries"].as_array().unwrap().iter();
    entries.map(|entry| entry["fact"].as_str().unwrap().to_owned()).collect()
}

/// Asks for a cancellation.
async fn cancel(platform: &Platform, order: Uuid) -> Answer {
    platform.post("order", &format!("/orders/{order}/cancel"), &json!({ "reason": "Ordered twice." })).await
}

/// An order of one piece of the product, changed as the story wants it.
async fn place_with(
    platform: &Platform,
    product: Product,
    token: &str,
    change: impl FnOnce(&mut Value),
) -> Uuid {
    let mut body = order_body(product, 1, token);
    change(&mut body);
    platform.place_body(&body).await
}

/// Lets an armed timer be due now, and says how many seconds it had left. What the deadline is
/// is thereby seen without waiting for it.
pub(crate) async fn hasten(platform: &Platform, service: &str, order: Uuid, timer: &str) -> f64 {
    let query = "UPDATE timers SET due_at = clock_timestamp() FROM timers AS was \
         WHERE timers.order_id = $1 AND timers.name = $2 \
           AND was.order_id = timers.order_id AND was.name = timers.name \
           AND was.due_at > clock_timestamp() + interval '250 milliseconds' \
         RETURNING EXTRACT(EPOCH FROM was.due_at - clock_timestamp())::float8";
    let mut connection = platform.database(service).await;
    eventually(&format!("{service} waits for {timer}"), async || {
        let left: Option<f64> =
            sqlx::query_scalar(query).bind(order).bind(timer).fetch_optional(&mut connection).await.unwrap();
        left.ok_or("no such timer")
    })
    .await
}

/// Asserts that a deadline was the choreography's, up to what has passed of it.
#[track_caller]
fn about(left: f64, seconds: f64) {
    assert!(left <= seconds + 0.5 && left > seconds - 20.0, "{left} s are left, not about {seconds}");
}

/// An event as its producer would write it; nothing caused it that a participant would know.
fn event(order: Uuid, event_type: &str, data: &Value) -> String {
    json!({
        "event_id": Uuid::now_v7(), "event_type": event_type, "aggregate_id": order,
        "correlation_id": Uuid::now_v7(), "causation_id": null,
        "timestamp": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        "version": 1, "data": data,
    })
    .to_string()
}

/// Publishes again what a service said before, unchanged.
async fn say(platform: &Platform, service: &str, order: Uuid, event_type: &str) {
    let body = platform.event_body(service, order, event_type).await;
    assert!(platform.broker().publish_event(service, &body, json!({})).await, "{event_type} is unroutable");
}

/// Loses every message that waits in a service's inbox. The service must not be running.
async fn lose_inbox(platform: &Platform, service: &str) {
    let path = format!("queues/{}/{service}.inbox/contents", platform.broker().vhost());
    platform.broker().admin(reqwest::Method::DELETE, &path, None).await;
}

/// Ends, or begins, an outage of the gateway or the carrier.
async fn outage(platform: &Platform, target: &str, mode: &str, seconds: u32) {
    let body = json!({ "target": target, "mode": mode, "seconds": seconds });
    let _ = platform.post("simulators", "/control/outage", &body).await.expect(200);
}

/// Every event of one order, all services together, by id.
pub(crate) async fn all_events(platform: &Platform, order: Uuid) -> Vec<(&'static str, Value)> {
    let mut events = Vec::new();
    for service in platform.services() {
        let service = service.name();
        let mut connection = platform.database(service).await;
        let query = "SELECT body FROM outbox WHERE aggregate_id = $1 ORDER BY seq";
        let bodies: Vec<String> =
            sqlx::query_scalar(query).bind(order).fetch_all(&mut connection).await.unwrap();
        events.extend(bodies.iter().map(|body| (service, serde_json::from_str(body).unwrap())));
    }
    let ids: BTreeSet<String> = events.iter().map(|(_, e): &(_, Value)| e["event_id"].to_string()).collect();
    assert_eq!(ids.len(), events.len(), "an event id was used twice");
    events
}
