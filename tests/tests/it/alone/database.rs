//! Postgres is killed under load: clients are told to come back, messages are held, and no attempt
//! is spent on waiting.

use system_tests::{Options, Platform, Wanted, eventually, order_body};

use super::{runs_again, server};
use crate::delivery::metric;

const SERVICES: [&str; 4] = ["order", "inventory", "payment", "shipping"];

#[tokio::test]
async fn postgres_may_be_killed_under_load() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10_000).await;
    let orders = Wanted::mixed(product, 200);
    let load = platform.load(&orders, 10);
    load.accepted(60).await;
    let _again = runs_again(&platform, "postgres");
    server(&platform, "kill", "postgres").await;

    for service in SERVICES {
        eventually(&format!("{service} is not ready and says why"), async || {
            let ready = platform.ask(service, "/readyz").await;
            let database = ready.json()["checks"]["database"].as_str().unwrap().to_owned();
            if ready.status == 503 && database != "ok" { Ok(()) } else { Err(ready.text) }
        })
        .await;
        assert_eq!(platform.ask(service, "/livez").await.status, 200, "{service} lives");
    }
    let refused = platform.post("order", "/orders", &order_body(product, 1, "tok_ok")).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert!(refused.headers.contains_key("retry-after"));

    server(&platform, "start", "postgres").await;
    assert!(load.finish().await > 0, "somebody was told to come back");
    platform.assert_all_ended_well(&orders).await;
    let mut held = 0.0;
    for service in SERVICES {
        platform.ready(service).await;
        held += metric(&platform, service, "consumer_held_total").await;
        let retries = metric(&platform, service, "consumer_retries_total").await;
        assert!(retries < 1.0, "{service} spent {retries} attempts: {}", platform.log(service));
    }
    assert!(held >= 1.0, "messages were held");
}
