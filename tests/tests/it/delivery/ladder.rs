//! The retry ladder: a message whose handling fails comes back later and later, holds up nobody,
//! and is given up after six attempts, with its reason.

use std::time::Duration;

use chassis::topology::LADDER;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use system_tests::{Options, Platform, Wanted, eventually, order_body};
use uuid::Uuid;

use super::header;

/// Fast enough to see the last rung, slow enough that the order's own deadline (15 s) is far.
const TIME_SCALE: u32 = 20;
/// What a busy machine may add to a delay.
const SLACK: Duration = Duration::from_secs(4);

/// What inventory logged about one event: `(attempt, rung, when)` of every failure.
fn failures(platform: &Platform, event: &str) -> Vec<(u64, String, DateTime<Utc>)> {
    let log = platform.log("inventory");
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["event_id"] == event && line["attempt"].is_u64())
        .map(|line| {
            let at = line["timestamp"].as_str().unwrap().parse().unwrap();
            (line["attempt"].as_u64().unwrap(), line["delay"].as_str().unwrap().to_owned(), at)
        })
        .collect()
}

/// Every event that inventory put off.
fn handled_again(platform: &Platform) -> Vec<String> {
    let log = platform.log("inventory");
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["attempt"].is_u64())
        .map(|line| line["event_id"].as_str().unwrap().into())
        .collect()
}

async fn event_id(platform: &Platform, order: Uuid, event_type: &str) -> String {
    let body: Value = serde_json::from_str(&platform.event_body("order", order, event_type).await).unwrap();
    body["event_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_poison_in_a_batch_climbs_the_ladder_alone_and_heals_or_is_given_up_and_redriven() {
    let platform = Platform::start(Options::fast(TIME_SCALE).with("inventory", "LOG_FORMAT", "json")).await;
    let product = platform.product(1_000).await;
    let orders: Vec<Wanted> =
        (0..50).map(|_| Wanted::new(order_body(product, 1, "tok_ok"), "confirmed")).collect();
    // One cannot be reserved for a while; the other is reserved and paid, and cannot be committed.
    let (heals, never) = (orders[17].id, orders[31].id);
    platform.poison("inventory", heals, "inventory.reserve.requested").await;
    platform.poison("inventory", never, "order.confirmed").await;
    platform.load(&orders, 50).finish().await;
    let requested = event_id(&platform, heals, "inventory.reserve.requested").await;
    eventually("the poisoned reservation failed twice", async || {
        let failed = failures(&platform, &requested).len();
        if failed >= 2 { Ok(()) } else { Err(format!("{failed} times")) }
    })
    .await;
    platform.heal("inventory", heals).await;

    // The other 49, and the healed one.
    let ids: Vec<Uuid> = orders.iter().map(|order| order.id).collect();
    platform.until_settled(&ids).await;
    assert!(failures(&platform, &requested).len() >= 2, "it was tried more than once");

    let confirmed = event_id(&platform, never, "order.confirmed").await;
    let others = handled_again(&platform).into_iter().filter(|id| *id != requested && *id != confirmed);
    assert_eq!(others.collect::<Vec<_>>(), Vec::<String>::new(), "nobody else was put off");
    let letter = eventually("the other one is given up", async || {
        let mut letters = platform.broker().peek("inventory.dlq").await;
        if letters.len() == 1 { Ok(letters.remove(0)) } else { Err(format!("{letters:?}")) }
    })
    .await;
    assert_climbed(&failures(&platform, &confirmed));
    assert_given_up(&letter, &confirmed);
    assert_eq!(platform.stock(product).await, (1_000 - 49, 1), "49 are committed, one is still held");

    // A person mends the cause and puts the letter back, with its headers, on its own queue only.
    platform.heal("inventory", never).await;
    let letter = platform.broker().take("inventory.dlq").await.remove(0);
    let properties = json!({
        "message_id": letter["properties"]["message_id"], "headers": letter["properties"]["headers"],
    });
    let body = letter["payload"].as_str().unwrap();
    assert!(platform.broker().publish("operator", "inventory.redeliver", "", properties, body).await);
    eventually("the redriven event is handled", async || match platform.stock(product).await {
        (950, 0) => Ok(()),
        stock => Err(format!("{stock:?}")),
    })
    .await;
    let log = platform.saga_log("inventory", never).await;
    assert_eq!(log.iter().filter(|row| row["event_id"] == confirmed.as_str()).count(), 1, "{log:#?}");
    platform.assert_all_ended_well(&orders).await;
}

/// Five failures that were tried again, each after the delay of its rung and not much later.
#[track_caller]
fn assert_climbed(failed: &[(u64, String, DateTime<Utc>)]) {
    let climbed: Vec<(u64, &str)> = failed.iter().map(|(n, rung, _)| (*n, rung.as_str())).collect();
    assert_eq!(climbed, [(1, "1s"), (2, "4s"), (3, "16s"), (4, "64s"), (5, "256s")]);
    for (pair, rung) in failed.windows(2).zip(LADDER) {
        let waited = (pair[1].2 - pair[0].2).to_std().unwrap();
        let delay = rung.delay / TIME_SCALE;
        assert!(waited >= delay, "attempt {} came after {waited:?}, before {delay:?}", pair[1].0);
        assert!(waited < delay + SLACK, "attempt {} came only after {waited:?}, not {delay:?}", pair[1].0);
    }
}

#[track_caller]
fn assert_given_up(letter: &Value, event_id: &str) {
    let body: Value = serde_json::from_str(letter["payload"].as_str().unwrap()).unwrap();
    assert_eq!(body["event_id"], event_id);
    assert_eq!(letter["properties"]["message_id"], event_id);
    assert_eq!(header(letter, "x-error-class"), "exhausted");
    let text = header(letter, "x-error-text");
    assert!(text.contains("6 attempts") && text.contains("poisoned by a test"), "{text}");
    assert_eq!(letter["properties"]["headers"]["x-attempt"], 6);
    assert_eq!(header(letter, "x-producer"), "order");
    let first: DateTime<Utc> = header(letter, "x-first-failed-at").parse().unwrap();
    let whole = LADDER.iter().map(|rung| rung.delay).sum::<Duration>() / TIME_SCALE;
    assert!((Utc::now() - first).to_std().unwrap() >= whole, "first failed {first}");
}
