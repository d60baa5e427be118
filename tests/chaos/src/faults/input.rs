//! Messages that nobody should ever send, in every inbox.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::StreamExt as _;
use lapin::{
    BasicProperties, Channel,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::{AMQPValue, FieldTable},
};
use rand::Rng as _;
use serde_json::{Value, json};
use shared_events::{EventType, Service, catalogue::CATALOGUE};
use uuid::Uuid;

use super::impersonator::{Impersonator, confirming, connect, part, publish};
use crate::{
    arena::Arena,
    customers::Traffic,
    fault::{Evidence, Fault, Trials, by_build, everybody},
};

pub(crate) const FAULTS: &[Fault] = &[Fault {
    name: "messages nobody should send",
    what: "no JSON, wrong UTF-8, 16 MiB, 100,000 levels, unknown type, future version, another's word, in every inbox",
    trials: Trials { sample: 120, full: 1_300 },
    options: everybody,
    traffic: || Traffic::mixed(by_build(6.0, 20.0)),
    inject: |arena| Box::pin(nonsense(arena)),
    // Not `DeadLetters`: those that are meant are judged and taken away here, and no other may be left.
    evidence: &[Evidence::BothEnds],
}];

/// How long a message may take from an inbox to the dead letters.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the dead letters are watched for others than these.
const WATCH: Duration = Duration::from_millis(500);
/// Trials from which a run is a long one, and how many inboxes get a large message in the others.
const LONG_RUN: usize = 1_000;
const LARGE_IN_SHORT_RUNS: usize = 2;
const LARGE: usize = 16 * 1024 * 1024;
const LEVELS: usize = 100_000;

/// A message nobody can use.
struct Bad {
    what: &'static str,
    /// Who says it, by the broker's word; nobody when empty.
    user: &'static str,
    body: Vec<u8>,
    /// The class and a word that the dead letter must say.
    class: &'static str,
    word: &'static str,
}

fn envelope(event_type: &str, version: u32, data: Value) -> Value {
    json!({
        "event_id": Uuid::now_v7(), "event_type": event_type, "aggregate_id": Uuid::now_v7(),
        "correlation_id": Uuid::now_v7(), "causation_id": null,
        "timestamp": "2026-01-02T03:04:05.000006Z", "version": version, "data": data,
    })
}

/// Everything for one inbox. `placed` is a true `order.placed`.
fn matrix(inbox: Service, placed: &str) -> Vec<Bad> {
    let mut matrix = Vec::new();
    let mut bad = |what, user, body: Vec<u8>, class, word| {
        matrix.push(Bad { what, user, body, class, word });
    };
    // Some event that this inbox hears, with data that fit no event.
    let heard = CATALOGUE.iter().find(|entry| entry.is_consumed_by(inbox)).unwrap();
    let (name, producer) = (heard.event_type.as_str(), heard.producer.name());
    let said = |version, data| envelope(name, version, data).to_string().into_bytes();
    let deep = "[".repeat(LEVELS);
    bad("no JSON", "order", b"{\"event_id\": \"019".to_vec(), "malformed", "EOF");
    bad("an empty body", "order", Vec::new(), "malformed", "EOF");
    bad("another JSON", "payment", b"[1, 2, 3]".to_vec(), "malformed", "invalid type");
    bad("wrong UTF-8", "order", b"{\"event_id\": \"\xff\xfe\"}".to_vec(), "malformed", "unicode");
    bad("a NUL", "order", b"{\"event_id\": \"\0\"}".to_vec(), "malformed", "control character");
    bad("100,000 levels", "order", deep.clone().into_bytes(), "malformed", "");
    let mut whole = envelope(name, 1, json!({}));
    whole["data"] = json!("DEEP");
    let inside = whole.to_string().replace("\"DEEP\"", &format!("{deep}{}", "]".repeat(LEVELS)));
    bad("100,000 levels of data", producer, inside.into_bytes(), "malformed_data", name);
    whole.as_object_mut().unwrap().remove("correlation_id");
    bad("a missing field", producer, whole.to_string().into_bytes(), "malformed", "correlation_id");
    bad("missing data", producer, said(1, json!({ "nothing": 7 })), "malformed_data", name);
    bad("a version from the future", producer, said(99, json!({})), "future_version", "99");
    let unknown = envelope("order.teleported", 1, json!({})).to_string();
    bad("an unknown type", "order", unknown.into_bytes(), "unknown_type", "order.teleported");
    bad("another's word", "inventory", placed.as_bytes().to_vec(), "wrong_producer", "not by `inventory`");
    bad("nobody's word", "", placed.as_bytes().to_vec(), "wrong_producer", "not by ``");
    if !EventType::OrderPlaced.entry().is_consumed_by(inbox) {
        bad("for somebody else", "order", placed.as_bytes().to_vec(), "not_for_us", "not for");
    }
    matrix
}

fn large() -> Bad {
    let body = format!("{{\"event_id\": \"{}\"", "x".repeat(LARGE)).into_bytes();
    Bad { what: "16 MiB", user: "order", body, class: "malformed", word: "" }
}

