//! The broker's topology: every queue under its policy, a missing binding noticed, and an event that
//! reaches no queue kept until it does.

use chassis::topology::queues;
use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Options, Platform, Product, UNHEARD, eventually, order_body};

use super::{keeper::Keeper, metric};

/// Every queue is of quorum type and has exactly the policy that the catalogue wants: the ladder's
/// delays, at-least-once dead-lettering (which needs `reject-publish`), and explicit limits.
pub(crate) async fn assert_policies(platform: &Platform, time_scale: u32) {
    let path = format!("queues/{}", platform.broker().vhost());
    let listed = platform.broker().admin(Method::GET, &path, None).await;
    let wanted: Vec<_> =
        platform.services().iter().flat_map(|service| queues(*service, time_scale)).collect();
    let listed = listed.as_array().unwrap().iter().filter(|queue| queue["name"] != UNHEARD);
    assert_eq!(listed.count(), wanted.len());
    for queue in &wanted {
        // The broker tells what it applies to a queue with its statistics, every five seconds.
        let path = format!("{path}/{}", queue.name);
        let actual = eventually(&format!("{} is under a policy", queue.name), async || {
            let actual = platform.broker().admin(Method::GET, &path, None).await;
            if actual["effective_policy_definition"].is_object() { Ok(actual) } else { Err("not told yet") }
        })
        .await;
        assert_eq!(actual["type"], "quorum", "{}", queue.name);
        assert_eq!(actual["effective_policy_definition"], queue.policy, "{}", queue.name);
        if !queue.name.ends_with(".dlq") {
            assert_eq!(queue.policy["dead-letter-strategy"], "at-least-once", "{}", queue.name);
            assert_eq!(queue.policy["overflow"], "reject-publish", "{}", queue.name);
        }
    }
}

/// Starts a service again, so that it looks at the topology now and not within its minute, and
/// gives what it complains about.
async fn complaint(platform: &Platform, service: &'static str) -> String {
    assert!(platform.terminate(service).await.success());
    platform.launch(service, &[]);
    eventually(&format!("{service} is not ready"), async || {
        let Ok(answer) = platform.http().get(&platform.url(service, "/readyz")).await else {
            return Err("no answer".to_owned());
        };
        let topology: Value = answer.json()["checks"]["topology"].clone();
        let found = topology.as_str().unwrap().to_owned();
        if answer.status == 503 && found.contains("binding") { Ok(found) } else { Err(answer.text) }
    })
    .await
}

#[tokio::test]
async fn a_missing_binding_is_noticed_and_an_event_without_a_queue_waits_for_one() {
    let platform = Platform::start(Options::default()).await;
    assert_policies(&platform, 1).await;
    let product = platform.product(100).await;

    // One of two subscribers is missing: the event is not returned, because the other one has it.
    // Only the check can see that.
    platform.broker().unbind("inventory.events", "order.inbox", "inventory.reserved").await;
    let half_heard = platform.place(product, 1, "tok_ok").await;
    eventually("payment has heard of the reservation", async || {
        let log = platform.saga_log("payment", half_heard).await;
        if log.iter().any(|row| row["input"] == "inventory.reserved") { Ok(()) } else { Err("not yet") }
    })
    .await;
    let found = complaint(&platform, "order").await;
    assert_eq!(found, "binding inventory.events -[inventory.reserved]-> order.inbox is missing");
    assert_eq!(platform.count("inventory", "SELECT max(returned)::bigint FROM outbox").await, 0);
    platform.broker().bind("inventory.events", "order.inbox", "inventory.reserved").await;
    platform.ready("order").await;
    // The order itself needs no intermediate news to be confirmed.
    platform.until_status(half_heard, "confirmed").await;

    // The only subscriber is missing: the broker gives the event back.
    let (exchange, inbox, key) = ("order.events", "inventory.inbox", "inventory.reserve.requested");
    platform.broker().unbind(exchange, inbox, key).await;
    let order = platform.place_body(&order_body(product, 1, "tok_ok")).await;
    let row = format!("FROM outbox WHERE aggregate_id = '{order}' AND event_type = '{key}'");
    eventually("the event was given back", async || {
        match platform.count("order", &format!("SELECT returned::bigint {row}")).await {
            0 => Err("not yet"),
            _ => Ok(()),
        }
    })
    .await;
    assert_eq!(platform.count("order", &format!("SELECT count(published_at) {row}")).await, 0);
    assert!(metric(&platform, "order", "outbox_returned_total").await >= 1.0);
    let id = platform.emitted("order", order, key).await[0];
    let log = platform.log("order");
    assert!(log.lines().any(|line| line.contains("no queue") && line.contains(&id.to_string())), "{log}");
    let found = complaint(&platform, "inventory").await;
    assert_eq!(found, format!("binding {exchange} -[{key}]-> {inbox} is missing"));
    assert_eq!(platform.order(order).await["status"], "pending");

    platform.broker().bind(exchange, inbox, key).await;
    platform.ready("inventory").await;
    platform.until_status(order, "confirmed").await;
    assert_eq!(platform.emitted("order", order, key).await, [id], "the same event went out");
    assert_events_wait_for_their_exchange(&platform, product).await;
    platform.assert_sound().await;
}

