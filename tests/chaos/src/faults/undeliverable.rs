//! Events that reach nobody, and inputs that nobody can write: what only time or a person mends.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use shared_events::{EventType, Service, catalogue::CATALOGUE};
use system_tests::{Platform, eventually_within};
use uuid::Uuid;

use super::RATE;
use crate::{
    arena::{Allowance, Arena},
    customers::{Kind, Traffic},
    fault::{Evidence, Fault, Trials, participants},
    wiretap,
};

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "event nobody is bound for",
        what: "every binding for one event is taken away, so that the broker gives it back; put back 2 s later",
        trials: Trials { sample: 1, full: 20 },
        options: participants,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(unbound(arena)),
        evidence: &[Evidence::Swept, Evidence::BothEnds],
    },
    Fault {
        name: "input that cannot be written, then redriven",
        what: "shipping fails on some orders' confirmation until it is a dead letter with its reason; then the \
               cause is mended and an operator puts the letters back",
        trials: Trials { sample: 0, full: 40 },
        options: participants,
        traffic: || Traffic::mixed(RATE),
        inject: |arena| Box::pin(unwritable(arena)),
        evidence: &[Evidence::Retries, Evidence::BothEnds],
    },
];

/// How long nobody is bound.
const UNBOUND: Duration = Duration::from_secs(2);
/// How long the ladder takes at the suite's time scale (34 s), and some more.
const LADDER_MAX: Duration = Duration::from_secs(60);
/// How long a letter that was put back may take to be handled.
const REDRIVEN_WITHIN: Duration = Duration::from_secs(20);

/// Events whose loss would stop a saga.
const VITAL: [EventType; 5] = [
    EventType::OrderPlaced,
    EventType::InventoryReserveRequested,
    EventType::InventoryReserved,
    EventType::PaymentProcessed,
    EventType::OrderConfirmed,
];

async fn unbound(arena: &Arena) {
    let (platform, broker) = (&arena.platform, arena.platform.broker());
    for event in VITAL.into_iter().cycle() {
        if !arena.goes_on() {
            break;
        }
        let (exchange, key) = (event.producer().exchange(), event.as_str());
        let before = returned(platform, event.producer()).await;
        // The tap hears everything, so it would keep the event from coming back. It goes on to listen to
        // the producer's other events.
        let others = CATALOGUE.iter().filter(|entry| entry.producer == event.producer());
        for other in others.filter(|entry| entry.event_type != event) {
            broker.bind(&exchange, wiretap::QUEUE, other.event_type.as_str()).await;
        }
        broker.unbind(&exchange, wiretap::QUEUE, "%23").await;
        for hearer in platform.hearers(event) {
            broker.unbind(&exchange, &hearer.inbox(), key).await;
        }
        tokio::time::sleep(UNBOUND).await;
        // First the consumers: what the tap alone would take would not come back to the producer any more,
        // and be lost for them. What only they got meanwhile is said again for the tap.
        platform.apply_topology().await;
        broker.bind(&exchange, wiretap::QUEUE, "#").await;
        say_again(platform, event).await;
        arena.trial(returned(platform, event.producer()).await > before);
        arena.recovers().await;
    }
    let mut times = 0;
    for service in Service::ALL.iter().filter(|service| platform.services().contains(service)) {
        times += returned(platform, *service).await;
    }
    arena.figure("returned by the broker", times);
}

/// Has the producer repeat what it sent of this kind in the last seconds.
async fn say_again(platform: &Platform, event: EventType) {
    // What was confirmed is marked as sent a little later.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let producer = event.producer().name();
    let sent: Vec<Uuid> = sqlx::query_scalar(
        "SELECT event_id FROM outbox WHERE event_type = $1 AND published_at > now() - interval '10 seconds'",
    )
    .bind(event.as_str())
    .fetch_all(&mut platform.database(producer).await)
    .await
    .unwrap();
    for few in sent.chunks(500) {
        let wanted = json!({ "event_ids": few, "reason": "the wiretap was not bound" });
        let _ = platform.post(producer, "/outbox/resend", &wanted).await.expect(200);
    }
}

/// How often the broker gave an event of this service back.
async fn returned(platform: &Platform, service: Service) -> i64 {
    platform.count(service.name(), "SELECT COALESCE(sum(returned), 0)::bigint FROM outbox").await
}

async fn unwritable(arena: &Arena) {
    let (platform, customers) = (&arena.platform, &arena.customers);
    arena.allow(Allowance::DeadLetters);
    let drafts: Vec<(Uuid, Value)> = (0..arena.wanted()).map(|_| customers.draft(Kind::Ok)).collect();
    for (order, _) in &drafts {
        platform.poison("shipping", *order, "order.confirmed").await;
    }
    join_all(drafts.iter().map(|(order, body)| customers.insist_on(*order, Kind::Ok, body))).await;
    let mut wanted: Vec<Uuid> = Vec::new();
    for (order, _) in &drafts {
        platform.until_status(*order, "confirmed").await;
        wanted.extend(platform.emitted("order", *order, "order.confirmed").await);
    }
    // Peeked at, not counted: each of them has to be there.
    let letters = eventually_within(LADDER_MAX, "each becomes a dead letter", async || {
        let letters = dead_letters(platform).await;
        let missing =
            wanted.iter().filter(|event| !letters.iter().any(|letter| is_of(letter, event))).count();
        if missing == 0 { Ok(letters) } else { Err(format!("{missing} of {} do not", wanted.len())) }
    })
    .await;
    for letter in &letters {
        let text = letter["properties"]["headers"]["x-error-text"].as_str().unwrap_or_default();
        if !text.contains("poisoned by a test") {
            arena.violation(format!("a dead letter does not say why: {letter}"));
        }
    }
    for (order, _) in &drafts {
        platform.heal("shipping", *order).await;
        arena.trial(true);
    }
    redrive(arena).await;
    eventually_within(REDRIVEN_WITHIN, "what was put back is handled", async || {
        let handled: i64 =
            sqlx::query_scalar("SELECT count(DISTINCT event_id) FROM saga_log WHERE event_id = ANY($1)")
                .bind(&wanted)
                .fetch_one(&mut platform.database("shipping").await)
                .await
                .unwrap();
        if handled == wanted.len() as i64 { Ok(()) } else { Err(format!("{handled} of {}", wanted.len())) }
    })
    .await;
    // A resend of the same event may have gone its own way up the ladder meanwhile.
    tokio::time::sleep(LADDER_MAX / 2).await;
    redrive(arena).await;
    arena.recovers().await;
}

async fn dead_letters(platform: &Platform) -> Vec<Value> {
    platform.broker().peek("shipping.dlq").await
}

fn is_of(letter: &Value, event: &Uuid) -> bool {
    letter["properties"]["message_id"] == json!(event)
}

/// Puts every dead letter of shipping back into its inbox, as an operator does: headers and all, but for
/// the attempts, which begin anew.
async fn redrive(arena: &Arena) {
    let broker = arena.platform.broker();
    for letter in broker.take("shipping.dlq").await {
        let mut properties = letter["properties"].clone();
        if let Some(headers) = properties["headers"].as_object_mut() {
            headers.retain(|name, _| name == "x-producer" || name == "version");
        }
        let (key, body) = (letter["routing_key"].as_str().unwrap(), letter["payload"].as_str().unwrap());
        if !broker.publish("operator", "shipping.redeliver", key, properties, body).await {
            arena.violation(format!("no queue takes a dead letter that is put back: {letter}"));
        }
    }
}
