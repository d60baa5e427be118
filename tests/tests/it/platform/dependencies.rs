//! What an order's acceptance does not depend on: with any of these away, orders are taken as fast as
//! before, and go on when it returns. And a database that is away costs its consumer no attempt.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::StreamExt as _;
use serde_json::Value;
use shared_events::Service;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use system_tests::{Options, Platform, Product, Wanted, Weather, Wire, eventually};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::delivery::metric;

/// Orders by which one figure is measured, and how many at once.
const SAMPLE: usize = 100;
const AT_ONCE: usize = 4;
/// Acceptance may become so much slower, for the machine has other things to do; and this is no delay
/// that somebody waits for, whatever it was before. The shortest limit of any call is two seconds.
const SLOWER: u32 = 10;
const UNNOTICED: Duration = Duration::from_secs(1);

/// Places a sample, each order once; says how long the slowest but one in a hundred took.
async fn acceptance(platform: &Platform, product: Product, away: &str) -> (Duration, Vec<Wanted>) {
    let orders = Wanted::mixed(product, SAMPLE);
    let url = platform.url("order", "/orders");
    let placing = futures::stream::iter(&orders).map(async |order| {
        let asked = Instant::now();
        let answer = platform.http().post(&url, &order.body).await.unwrap();
        assert_eq!(answer.status, 201, "{away} is away: {}", answer.text);
        asked.elapsed()
    });
    let mut times: Vec<Duration> = placing.buffer_unordered(AT_ONCE).collect().await;
    times.sort_unstable();
    let (median, p99) = (times[SAMPLE / 2], times[SAMPLE * 99 / 100 - 1]);
    println!("{away:>26} away: {SAMPLE} orders accepted, median {median:.1?}, p99 {p99:.1?}");
    (p99, orders)
}

/// Takes the sample while something is away, and adds it to the orders that have to end well.
struct Measured<'p> {
    platform: &'p Platform,
    product: Product,
    usual: Duration,
    orders: Vec<Wanted>,
}

impl Measured<'_> {
    async fn while_away(&mut self, away: &str) -> Vec<Wanted> {
        let (p99, placed) = acceptance(self.platform, self.product, away).await;
        let allowed = (self.usual * SLOWER).max(UNNOTICED);
        assert!(p99 < allowed, "{away} away: {p99:?} is not of the order of {:?}", self.usual);
        self.orders.extend(placed.clone());
        placed
    }

    async fn settled(&self, orders: &[Wanted]) {
        let ids: Vec<_> = orders.iter().map(|order| order.id).collect();
        self.platform.until_settled(&ids).await;
    }
}

/// A mail server that says nothing, until it is told to do its work.
struct MailServer {
    port: u16,
    awake: Arc<AtomicBool>,
    callers: Arc<AtomicUsize>,
    taken: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl MailServer {
    async fn silent() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (awake, callers, taken): (Arc<AtomicBool>, Arc<AtomicUsize>, Arc<AtomicUsize>) =
            Default::default();
        let shared = (awake.clone(), callers.clone(), taken.clone());
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                shared.1.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(converse(stream, shared.0.clone(), shared.2.clone()));
            }
        });
        Self { port, awake, callers, taken, serving }
    }

    fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One conversation. Who called while the server was silent is hung up on when it wakes.
async fn converse(mut stream: TcpStream, awake: Arc<AtomicBool>, taken: Arc<AtomicUsize>) {
    if !awake.load(Ordering::SeqCst) {
        while !awake.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        return;
    }
    let (reading, mut writing) = stream.split();
    let mut lines = BufReader::new(reading).lines();
    let mut answer = "220 here\r\n";
    let mut in_mail = false;
    loop {
        if writing.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        // The mail itself is not answered line by line.
        let line = loop {
            let Ok(Some(line)) = lines.next_line().await else { return };
            if !in_mail || line == "." {
                break line;
            }
        };
        answer = match line.get(..4).unwrap_or(&line) {
            "DATA" => "354 go on\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "250 yes\r\n",
        };
        if in_mail {
            taken.fetch_add(1, Ordering::SeqCst);
        }
        in_mail = line == "DATA";
    }
}

