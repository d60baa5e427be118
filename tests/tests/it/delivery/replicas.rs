//! Two replicas of each service share the work, and nothing is done twice; and each of them may be
//! restarted under load without any client noticing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::Value;
use system_tests::{Options, Platform, Wanted, eventually};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::{balancer::Balancer, metric};

/// Both replicas of each service, and under which name the gateway looks for them.
const PAIRS: [(&str, &str, &str); 8] = [
    ("order", "order-2", "ORDER_URL"),
    ("inventory", "inventory-2", "INVENTORY_URL"),
    ("payment", "payment-2", "PAYMENT_URL"),
    ("shipping", "shipping-2", "SHIPPING_URL"),
    ("notification", "notification-2", "NOTIFICATION_URL"),
    ("analytics", "analytics-2", "ANALYTICS_URL"),
    ("ai", "ai-2", "AI_URL"),
    ("gateway", "gateway-2", "GATEWAY_URL"),
];

/// Everything, with fewer connections for each than usual: there are twice as many processes.
fn doubled() -> Options {
    let options = Options::whole().with("payment", "FRAUD_MODE", "gate");
    PAIRS
        .iter()
        .fold(options, |options, (service, ..)| options.with(service, "DATABASE_CONNECTIONS_MAX", "6"))
}

async fn launch_seconds(platform: &Platform) {
    for (_, second, _) in PAIRS {
        platform.launch(second, &[]);
    }
    for (_, second, _) in PAIRS {
        platform.ready(second).await;
    }
}

/// How many inputs a process has decided in this life of it; a duplicate is none.
async fn decided(platform: &Platform, process: &str) -> f64 {
    metric(platform, process, "saga_inputs_total").await
}

#[tokio::test]
async fn two_replicas_of_each_service_share_the_work_and_do_nothing_twice() {
    let platform = Platform::start(doubled()).await;
    launch_seconds(&platform).await;
    let product = platform.product(10_000).await;
    let orders = Wanted::mixed(product, 200);
    platform.load(&orders, 20).finish().await;
    platform.assert_all_ended_well(&orders).await;
    for (first, second, _) in PAIRS {
        for replica in [first, second] {
            let decided = decided(&platform, replica).await;
            assert!(decided > 30.0, "{replica} took part: {decided} inputs");
        }
    }
    assert_told_once(&platform).await;
    assert_both_say_the_same(&platform).await;
}

/// Every message left once, whichever replica sent it.
async fn assert_told_once(platform: &Platform) {
    let open = "SELECT count(*) FROM notifications WHERE status <> 'sent'";
    eventually("every message is sent", async || match platform.count("notification", open).await {
        0 => Ok(()),
        n => Err(format!("{n} are not")),
    })
    .await;
    let sent = platform.count("notification", "SELECT count(*) FROM notifications").await;
    let said = "SELECT count(*) FROM outbox WHERE event_type = 'notification.sent'";
    assert_eq!(platform.count("notification", said).await, sent, "one event for each message");
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for folder in [platform.mail_directory(), platform.mail_directory().join("sms")] {
        for line in std::fs::read_to_string(folder.join("sent.log")).unwrap_or_default().lines() {
            // When, which file, and whether it had been there.
            let file = folder.join(line.split(' ').nth(1).unwrap());
            *times.entry(file.display().to_string()).or_default() += 1;
        }
    }
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "sent more than once: {twice:?}");
    assert_eq!(times.len() as i64, sent, "every message left");
}

/// Figures and feed are the same, whichever replica is asked.
async fn assert_both_say_the_same(platform: &Platform) {
    for (service, path) in [("analytics", "/events/stats"), ("gateway", "/api/events?limit=200")] {
        let second = format!("{service}-2");
        eventually(&format!("both replicas of {service} say the same"), async || {
            let (one, other) = (platform.get(service, path).await, platform.get(&second, path).await);
            if one == other { Ok(()) } else { Err(format!("{one}\n{other}")) }
        })
        .await;
    }
}

/// A balancer in front of each service, and everybody who calls one calls it through its balancer.
struct Front {
    by_service: BTreeMap<&'static str, Balancer>,
}

impl Front {
    async fn new() -> Self {
        let balancers =
            join_all(PAIRS.iter().map(|(service, ..)| async { (*service, Balancer::new().await) }));
        Self { by_service: balancers.await.into_iter().collect() }
    }

    fn options(&self) -> Options {
        let options = doubled().with("simulators", "SHIPPING_URL", self.url("shipping", ""));
        PAIRS
            .iter()
            .filter(|(service, ..)| *service != "gateway")
            .fold(options, |options, (service, _, name)| options.with("gateway", name, self.url(service, "")))
    }

    fn over(&mut self, platform: &Platform) {
        for (first, second, _) in PAIRS {
            let ports = [platform.port(first), platform.port(second)];
            self.by_service.get_mut(first).unwrap().over(&ports);
        }
    }