async fn nonsense(arena: &Arena) {
    let platform = &arena.platform;
    let order = arena.customers.insist(crate::customers::Kind::Ok).await;
    let placed = platform.event_body("order", order, "order.placed").await;
    let impersonator = Impersonator::enter(platform).await;
    let inboxes: Vec<Service> =
        platform.services().iter().copied().filter(|service| service.consumes()).collect();
    let mut classes: BTreeMap<String, usize> = BTreeMap::new();
    while arena.goes_on() {
        let everywhere =
            inboxes.iter().map(|inbox| into(arena, &impersonator, *inbox, matrix(*inbox, &placed)));
        for found in futures::future::join_all(everywhere).await {
            found.into_iter().for_each(|class| *classes.entry(class).or_default() += 1);
        }
        // One after the other, or the broker raises its memory alarm.
        let some = if arena.wanted() >= LONG_RUN { inboxes.len() } else { LARGE_IN_SHORT_RUNS };
        let first = arena.roll(|dice| dice.random_range(0..inboxes.len()));
        for inbox in inboxes.iter().cycle().skip(first).take(some) {
            for class in into(arena, &impersonator, *inbox, vec![large()]).await {
                *classes.entry(class).or_default() += 1;
            }
        }
        false_names(arena).await;
        arena.recovers().await;
    }
    for (class, times) in classes {
        arena.figure(&format!("dead letters, {class}"), times);
    }
    impersonator.leave(platform).await;
}

/// All of these into one inbox; each must be among its dead letters, with its reason, and no other.
/// Gives their classes.
async fn into(arena: &Arena, impersonator: &Impersonator, inbox: Service, bad: Vec<Bad>) -> Vec<String> {
    let channel = impersonator.channel().await;
    let (mut sent, mut classes) = (BTreeMap::new(), Vec::new());
    let met = arena.meets().await;
    for bad in bad {
        let id = Uuid::new_v4().to_string();
        let mut properties =
            BasicProperties::default().with_message_id(id.as_str().into()).with_delivery_mode(2);
        if !bad.user.is_empty() {
            properties = properties.with_user_id(bad.user.into());
        }
        match publish(&channel, "", &inbox.inbox(), properties, &bad.body).await {
            Ok(true) => arena.trial(met),
            refused => arena.violation(format!("{} does not reach {inbox}'s inbox: {refused:?}", bad.what)),
        }
        sent.insert(id, bad);
    }
    let dead = dead_letters(&channel, inbox, &sent.keys().cloned().collect()).await;
    for letter in dead {
        let id = letter.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default();
        let class = header(&letter, "x-error-class");
        match sent.remove(&id) {
            Some(bad) => {
                let well = class == bad.class
                    && header(&letter, "x-error-text").contains(bad.word)
                    && header(&letter, "x-producer") == bad.user
                    && letter.data == bad.body;
                if !well {
                    let headers = letter.properties.headers();
                    arena.violation(format!("{}, in {inbox}'s dead letters, says {headers:?}", bad.what));
                }
                classes.push(class);
            }
            None => arena.violation(format!("a dead letter of {inbox} is none of ours: {id} {class}")),
        }
    }
    for (_, bad) in sent {
        arena.violation(format!("{} is not among {inbox}'s dead letters", bad.what));
    }
    classes
}

/// Takes dead letters away until all these have come, and a little longer.
async fn dead_letters(channel: &Channel, inbox: Service, wanted: &BTreeSet<String>) -> Vec<Delivery> {
    let (queue, tag) = (format!("{inbox}.dlq"), format!("chaos-{}", Uuid::new_v4()));
    channel.basic_qos(100, BasicQosOptions::default()).await.unwrap();
    let options = BasicConsumeOptions::default();
    let mut letters = channel
        .basic_consume(queue.into(), tag.as_str().into(), options, FieldTable::default())
        .await
        .unwrap();
    let (mut found, mut missing) = (Vec::new(), wanted.clone());
    loop {
        let patience = if missing.is_empty() { WATCH } else { PATIENCE };
        let Ok(Some(Ok(letter))) = tokio::time::timeout(patience, letters.next()).await else { break };
        letter.acker.ack(BasicAckOptions::default()).await.unwrap();
        if let Some(id) = letter.properties.message_id() {
            missing.remove(id.as_str());
        }
        found.push(letter);
    }
    channel.basic_cancel(tag.as_str().into(), Default::default()).await.unwrap();
    found
}

// Header values come in sixteen types; a text is the only one meant here.
#[allow(clippy::wildcard_enum_match_arm)]
fn header(letter: &Delivery, name: &str) -> String {
    let headers = letter.properties.headers().clone().unwrap_or_default();
    match headers.inner().get(name) {
        Some(AMQPValue::LongString(value)) => value.to_string(),
        _ => String::new(),
    }
}

/// No service can speak in another's name, on another's exchange or into another's inbox: the broker
/// itself refuses.
async fn false_names(arena: &Arena) {
    let platform = &arena.platform;
    let met = arena.meets().await;
    let producers: Vec<Service> =
        platform.services().iter().copied().filter(|service| service.produces()).collect();
    for (index, service) in producers.iter().enumerate() {
        let other = producers[(index + 1) % producers.len()];
        let password = platform.stack().get(&format!("{}_AMQP_PASSWORD", service.name().to_uppercase()));
        let connection = connect(service.name(), password, platform).await;
        let named = |user: Service| BasicProperties::default().with_user_id(user.name().into());
        for (what, exchange, key, properties) in [
            ("under another's name", service.exchange(), "order.placed".to_owned(), named(other)),
            ("on another's exchange", other.exchange(), "order.placed".to_owned(), named(*service)),
            ("into another's inbox", String::new(), other.inbox(), named(*service)),
        ] {
            let channel = confirming(&connection).await;
            if publish(&channel, &exchange, &key, properties, b"{}").await.is_ok() {
                arena.violation(format!("the broker lets {service} publish {what} ({other}'s)"));
            }
            arena.trial(met);
        }
        part(&connection).await;
    }
}
