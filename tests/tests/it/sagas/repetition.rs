//! Everything once more: every event of finished sagas, three times, in any order (invariant 9); and
//! said again on purpose, which is answered again under the old ids (rule 8).

use std::str::FromStr as _;

use serde_json::json;
use shared_events::EventType;
use system_tests::{Options, Platform, Product, eventually};
use uuid::Uuid;

use super::{Ending, PARTICIPANTS, PRICE, all_events, cancel, ends, place_with, resends, until};

/// How often each event is delivered once more.
const TIMES: usize = 3;

#[tokio::test]
async fn a_second_delivery_of_any_event_changes_nothing_and_a_resend_is_answered_again() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(20).await;
    let sagas = finished(&platform, product).await;
    platform.assert_sound().await;
    let before = snapshot(&platform).await;

    deliver_again(&platform, &sagas).await;
    assert_eq!(snapshot(&platform).await, before);
    for order in &sagas {
        for service in PARTICIPANTS {
            let query =
                format!("SELECT COALESCE(sum(resends), 0) FROM outbox WHERE aggregate_id = '{order}'");
            assert_eq!(platform.count(service, &query).await, 0, "{service} said something again");
        }
    }

    say_again(&platform, &sagas).await;
    platform.assert_sound().await;
    assert_eq!(snapshot(&platform).await, before, "a resend repeats answers and changes nothing else");
    assert_eq!(platform.stock(product).await, (18, 0));
}

/// One saga of each kind: delivered, confirmed, declined, cancelled after confirmation, refused by
/// the carrier, without stock.
async fn finished(platform: &Platform, product: Product) -> [Uuid; 6] {
    let delivered = platform.place(product, 1, "tok_ok").await;
    let confirmed = platform.place(product, 1, "tok_ok").await;
    let declined = platform.place(product, 1, "tok_declined").await;
    let cancelled = platform.place(product, 1, "tok_ok").await;
    let refused =
        place_with(platform, product, "tok_ok", |body| body["shipping_address"]["country"] = json!("XX"))
            .await;
    let scarce =
        place_with(platform, product, "tok_ok", |body| body["items"][0]["quantity"] = json!(99)).await;

    until(platform, "shipping", "shipments", delivered, "scheduled").await;
    for step in ["dispatch", "deliver"] {
        let reported = platform.post("shipping", &format!("/shipments/{delivered}/{step}"), &json!({})).await;
        let _ = reported.expect(200);
    }
    until(platform, "shipping", "shipments", cancelled, "scheduled").await;
    let _ = cancel(platform, cancelled).await.expect(202);

    let paid = |ending: Ending| ending.money(PRICE, PRICE);
    let [released, refunded] = ["released", "refunded"];
    let endings = [
        Ending::new("delivered", ["committed", "captured", "delivered", "booked"]).money(PRICE, 0),
        Ending::confirmed(),
        Ending::failed("card_declined", released, "failed"),
        paid(Ending::new("cancelled complete", [released, refunded, "cancelled", "cancelled"])),
        paid(Ending::new("failed address_unserviceable complete", [released, refunded, "failed", "refused"])),
        Ending::failed("insufficient_stock", "rejected", "voided"),
    ];
    let sagas = [delivered, confirmed, declined, cancelled, refused, scarce];
    for (order, ending) in sagas.iter().zip(&endings) {
        ends(platform, *order, ending).await;
    }
    sagas
}

/// All that a second delivery could change, whatever it is: logs, events and their ids, states with
/// the time of their last change, timers, stock, ledger.
async fn snapshot(platform: &Platform) -> Vec<String> {
    let tables: [(&str, &[&str]); 4] = [
        ("order", &["orders", "order_details"]),
        ("inventory", &["reservations", "products", "stock_adjustments"]),
        ("payment", &["transactions", "ledger_entries"]),
        ("shipping", &["shipments"]),
    ];
    let mut found = Vec::new();
    for (service, own) in tables {
        let mut connection = platform.database(service).await;
        let whole = own.iter().map(|table| (*table, "t::text"));
        // Sending again moves the marks of an outbox row, and nothing else of it.
        let outbox = ("outbox", "concat_ws(' ', t.seq, t.event_id, t.event_type, t.body, t.created_at)");
        for (table, row) in whole.chain([("saga_log", "t::text"), ("timers", "t::text"), outbox]) {
            let query = format!(
                "SELECT concat(count(*), ' ', md5(string_agg({row}, '' ORDER BY {row}))) FROM {table} t"
            );
            let digest: String =
                sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&mut connection).await.unwrap();
            found.push(format!("{service}.{table}: {digest}"));
        }
    }
    found
}