    fn url(&self, service: &str, path: &str) -> String {
        format!("{}{path}", self.by_service[service].url())
    }

    async fn until_taken(&self, platform: &Platform, service: &str, replica: &str) {
        eventually(&format!("the balancer takes {replica}"), async || {
            if self.by_service[service].takes(platform.port(replica)) { Ok(()) } else { Err("not yet") }
        })
        .await;
    }
}

/// Clients who never try anything again, and note every request that was not answered as it should be.
#[derive(Clone, Default)]
struct Clients {
    enough: Arc<AtomicBool>,
    placed: Arc<AtomicUsize>,
    read: Arc<AtomicUsize>,
    failures: Arc<std::sync::Mutex<Vec<String>>>,
}

impl Clients {
    /// Who keeps a connection that stands idle for longer than the notice may find it closed.
    fn client() -> reqwest::Client {
        let client = reqwest::Client::builder().pool_idle_timeout(Duration::from_millis(250));
        client.timeout(Duration::from_secs(30)).build().unwrap()
    }

    fn goes_on(&self) -> bool {
        !self.enough.load(Ordering::SeqCst)
    }

    fn failed(&self, what: String) {
        self.failures.lock().unwrap().push(what);
    }

    /// Places these orders one after the other; says which it got to.
    fn place(&self, url: String, orders: Vec<Wanted>) -> JoinHandle<Vec<Wanted>> {
        let (clients, client) = (self.clone(), Self::client());
        tokio::spawn(async move {
            let mut placed = Vec::new();
            for order in orders {
                if !clients.goes_on() {
                    break;
                }
                match client.post(&url).json(&order.body).send().await {
                    Ok(answer) if answer.status().as_u16() == 201 => {
                        clients.placed.fetch_add(1, Ordering::SeqCst);
                        placed.push(order);
                    }
                    Ok(answer) => clients.failed(format!("POST {url}: {}", answer.status())),
                    Err(error) => clients.failed(format!("POST {url}: {error:?}")),
                }
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            placed
        })
    }

    /// Reads these again and again. What is not there yet is no failure.
    fn read(&self, urls: Vec<String>) -> JoinHandle<()> {
        let (clients, client) = (self.clone(), Self::client());
        tokio::spawn(async move {
            while clients.goes_on() {
                for url in &urls {
                    match client.get(url).send().await {
                        Ok(answer) if !answer.status().is_server_error() => {
                            clients.read.fetch_add(1, Ordering::SeqCst);
                        }
                        Ok(answer) => {
                            let status = answer.status();
                            clients.failed(format!("GET {url}: {status} {:?}", answer.text().await));
                        }
                        Err(error) => clients.failed(format!("GET {url}: {error:?}")),
                    }
                    tokio::time::sleep(Duration::from_millis(30)).await;
                }
            }
        })
    }

    /// Follows the live feed, and comes back with the last id whenever the stream ends; gives the event
    /// ids in the order they came, and how often it came back.
    fn follow(&self, url: String) -> JoinHandle<(Vec<Uuid>, usize)> {
        let clients = self.clone();
        // No time limit: a stream is meant to last.
        let client = reqwest::Client::new();
        tokio::spawn(async move {
            let (mut heard, mut last, mut streams) = (Vec::new(), "0".to_owned(), 0);
            while clients.goes_on() {
                let opened = client.get(&url).header("last-event-id", &last).send().await;
                let mut stream = match opened {
                    Ok(stream) if stream.status().is_success() => stream,
                    Ok(answer) => {
                        clients.failed(format!("the feed: {} {:?}", answer.status(), answer.text().await));
                        continue;
                    }
                    Err(error) => {
                        clients.failed(format!("the feed: {error:?}"));
                        continue;
                    }
                };
                streams += 1;
                let mut text = String::new();
                while clients.goes_on() {
                    let chunk = tokio::time::timeout(Duration::from_millis(200), stream.chunk()).await;
                    let Ok(chunk) = chunk else { continue };
                    let Ok(Some(chunk)) = chunk else { break };
                    text.push_str(&String::from_utf8_lossy(&chunk));
                    while let Some((frame, rest)) = text.split_once("\n\n") {
                        let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
                        if let Some(id) = field("id:") {
                            last = id.trim().to_owned();
                        }
                        if let Some(data) = field("data:").filter(|data| !data.trim().is_empty()) {
                            let event: Value = serde_json::from_str(data).unwrap();
                            heard.push(event["event_id"].as_str().unwrap().parse().unwrap());
                        }
                        text = rest.to_owned();
                    }
                }
            }
            (heard, streams - 1)
        })
    }
}

/// What the reader reads, service by service, directly and through the gateway.
fn questions(front: &Front, order: Uuid) -> Vec<String> {
    let of_order = ["transactions", "shipments", "notifications", "assessments"];
    let services = ["payment", "shipping", "notification", "ai"];
    let direct =
        services.iter().zip(of_order).map(|(service, of)| front.url(service, &format!("/{of}/{order}")));
    let through = ["orders", "reservations"].iter().chain(&of_order);
    let through = through.map(|of| front.url("gateway", &format!("/api/{of}/{order}")));
    direct
        .chain(through)
        .chain([
            front.url("order", &format!("/orders/{order}")),
            front.url("inventory", "/products"),
            front.url("analytics", "/metrics"),
            front.url("gateway", "/api/products"),
            front.url("gateway", "/api/metrics"),
            front.url("gateway", &format!("/api/orders/{order}/timeline")),
            front.url("gateway", "/api/events"),
        ])
        .collect()
}

#[tokio::test]
async fn every_replica_may_be_restarted_under_load_and_no_client_notices() {
    let mut front = Front::new().await;
    let platform = Platform::start(front.options()).await;
    launch_seconds(&platform).await;
    front.over(&platform);
    for (first, second, _) in PAIRS {
        for replica in [first, second] {
            front.until_taken(&platform, first, replica).await;
        }
    }
    let product = platform.product(100_000).await;
    let probe = platform.place(product, 1, "tok_ok").await;
    let clients = Clients::default();
    let doors = [front.url("order", "/orders"), front.url("gateway", "/api/orders")];
    let placing = doors.map(|door| clients.place(door, Wanted::mixed(product, 5_000)));
    let reading = [(); 3].map(|()| clients.read(questions(&front, probe)));
    let following = clients.follow(front.url("gateway", "/api/events/stream"));
    eventually("the load has begun", async || match clients.placed.load(Ordering::SeqCst) {
        0..20 => Err("not yet"),
        _ => Ok(()),
    })
    .await;

    for (first, second, _) in PAIRS {
        for replica in [first, second] {
            roll(&platform, &front, first, replica).await;
        }
    }
    eventually("both lives of the last one have taken part", async || {
        took_part(&platform, "gateway-2").await
    })
    .await;
    clients.enough.store(true, Ordering::SeqCst);
    let mut orders = Vec::new();
    for placing in placing {
        orders.extend(placing.await.unwrap());
    }
    for reading in reading {
        reading.await.unwrap();
    }
    let (heard, came_back) = following.await.unwrap();
    let (placed, read) = (clients.placed.load(Ordering::SeqCst), clients.read.load(Ordering::SeqCst));
    println!("{placed} orders placed, {read} questions asked, the feed resumed {came_back} times");
    let failures = clients.failures.lock().unwrap().clone();
    assert!(failures.is_empty(), "{} requests failed: {failures:#?}", failures.len());
    assert!(placed > 100 && read > 100, "no load: {placed} placed, {read} read");

    platform.assert_all_ended_well(&orders).await;
    assert_told_once(&platform).await;
    assert_both_say_the_same(&platform).await;
    assert!(came_back >= 1, "the feed's reader was never sent to another replica");
    let distinct: BTreeSet<&Uuid> = heard.iter().collect();
    assert_eq!(distinct.len(), heard.len(), "the feed repeated an event");
    assert_feed_is_gapless(&platform, &heard).await;
    for (service, balancer) in &front.by_service {
        let given = balancer.given();
        assert!(given.iter().all(|connections| *connections > 0), "{service}: connections {given:?}");
    }
}

/// Restarts one replica, and waits until it takes part again.
async fn roll(platform: &Platform, front: &Front, service: &str, replica: &'static str) {
    eventually(&format!("{replica} takes part"), async || took_part(platform, replica).await).await;
    let asked = Instant::now();
    let status = platform.terminate(replica).await;
    let took = asked.elapsed();
    println!("{replica} drained in {took:.2?}");
    assert!(status.success(), "{replica} ended with {status}: {}", platform.log(replica));
    assert!(took < Duration::from_secs(5), "{replica} took {took:?}");
    platform.launch(replica, &[]);
    platform.ready(replica).await;
    front.until_taken(platform, service, replica).await;
}

async fn took_part(platform: &Platform, replica: &str) -> Result<(), String> {
    match decided(platform, replica).await {
        few if few < 5.0 => Err(format!("it decided {few} inputs")),
        _ => Ok(()),
    }
}

/// What the reader heard is, in the same order, a beginning of what the feed holds.
async fn assert_feed_is_gapless(platform: &Platform, heard: &[Uuid]) {
    let held: Vec<Uuid> = sqlx::query_scalar("SELECT event_id FROM feed ORDER BY position")
        .fetch_all(&mut platform.database("gateway").await)
        .await
        .unwrap();
    assert!(heard.len() > 500, "{} events are no load", heard.len());
    assert_eq!(heard, &held[..heard.len()], "the reader missed something");
}