/// The broker closes a channel that publishes to an exchange that is not there. That is no fault of
/// the event, which must not be given up.
async fn assert_events_wait_for_their_exchange(platform: &Platform, product: Product) {
    let path = format!("exchanges/{}/order.events", platform.broker().vhost());
    platform.broker().admin(Method::DELETE, &path, None).await;
    let order = platform.place(product, 1, "tok_ok").await;
    eventually("order finds its exchange missing", async || {
        let log = platform.log("order");
        if log.contains("the broker does not take events") { Ok(()) } else { Err("not yet") }
    })
    .await;
    let row = format!("FROM outbox WHERE aggregate_id = '{order}'");
    let settled = format!("SELECT count(published_at) + count(dead_at) {row}");
    assert_eq!(platform.count("order", &settled).await, 0, "neither sent nor given up");
    platform.apply_topology().await;
    platform.until_status(order, "confirmed").await;
}

/// Changes or adds a policy of one queue.
async fn set_policy(platform: &Platform, name: &str, priority: u32, definition: &Value) {
    let path = format!("policies/{}/{name}", platform.broker().vhost());
    let body = json!({
        "pattern": r"^order\.inbox$", "apply-to": "queues", "priority": priority, "definition": definition,
    });
    platform.broker().admin(Method::PUT, &path, Some(body)).await;
}

async fn until_check_of_order(platform: &Platform, wanted: &str) {
    eventually(&format!("order's topology check says {wanted}"), async || {
        let body = platform.ask("order", "/readyz").await.json();
        let found = body["checks"]["topology"].as_str().unwrap_or_default();
        if found.contains(wanted) { Ok(()) } else { Err(body.to_string()) }
    })
    .await;
}

#[tokio::test]
async fn a_changed_policy_is_mended_and_a_foreign_one_is_named() {
    let scale = 10;
    let platform = Platform::start(Options::whole().scaled(scale)).await;
    let path = format!("policies/{}/order.inbox", platform.broker().vhost());
    let before = platform.broker().admin(Method::GET, &path, None).await;
    let mut changed = before["definition"].clone();
    changed["delivery-limit"] = json!(5);
    set_policy(&platform, "order.inbox", 10, &changed).await;
    until_check_of_order(&platform, "queue order.inbox: delivery-limit is 5, not 200").await;

    let keeper = Keeper::start(&platform, scale);
    keeper.says("mended: policy order.inbox: definition is").await;
    platform.ready("order").await;
    let after = platform.broker().admin(Method::GET, &path, None).await;
    assert_eq!(after, before);

    // Somebody's policy of a higher priority is theirs to remove; it is seen by both.
    set_policy(&platform, "foreign", 99, &json!({ "delivery-limit": 7 })).await;
    until_check_of_order(&platform, "queue order.inbox: delivery-limit is 7, not 200").await;
    keeper.says("cannot mend: queue order.inbox is under the policy foreign").await;
    let path = format!("policies/{}/foreign", platform.broker().vhost());
    platform.broker().admin(Method::DELETE, &path, None).await;
    keeper.says("is well again: queue order.inbox is under the policy foreign").await;
    platform.ready("order").await;
    assert!(keeper.terminate().await.success());
}