/// Duplicates that all services together have noticed so far.
async fn duplicates(platform: &Platform) -> u64 {
    let mut sum = 0;
    for service in platform.services() {
        let metrics = platform.prometheus(service.name()).await;
        let lines = metrics.lines().filter(|line| line.starts_with("saga_duplicates_total"));
        sum += lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum::<u64>();
    }
    sum
}

pub(crate) async fn deliver_again(platform: &Platform, sagas: &[Uuid]) {
    let mut events = Vec::new();
    for order in sagas {
        for (service, event) in all_events(platform, *order).await {
            let event_type = EventType::from_str(event["event_type"].as_str().unwrap()).unwrap();
            let consumers = platform.hearers(event_type).count();
            if consumers > 0 {
                events.extend(vec![(service, event, consumers as u64); TIMES]);
            }
        }
    }
    let before = duplicates(platform).await;
    let expected: u64 = events.iter().map(|(_, _, consumers)| consumers).sum();
    let sagas = sagas.len() as u64;
    assert!(expected > 33 * sagas, "too few events for {sagas} sagas: {expected} deliveries");
    events.sort_by_cached_key(|_| Uuid::new_v4());
    for (service, event, _) in &events {
        assert!(platform.broker().publish_event(service, &event.to_string(), json!({})).await);
    }
    // Every one of them was seen, and seen to be known.
    eventually("every delivery is dropped as a duplicate", async || {
        let dropped = duplicates(platform).await - before;
        if dropped == expected { Ok(()) } else { Err(format!("{dropped} of {expected}")) }
    })
    .await;
}

/// An order, what is said again about it, and who answers with what.
type Repeated<'a> = (Uuid, &'a str, &'a [(&'a str, &'a str)]);

/// What a watchdog or an operator says again, and who has to answer with what.
async fn say_again(platform: &Platform, sagas: &[Uuid; 6]) {
    let [delivered, confirmed, declined, cancelled, refused, scarce] = *sagas;
    let cases: [Repeated<'_>; 6] = [
        (
            delivered,
            "order.confirmed",
            &[
                ("shipping", "shipping.scheduled"),
                ("shipping", "shipping.dispatched"),
                ("shipping", "shipping.delivered"),
            ],
        ),
        (
            confirmed,
            "inventory.reserve.requested",
            &[
                ("inventory", "inventory.reserved"),
                // … which payment has heard before, too.
                ("payment", "payment.processed"),
            ],
        ),
        (declined, "order.failed", &[("inventory", "inventory.released"), ("payment", "payment.failed")]),
        (
            cancelled,
            "order.cancelled",
            &[
                ("inventory", "inventory.released"),
                ("payment", "payment.processed"),
                ("payment", "payment.refunded"),
            ],
        ),
        (refused, "order.confirmed", &[("shipping", "shipping.failed")]),
        (
            scarce,
            "inventory.reserve.requested",
            &[("inventory", "inventory.reserve.failed"), ("payment", "payment.voided")],
        ),
    ];
    for (order, asked, answers) in cases {
        let body = platform.event_body("order", order, asked).await;
        assert!(platform.broker().publish_event("order", &body, json!({ "x-resend": 1 })).await);
        for (service, answer) in answers {
            eventually(&format!("{asked} is answered with {answer}"), async || {
                let times = resends(platform, service, order, answer).await;
                if times > 0 { Ok(()) } else { Err("not said again") }
            })
            .await;
        }
    }
}