#[tokio::test]
async fn orders_are_accepted_as_fast_as_ever_while_others_are_away_and_go_on_when_they_return() {
    let options = Options::whole().scaled(5).proxied().with("payment", "FRAUD_MODE", "gate");
    let platform = Platform::start(options).await;
    let product = platform.product(100_000).await;
    // The first ones find cold connections and caches.
    let (_, mut orders) = acceptance(&platform, product, "(warming up) nobody").await;
    let (usual, placed) = acceptance(&platform, product, "nobody").await;
    orders.extend(placed);
    let mut measured = Measured { platform: &platform, product, usual, orders };

    redis(&mut measured).await;
    mail(&mut measured).await;
    ai(&mut measured).await;
    observers(&mut measured).await;
    broker(&mut measured).await;
    platform.assert_all_ended_well(&measured.orders).await;
}

async fn redis(measured: &mut Measured<'_>) {
    let platform = measured.platform;
    let way = platform.proxy("analytics", Wire::Redis);
    for (weather, away) in [(Weather::BlackHole, "Redis (silent)"), (Weather::Down, "Redis (refusing)")] {
        way.weather(weather);
        let placed = measured.while_away(away).await;
        measured.settled(&placed).await;
        let counted = platform.ask("analytics", "/metrics").await;
        assert_eq!(
            (counted.status.as_u16(), &counted.headers["x-served-from"]),
            (200, &"postgres".parse().unwrap())
        );
    }
    way.weather(Weather::Clear);
    eventually("the figures come from Redis again", async || {
        let counted = platform.ask("analytics", "/metrics").await;
        if counted.headers["x-served-from"] == "redis" { Ok(()) } else { Err("from Postgres") }
    })
    .await;
}

async fn mail(measured: &mut Measured<'_>) {
    let platform = measured.platform;
    let unsent = "SELECT count(*) FROM notifications WHERE status <> 'sent'";
    platform.kill("notification");
    platform.launch("notification", &[("SMTP_URL", "smtp://127.0.0.1:1")]);
    platform.ready("notification").await;
    let refused = measured.while_away("the mail server (refusing)").await;
    measured.settled(&refused).await;
    assert!(platform.count("notification", unsent).await > 0, "mail left through a server that refuses");

    let server = MailServer::silent().await;
    platform.kill("notification");
    platform.launch("notification", &[("SMTP_URL", &server.url())]);
    platform.ready("notification").await;
    let silent = measured.while_away("the mail server (silent)").await;
    measured.settled(&silent).await;
    assert!(server.callers.load(Ordering::SeqCst) > 0, "nobody called the silent server");
    assert!(platform.count("notification", unsent).await > 0, "mail left through a server that is silent");
    server.awake.store(true, Ordering::SeqCst);
    let waiting = "SELECT count(*) FROM notifications WHERE status = 'sent' AND order_id = ANY(ARRAY[";
    let ids: Vec<String> = silent.iter().map(|order| format!("'{}'::uuid", order.id)).collect();
    let sent = format!("{waiting}{}])", ids.join(","));
    eventually("the mail that waited is sent", async || {
        // Each customer is told at least that the order was taken, and how it went.
        match platform.count("notification", &sent).await {
            enough if enough >= 2 * SAMPLE as i64 => Ok(()),
            few => Err(format!("{few} messages")),
        }
    })
    .await;
    assert!(server.taken.load(Ordering::SeqCst) > 0, "it went through the server");
    platform.kill("notification");
    platform.launch("notification", &[]);
    platform.ready("notification").await;
}

async fn ai(measured: &mut Measured<'_>) {
    let platform = measured.platform;
    platform.kill("ai");
    let placed = measured.while_away("the AI service (gate)").await;
    measured.settled(&placed).await;
    let asked = "SELECT count(*) FROM outbox WHERE event_type = 'payment.requested'";
    assert!(platform.count("payment", asked).await >= SAMPLE as i64, "charged without a verdict");
    platform.launch("ai", &[]);
    platform.ready("ai").await;
}

