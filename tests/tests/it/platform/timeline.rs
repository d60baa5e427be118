//! The front door's view of everything: one order's story by all services, how each of them is, and
//! what it says when one is away.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared_events::Service;
use system_tests::{Answer, Options, Platform, eventually, order_body};
use uuid::Uuid;

/// The services behind the front door.
fn behind() -> impl Iterator<Item = Service> {
    Service::ALL.iter().copied().filter(|service| *service != Service::Gateway)
}

/// Asserts a problem document of that status whose text names what is away.
fn assert_away(answer: &Answer, service: &str) {
    assert!([502, 503].contains(&answer.status.as_u16()), "{} {}", answer.status, answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{}", answer.text);
    let problem = answer.json();
    assert_eq!(problem["status"], answer.status.as_u16());
    assert!(problem["detail"].as_str().unwrap().contains(service), "{problem}");
}

#[tokio::test]
async fn the_front_door_tells_a_failed_orders_story_and_who_is_away() {
    let platform = Platform::start(Options::whole()).await;
    let product = platform.product(10).await;
    let mut body = order_body(product, 1, "tok_ok");
    body["shipping_address"]["country"] = json!("XX");
    let order = platform.place_body(&body).await;
    platform.until_made_good(order, "failed").await;
    platform.until_everything_is_heard().await;
    let path = format!("/api/orders/{order}/timeline");
    let timeline = platform.get("gateway", &path).await;
    assert_eq!(timeline["missing"], json!([]), "{timeline}");
    assert_whole(&platform, &timeline, order).await;

    let health = platform.get("gateway", "/api/health").await;
    for service in behind() {
        let own = &health[service.name()];
        assert_eq!(own["status"], "healthy", "{health}");
        assert_eq!(own["url"].as_str().unwrap().trim_end_matches('/'), platform.url(service.name(), ""));
    }
    shipping_is_away(&platform, order).await;
    assert_eq!(platform.get("gateway", &path).await["missing"], json!([]));
    platform.assert_sound().await;
}

/// Every row of every service's own log is there once, and none before its cause.
async fn assert_whole(platform: &Platform, timeline: &Value, order: Uuid) {
    let entries = timeline["entries"].as_array().unwrap();
    let key = |entry: &Value| (entry["service"].as_str().unwrap().to_owned(), entry["id"].as_i64().unwrap());
    let mut rows = BTreeSet::new();
    for service in behind() {
        let log = platform.saga_log(service.name(), order).await;
        assert!(!log.is_empty(), "{service} knows nothing of the order");
        rows.extend(log.iter().map(|row| (service.name().to_owned(), row["id"].as_i64().unwrap())));
    }
    assert_eq!(entries.len(), rows.len(), "each row once");
    assert_eq!(entries.iter().map(key).collect::<BTreeSet<_>>(), rows);

    let emitted = |entry: &Value| -> Vec<String> {
        let events = entry["emitted"].as_array().unwrap().iter();
        events.map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
    };
    // Who said which event, and at which place of the story.
    let said: BTreeMap<String, (usize, (String, i64))> = entries
        .iter()
        .enumerate()
        .flat_map(|(place, entry)| emitted(entry).into_iter().map(move |id| (id, (place, key(entry)))))
        .collect();
    let mut caused = 0;
    for (place, entry) in entries.iter().enumerate() {
        let Some((before, (service, id))) = entry["event_id"].as_str().and_then(|id| said.get(id)) else {
            continue;
        };
        caused += 1;
        assert!(*before < place, "{entry} comes before its cause");
        assert_eq!(entry["caused_by"], json!({ "service": service, "id": id }), "{entry}");
        let depth = |entry: &Value| entry["depth"].as_u64().unwrap();
        assert!(depth(entry) > depth(&entries[*before]), "{entry}");
    }
    assert!(caused > 40, "{caused} causes are no story of a failed order: {timeline}");
    assert_eq!(entries[0]["service"], "order");
}

async fn shipping_is_away(platform: &Platform, order: Uuid) {
    platform.kill("shipping");
    let health = eventually("the health of all says so", async || {
        let health = platform.get("gateway", "/api/health").await;
        if health["shipping"]["status"] == "unreachable" { Ok(health) } else { Err(health.to_string()) }
    })
    .await;
    for service in behind().filter(|service| *service != Service::Shipping) {
        assert_eq!(health[service.name()]["status"], "healthy", "{health}");
    }
    let ask = async |path: &str| platform.ask("gateway", path).await;
    assert_away(&ask(&format!("/api/shipments/{order}")).await, "shipping");
    for path in [format!("/api/orders/{order}"), format!("/api/transactions/{order}"), "/api/products".into()]
    {
        assert_eq!(ask(&path).await.status, 200, "{path} needs no shipping");
    }
    let timeline = ask(&format!("/api/orders/{order}/timeline")).await.expect(200);
    let missing = timeline["missing"].as_array().unwrap();
    assert_eq!(missing.len(), 1, "{timeline}");
    assert_eq!(missing[0]["service"], "shipping");
    assert!(missing[0]["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{timeline}");
    let services: BTreeSet<&str> = timeline["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["service"].as_str().unwrap())
        .collect();
    assert_eq!(services.len(), behind().count() - 1, "{services:?}");

    platform.kill("order");
    let body = order_body(platform.product(1).await, 1, "tok_ok");
    assert_away(&platform.post("gateway", "/api/orders", &body).await, "order");
    platform.get("gateway", "/api/products").await;
    platform.launch("order", &[]);
    platform.launch("shipping", &[]);
    platform.ready("order").await;
    platform.ready("shipping").await;
}
