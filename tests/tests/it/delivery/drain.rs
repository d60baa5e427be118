//! SIGTERM: what is under way is brought to its end, the rest is given back, and the process goes in
//! time, whatever hangs.

use std::{
    process::ExitStatus,
    time::{Duration, Instant},
};

use futures::future::join_all;
use system_tests::{Options, Platform, Product, Wanted, Weather, Wire, eventually};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, task::JoinHandle};

/// From the signal to the exit, with the half second of notice that is the default.
const DRAIN_MAX: Duration = Duration::from_secs(5);
/// Orders placed around each SIGTERM, how many of them before it, and how many at once.
const ORDERS: usize = 60;
const BEFORE: usize = 25;
const AT_ONCE: usize = 16;

/// SIGTERM, and how long the end took.
async fn drain(platform: &Platform, process: &'static str) -> (ExitStatus, Duration) {
    let asked = Instant::now();
    let status = platform.terminate(process).await;
    (status, asked.elapsed())
}

#[track_caller]
fn assert_drained(platform: &Platform, process: &'static str, (status, took): (ExitStatus, Duration)) {
    println!("{process} drained in {took:.2?}");
    assert!(status.success(), "{process} ended with {status}: {}", platform.log(process));
    assert!(took < DRAIN_MAX, "{process} took {took:?}: {}", platform.log(process));
    let log = platform.log(process);
    // What is cut off may still say a last word of its own.
    let this_life = log.rsplit_once("asked to stop").map_or("", |(_, end)| end);
    assert!(this_life.contains("stopped"), "{process} says no goodbye: {log}");
}

/// Orders that are placed, but not settled yet.
const UNDER_WAY: &str =
    "SELECT count(*) FROM orders WHERE status NOT IN ('confirmed', 'failed', 'cancelled')";

#[tokio::test]
async fn every_service_drains_in_the_middle_of_the_work_and_nothing_is_lost() {
    let platform = Platform::start(Options::whole()).await;
    let product = platform.product(10_000).await;
    let mut orders = Vec::new();
    for service in platform.services() {
        let placed = Wanted::mixed(product, ORDERS);
        let load = platform.load(&placed, AT_ONCE);
        load.accepted(BEFORE).await;
        assert!(platform.count("order", UNDER_WAY).await > 0, "nothing is under way");
        let drained = drain(&platform, service.name()).await;
        assert_drained(&platform, service.name(), drained);
        platform.launch(service.name(), &[]);
        load.finish().await;
        orders.extend(placed);
    }
    platform.assert_all_ended_well(&orders).await;
}

/// A client that sends a request byte by byte and never comes to its end; says how many bytes it got
/// rid of until it was cut off.
fn dripping(platform: &Platform, process: &'static str) -> JoinHandle<usize> {
    let port = platform.port(process);
    tokio::spawn(async move {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let head = b"POST /orders HTTP/1.1\r\nhost: order\r\ncontent-type: application/json\r\nx-slow: ";
        let endless = head.iter().copied().chain(std::iter::repeat(b'z'));
        let mut sent = 0;
        for byte in endless {
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
            sent += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        sent
    })
}

/// Who is asked to stop while a way of theirs is silent, and what the log of the first one must say then:
/// without it nothing hung, and the test has shown nothing.
const SILENT: [(Wire, &[&str], &str); 3] = [
    (Wire::Outside, &["payment", "shipping"], "effects still under way"),
    (Wire::Amqp, &["order", "inventory", "payment", "shipping"], "unsent events stay in the outbox"),
    (Wire::Postgres, &["order", "inventory", "payment", "shipping"], "the database is silent"),
];

#[tokio::test]
async fn a_drain_ends_in_time_whoever_is_silent_and_loses_nothing() {
    // Charges without an answer are asked about after ten seconds.
    let platform = Platform::start(Options::fast(3).proxied()).await;
    let product = platform.product(10_000).await;
    let mut orders = Vec::new();
    for (wire, services, hung) in SILENT {
        orders.extend(silence(&platform, product, wire, services, hung).await);
    }
    platform.assert_all_ended_well(&orders).await;
}

async fn silence(
    platform: &Platform,
    product: Product,
    wire: Wire,
    services: &[&'static str],
    hung: &str,
) -> Vec<Wanted> {
    let placed = Wanted::mixed(product, ORDERS);
    let load = platform.load(&placed, AT_ONCE);
    load.accepted(BEFORE).await;
    for service in services {
        platform.proxy(service, wire).weather(Weather::BlackHole);
    }
    let slow: Vec<_> = services.iter().map(|service| dripping(platform, service)).collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let drains = services.iter().map(|service| drain(platform, service));
    for (service, drained) in services.iter().zip(join_all(drains).await) {
        println!("{wire:?} is silent");
        assert_drained(platform, service, drained);
    }
    let log = platform.log(services[0]);
    assert!(log.contains(hung), "{}: `{hung}` is not in its log:\n{log}", services[0]);
    for slow in slow {
        let sent = slow.await.unwrap();
        assert!(sent > 25, "after {sent} bytes a slow client was cut off, before the drain");
    }
    for service in services {
        platform.proxy(service, wire).weather(Weather::Clear);
        platform.launch(service, &[]);
    }
    for service in services {
        platform.ready(service).await;
    }
    load.finish().await;
    placed
}

#[tokio::test]
async fn requests_are_taken_during_the_notice_and_the_connection_is_closed() {
    let platform = Platform::start(Options::default().with("order", "DRAIN_NOTICE_MS", "2000")).await;
    let product = platform.product(10_000).await;
    let before = platform.ask("order", "/readyz").await;
    assert!(before.status == 200 && !before.headers.contains_key("connection"), "{before:?}");
    let asked = Instant::now();
    let (drained, orders) = tokio::join!(drain(&platform, "order"), async {
        let unready = eventually("order is not ready any more", async || {
            let ready = platform.ask("order", "/readyz").await;
            if ready.status == 503 { Ok(ready) } else { Err("ready") }
        })
        .await;
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(1), "it was ready for {took:?} after the signal");
        assert_eq!(unready.json()["checks"]["shutdown"], "stopping");
        let mut orders = Vec::new();
        while asked.elapsed() < Duration::from_millis(1_500) {
            let order = Wanted::mixed(product, 1).remove(0);
            let answer = platform.post("order", "/orders", &order.body).await;
            let _ = answer.expect(201);
            assert_eq!(answer.headers["connection"], "close");
            orders.push(order);
        }
        orders
    });
    assert_drained(&platform, "order", drained);
    assert!(drained.1 >= Duration::from_secs(2), "the notice was kept: {:?}", drained.1);
    assert!(orders.len() > 5, "{} orders in a second", orders.len());
    assert!(platform.http().get(&platform.url("order", "/livez")).await.is_err(), "the door is closed");
    platform.launch("order", &[]);
    platform.assert_all_ended_well(&orders).await;
}
