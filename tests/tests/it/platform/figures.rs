//! The figures of analytics against a recount from the books of those who know: the orders database,
//! everybody's outbox, and the journal of the payment gateway.

use std::time::{Duration, Instant};

use serde_json::Value;
use shared_events::Service;
use system_tests::{
    Options, Platform, Wanted, Weather, Wire, eventually,
    oracles::{self, Books, Events, Figures},
};

/// A fresh count.
async fn recount(platform: &Platform) -> Figures {
    oracles::recount(&Books::read(platform).await, &Events::read(platform).await)
}

/// Waits until analytics says exactly this, out of that store.
async fn until_told(platform: &Platform, wanted: &Figures, source: &str) {
    eventually(&format!("the figures come from {source}"), async || {
        let (figures, from) = Figures::told(platform).await;
        if from == source && figures == *wanted {
            Ok(())
        } else {
            Err(format!("from {from}:\n {figures:?}\nwanted {wanted:?}"))
        }
    })
    .await;
}

const REDIS: &str = "redis, redis";
const POSTGRES: &str = "postgres, postgres";

#[tokio::test]
async fn the_figures_equal_a_recount_after_crashes_and_lost_counters() {
    let platform = Platform::start(Options::default().and(Service::Analytics).proxied()).await;
    let cable = platform.proxy("analytics", Wire::Redis);
    let product = platform.product(10_000).await;
    let mut orders = Wanted::mixed(product, 200);
    let load = platform.load(&orders, 8);
    let mut lost = 0;
    for accepted in [30, 70, 110, 150] {
        load.accepted(accepted).await;
        platform.kill("analytics");
        lost += platform.lose_counters().await;
        platform.launch("analytics", &[]);
        platform.ready("analytics").await;
        lost += platform.lose_counters().await;
    }
    assert!(lost > 0, "there were counters to lose");
    platform.kill("payment");
    platform.launch("payment", &[]);
    load.finish().await;
    platform.assert_all_ended_well(&orders).await;
    let figures = recount(&platform).await;
    assert_eq!(figures.metrics["total_orders"], 200);
    until_told(&platform, &figures, REDIS).await;
    // Nobody writes any more, so only the loss itself can tell analytics to fill Redis again.
    assert!(platform.lose_counters().await > 0);
    until_told(&platform, &figures, REDIS).await;

    // Redis neither answers nor refuses: Postgres answers instead, soon, and what happens is counted.
    cable.weather(Weather::BlackHole);
    until_told(&platform, &figures, POSTGRES).await;
    let asked = Instant::now();
    assert_eq!(Figures::told(&platform).await, (figures, POSTGRES.to_owned()));
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    let more = Wanted::mixed(product, 20);
    platform.load(&more, 4).finish().await;
    orders.extend(more);
    platform.assert_all_ended_well(&orders).await;
    let figures = recount(&platform).await;
    until_told(&platform, &figures, POSTGRES).await;
    cable.weather(Weather::Clear);
    until_told(&platform, &figures, REDIS).await;

    // There is no Redis at all.
    platform.kill("analytics");
    platform.launch("analytics", &[("REDIS_URL", "redis://127.0.0.1:1/")]);
    platform.ready("analytics").await;
    until_told(&platform, &figures, POSTGRES).await;
    in_detail(&platform, &figures).await;
}

/// The other answers add up to the same.
async fn in_detail(platform: &Platform, figures: &Figures) {
    let revenue = platform.get("analytics", "/revenue?bucket=hour").await;
    let items = revenue["items"].as_array().unwrap();
    let cents = |value: &Value| (value.as_f64().unwrap() * 100.0).round() as i64;
    let sum: i64 = items.iter().map(|item| cents(&item["revenue"])).sum();
    assert_eq!(sum, cents(&figures.metrics["total_revenue"]), "{revenue}");
    let recent = platform.get("analytics", "/orders/recent").await;
    assert_eq!(recent.as_array().unwrap().len(), 10, "{recent}");
}
