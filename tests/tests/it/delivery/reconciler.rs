//! What the broker loses without a word (a binding or a queue that somebody removed) is noticed, mended by the keeper,
//! named by the reconciler and said again; and nothing is named that is merely late.

use std::{collections::BTreeSet, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use shared_events::EventType;
use sqlx::{Connection as _, Executor as _};
use system_tests::{Options, Platform, Wanted, eventually, eventually_within};
use uuid::Uuid;

use super::{keeper::Keeper, metric};

/// Rounds are two seconds apart, the grace is six; an order still has a minute to be confirmed, for the machine is busy.
const TIME_SCALE: u32 = 5;
/// Grace, two looks ten seconds apart, a second try, and a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

async fn start() -> Platform {
    let options = Options::whole().scaled(TIME_SCALE);
    let options = options.with("gateway", "RECONCILER_INTERVAL_SECONDS", "10");
    Platform::start(options.with("gateway", "RECONCILER_GRACE_SECONDS", "30")).await
}

async fn report(platform: &Platform) -> Value {
    platform.get("gateway", "/api/reconciliation").await
}

/// Waits until the topology check of a service, as `/readyz` shows it, satisfies `is_it`.
async fn until_topology(platform: &Platform, service: &'static str, is_it: impl Fn(u16, &str) -> bool) {
    eventually(&format!("the topology check of {service}"), async || {
        let answer = platform.ask(service, "/readyz").await;
        let body = answer.json();
        let found = body["checks"]["topology"].as_str().unwrap_or_default().to_owned();
        if is_it(answer.status.as_u16(), &found) { Ok(()) } else { Err(body.to_string()) }
    })
    .await;
}

/// The ids a report names for one consumer.
fn missed(report: &Value, consumer: &str) -> BTreeSet<Uuid> {
    let rows = report["missing"].as_array().unwrap().iter().filter(|row| row["consumer"] == consumer);
    rows.map(|row| row["event_id"].as_str().unwrap().parse().unwrap()).collect()
}

/// Waits until the reconciler has come to the end and nothing is missing anywhere, and gives that report.
async fn until_nothing_is_missing(platform: &Platform) -> Value {
    eventually_within(PATIENCE, "everything that was missed is heard", async || {
        let report = report(platform).await;
        let well = report["missing_total"] == 0 && report["late"] == 0 && report["is_caught_up"] == true;
        if well { Ok(report) } else { Err(report.to_string()) }
    })
    .await
}

#[tokio::test]
async fn events_that_a_missing_binding_kept_from_a_consumer_are_named_and_said_again_once_it_is_mended() {
    let platform = start().await;
    let product = platform.product(1_000).await;
    let orders = Wanted::mixed(product, 80);
    let load = platform.load(&orders, 8);
    load.accepted(20).await;
    let key = "order.confirmed";
    platform.broker().unbind("order.events", "analytics.inbox", key).await;
    let wanted = format!("binding order.events -[{key}]-> analytics.inbox is missing");
    until_topology(&platform, "analytics", |status, found| status == 503 && found == wanted).await;
    assert!(metric(&platform, "analytics", "broker_topology_problems").await >= 1.0);
    load.finish().await;
    platform.until_settled(&orders.iter().map(|order| order.id).collect::<Vec<_>>()).await;

    // Others have the event, so nobody gave it back; it is only missing.
    let lost: Vec<Uuid> = unheard(&platform, "order", key, "analytics").await;
    assert!(lost.len() > 10, "only {} were lost", lost.len());
    let named = eventually_within(PATIENCE, "what analytics missed is named", async || {
        let report = report(&platform).await;
        match missed(&report, "analytics") {
            named if named == lost.iter().copied().collect() => Ok(report),
            _ => Err(report.to_string()),
        }
    })
    .await;
    assert_named(&named, lost.len(), key, &wanted);
    let unhandled = metric(&platform, "gateway", "events_unhandled").await;
    assert_eq!(unhandled as usize, lost.len());
    let resends = format!("SELECT coalesce(sum(resends), 0)::bigint FROM outbox WHERE event_type = '{key}'");
    assert_eq!(platform.count("order", &resends).await, 0, "nothing is said into a missing binding");

    let keeper = Keeper::start(&platform, TIME_SCALE);
    keeper.says(&format!("mended: binding order.events → analytics.inbox [{key}] is missing")).await;
    until_topology(&platform, "analytics", |status, found| status == 200 && found == "ok").await;
    until_nothing_is_missing(&platform).await;
    platform.until_everything_is_heard().await;
    let said_again = platform.count("order", &resends).await;
    assert_eq!(said_again as usize, lost.len(), "each was said again once");
    let log = platform.log("order");
    assert!(
        log.lines().any(|line| line.contains("said again") && line.contains("reconciler")),
        "no audit line"
    );
    assert!(platform.log("gateway").contains("events were sent and not handled"));
    assert!(keeper.terminate().await.success());
    platform.assert_nothing_was_said_twice().await;
    platform.assert_all_ended_well(&orders).await;
}

/// What a person reads in the report.
fn assert_named(report: &Value, count: usize, key: &str, obstacle: &str) {
    assert_eq!(report["missing_total"], count);
    let row = &report["missing"][0];
    assert_eq!(row["producer"], "order");
    assert_eq!(row["event_type"], key);
    assert_eq!(row["perhaps_a_dead_letter"], false);
    assert_eq!(row["resends"], 0);
    assert!(row["age_seconds"].as_i64().unwrap() > 6, "{row}");
    assert_eq!(report["obstacles"], json!([{ "consumer": "analytics", "problems": [obstacle] }]));
}

/// The events of a type that a producer has sent and a consumer has not logged.
async fn unheard(platform: &Platform, producer: &str, key: &str, consumer: &str) -> Vec<Uuid> {
    let sent: Vec<Uuid> =
        sqlx::query_scalar("SELECT event_id FROM outbox WHERE event_type = $1 AND published_at IS NOT NULL")
            .bind(key)
            .fetch_all(&mut platform.database(producer).await)
            .await
            .unwrap();
    let heard: Vec<Uuid> = sqlx::query_scalar("SELECT event_id FROM saga_log WHERE event_id = ANY($1)")
        .bind(&sent)
        .fetch_all(&mut platform.database(consumer).await)
        .await
        .unwrap();
    sent.into_iter().filter(|event| !heard.contains(event)).collect()
}

#[tokio::test]
async fn an_inbox_that_was_deleted_under_load_comes_back_with_its_consumer_and_with_what_was_lost() {
    let platform = start().await;
    let product = platform.product(1_000).await;
    let orders = Wanted::mixed(product, 120);
    let load = platform.load(&orders, 8);
    // Who only listens, and who takes part: shipping misses `order.confirmed`.
    for (service, accepted) in [("analytics", 20), ("shipping", 40)] {
        load.accepted(accepted).await;
        let path = format!("queues/{}/{service}.inbox", platform.broker().vhost());
        platform.broker().admin(Method::DELETE, &path, None).await;
        let wanted = format!("queue {service}.inbox is missing");
        until_topology(&platform, service, |status, found| status == 503 && found.contains(&wanted)).await;
    }
    load.accepted(80).await;
    let keeper = Keeper::start(&platform, TIME_SCALE);
    for service in ["analytics", "shipping"] {
        keeper.says(&format!("mended: queue {service}.inbox is missing")).await;
        // It consumes again by itself.
        platform.ready(service).await;
    }
    load.finish().await;
    eventually_within(PATIENCE, "the reconciler has had something said again", async || {
        match metric(&platform, "gateway", "reconciler_resent_total").await {
            some if some > 0.0 => Ok(()),
            _ => Err(report(&platform).await.to_string()),
        }
    })
    .await;
    until_nothing_is_missing(&platform).await;
    platform.until_everything_is_heard().await;
    assert!(keeper.terminate().await.success());
    platform.assert_nothing_was_said_twice().await;
    platform.assert_all_ended_well(&orders).await;
}

#[tokio::test]
async fn a_healthy_platform_and_a_slow_consumer_are_no_alarm() {
    let platform = start().await;
    let product = platform.product(2_000).await;
    let orders = Wanted::mixed(product, 200);
    let load = platform.load(&orders, 16);
    load.accepted(80).await;
    // Analytics can read its log and write nothing into it: it holds what it has, and falls behind.
    let mut slow = platform.database("analytics").await;
    slow.execute("BEGIN; LOCK TABLE saga_log IN EXCLUSIVE MODE").await.unwrap();
    load.finish().await;
    eventually_within(PATIENCE, "the reconciler sees that analytics is late", async || {
        let report = report(&platform).await;
        assert_eq!(report["missing_total"], 0, "{report}");
        if report["late"].as_u64().unwrap() > 100 { Ok(()) } else { Err(report.to_string()) }
    })
    .await;
    // Long enough for several rounds to be tempted.
    let until = tokio::time::Instant::now() + Duration::from_secs(30);
    while tokio::time::Instant::now() < until {
        let report = report(&platform).await;
        assert_eq!(report["missing_total"], 0, "{report}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    slow.execute("ROLLBACK").await.unwrap();
    slow.close().await.unwrap();
    platform.until_everything_is_heard().await;
    let last = until_nothing_is_missing(&platform).await;

    let pairs = everything_that_is_to_be_heard(&platform).await;
    let compared = eventually_within(PATIENCE, "everything is compared", async || {
        let compared = report(&platform).await["compared_since_start"].as_u64().unwrap();
        // What was said before a consumer's log began is not asked for.
        if compared * 10 > pairs * 9 { Ok(compared) } else { Err(format!("{compared} of {pairs}")) }
    })
    .await;
    println!("{compared} of {pairs} pairs compared; the last round took {} ms", last["took_millis"]);
    assert_eq!(last["not_asked"], json!([]));
    assert!(metric(&platform, "gateway", "reconciler_resent_total").await < 1.0, "something was said again");
    assert!(!platform.log("gateway").contains("events were sent and not handled"));
    platform.assert_all_ended_well(&orders).await;
}

/// Events times those who hear them.
async fn everything_that_is_to_be_heard(platform: &Platform) -> u64 {
    let mut pairs = 0;
    for service in platform.services() {
        let mut database = platform.database(service.name()).await;
        let types: Vec<String> =
            sqlx::query_scalar("SELECT event_type FROM outbox").fetch_all(&mut database).await.unwrap();
        let hearers = |kind: &String| platform.hearers(kind.parse::<EventType>().unwrap()).count() as u64;
        pairs += types.iter().map(hearers).sum::<u64>();
    }
    pairs
}

/// Every event that `/outbox/sent` tells, in pages of three.
async fn sent(platform: &Platform, service: &str) -> Vec<Uuid> {
    let (mut told, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/outbox/sent?limit=3&older_than_seconds=0{cursor}");
        let page = platform.get(service, &path).await;
        let rows = page["items"].as_array().unwrap().clone();
        told.extend(rows.iter().map(|row| row["event_id"].as_str().unwrap().parse::<Uuid>().unwrap()));
        let Some(next) = page["next_cursor"].as_str() else { return told };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn what_was_sent_is_told_in_pages_and_said_again_on_request_once_for_all_who_ask() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10).await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(platform.place(product, 1, "tok_ok").await);
    }
    platform.until_settled(&orders).await;
    platform.until_everything_is_heard().await;
    let told = sent(&platform, "order").await;
    let rows = platform.count("order", "SELECT count(*) FROM outbox").await;
    assert_eq!(told.len() as i64, rows);
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len(), "none twice");

    let unknown = Uuid::now_v7();
    let asked = json!({ "event_ids": [told[0], unknown] });
    let answer = platform.post("payment", "/saga-logs/unknown", &asked).await.expect(200);
    assert_eq!(answer["unknown"], json!([unknown]), "{answer}");

    let before = platform.get("order", "/outbox/sent?limit=1&older_than_seconds=0").await["now"].clone();
    let request = json!({ "event_ids": [told[0], unknown], "reason": "a test", "published_before": before });
    let first = platform.post("order", "/outbox/resend", &request).await.expect(200);
    assert_eq!((&first["resent"], &first["left_alone"]), (&json!([told[0]]), &json!([unknown])));
    eventually("it was sent again, and has moved to the end", async || {
        let now = sent(&platform, "order").await;
        if now.last() == told.first() { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;
    let second = platform.post("order", "/outbox/resend", &request).await.expect(200);
    assert_eq!(second["resent"], json!([]), "somebody else was faster");

    for (path, body) in [
        ("/outbox/resend", json!({ "event_ids": [], "reason": "none" })),
        ("/outbox/resend", json!({ "event_ids": [unknown], "reason": "  " })),
        ("/outbox/resend", json!({ "event_ids": vec![unknown; 501], "reason": "many" })),
        ("/saga-logs/unknown", json!({ "event_ids": [] })),
    ] {
        assert_eq!(platform.post("order", path, &body).await.status, 422, "{path} {body}");
    }
    for query in ["limit=0", "limit=501", "within_seconds=0", "cursor=nonsense", "page=2"] {
        let answer = platform.ask("order", &format!("/outbox/sent?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
    }
    platform.assert_sound().await;
}