async fn observers(measured: &mut Measured<'_>) {
    let platform = measured.platform;
    for observer in ["gateway", "analytics", "notification"] {
        platform.kill(observer);
    }
    let placed = measured.while_away("the gateway and observers").await;
    measured.settled(&placed).await;
    for observer in ["gateway", "analytics", "notification"] {
        platform.launch(observer, &[]);
        platform.ready(observer).await;
    }
}

async fn broker(measured: &mut Measured<'_>) {
    let platform = measured.platform;
    let unsent = "SELECT count(*) FROM outbox WHERE published_at IS NULL";
    for (weather, away) in
        [(Weather::BlackHole, "the broker (silent)"), (Weather::Down, "the broker (refusing)")]
    {
        for service in platform.services() {
            platform.proxy(service.name(), Wire::Amqp).weather(weather);
        }
        let placed = measured.while_away(away).await;
        let waiting = platform.count("order", unsent).await;
        assert!(waiting >= 2 * placed.len() as i64, "{waiting} events wait: the broker was not away");
        for service in platform.services() {
            platform.proxy(service.name(), Wire::Amqp).weather(Weather::Clear);
        }
        measured.settled(&placed).await;
    }
}

/// Lets nobody, or everybody, into the database of one service; an administrator's statement, so that
/// the server and everybody else's databases stay.
async fn allow_connections(platform: &Platform, service: &str, allowed: bool) {
    let mut admin = PgConnection::connect(platform.stack().get("POSTGRES_ADMIN_URL")).await.unwrap();
    let database = format!("{}_{service}", platform.name());
    let alter = format!("ALTER DATABASE {database} ALLOW_CONNECTIONS {allowed}");
    admin.execute(AssertSqlSafe(alter)).await.unwrap();
    if !allowed {
        let end =
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
        admin.execute(AssertSqlSafe(end)).await.unwrap();
    }
}

#[tokio::test]
async fn a_consumer_whose_database_is_away_waits_and_spends_no_attempt() {
    let platform = Platform::start(Options::default().and(Service::Analytics)).await;
    let product = platform.product(10_000).await;
    let mut orders = Wanted::mixed(product, 200);
    let load = platform.load(&orders, 8);
    load.accepted(40).await;
    for service in ["inventory", "analytics"] {
        allow_connections(&platform, service, false).await;
    }
    assert_eq!(load.finish().await, 0, "orders are accepted without those two");
    for service in ["inventory", "analytics"] {
        eventually(&format!("{service} holds what it has, and says that it is not ready"), async || {
            let held = metric(&platform, service, "consumer_held_total").await;
            let ready = platform.ask(service, "/readyz").await;
            if held >= 2.0 && ready.status == 503 { Ok(()) } else { Err(format!("{held}, {}", ready.text)) }
        })
        .await;
    }
    // Long enough to climb the first rungs of the ladder, if anybody did.
    tokio::time::sleep(Duration::from_secs(6)).await;
    for service in ["inventory", "analytics"] {
        assert_eq!(platform.ask(service, "/livez").await.status, 200, "{service} lives");
        assert_no_attempt(&platform, service).await;
        allow_connections(&platform, service, true).await;
    }
    let after = Wanted::mixed(product, 10);
    platform.load(&after, 5).finish().await;
    orders.extend(after);
    platform.assert_all_ended_well(&orders).await;
    for service in ["inventory", "analytics"] {
        assert_no_attempt(&platform, service).await;
        platform.ready(service).await;
    }
}

/// Nothing was ever put on the ladder, nothing lies on it, and no message in the inbox bears an attempt.
async fn assert_no_attempt(platform: &Platform, service: &str) {
    let tried_again = metric(platform, service, "consumer_retries_total").await;
    assert!(tried_again < 1.0, "{service} spent {tried_again} attempts: {}", platform.log(service));
    for rung in chassis::topology::LADDER {
        let waiting = platform.broker().peek(&format!("{service}.retry.{}", rung.name)).await;
        assert!(waiting.is_empty(), "{service}: {waiting:?} on the ladder");
    }
    for message in platform.broker().peek(&format!("{service}.inbox")).await {
        let attempt = &message["properties"]["headers"]["x-attempt"];
        assert_eq!(*attempt, Value::Null, "{service}: {message}");
    }
}
