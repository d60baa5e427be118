//! Services that die: at every named point between the steps whose order matters (see
//! `chassis::faults`), by `kill -9` at any moment, and all at once. Whatever was accepted ends where
//! it had to end; nothing is done twice.

use system_tests::{Options, Platform, Wanted};
use uuid::Uuid;

/// Deadlines that find lost calls (30 s) pass in 6 s; the order's own (5 min) is a minute away.
const TIME_SCALE: u32 = 5;

/// Points that every service passes. Some a second time, deeper in the work.
const POINTS: [&str; 7] = [
    "before_commit",
    "before_commit:6",
    "after_commit",
    "before_ack:3",
    "after_confirm",
    "after_confirm:4",
    "after_copy",
];
/// Points of the services that call the outside world.
const EFFECT_POINTS: [&str; 3] = ["before_effect", "after_effect", "after_effect:5"];

/// Lets one service die at each of these points, one after the other, under load. For `after_copy`
/// something has to fail first: `poisoned` is an input of that service.
async fn dies_at(service: &'static str, points: &[&str], poisoned: &str) {
    let platform = Platform::start(Options::fast(TIME_SCALE)).await;
    let product = platform.product(10_000).await;
    let (mut orders, mut loads) = (Vec::new(), Vec::new());
    platform.kill(service);
    for point in points {
        platform.launch(service, &[("FAULT_POINT", point)]);
        let first = Wanted::mixed(product, 1);
        if *point == "after_copy" {
            platform.poison(service, first[0].id, poisoned).await;
        }
        loads.push(platform.load(&first, 1));
        let (placed, placing) = platform.load_until_death(service, || Wanted::mixed(product, 10)).await;
        platform.heal(service, first[0].id).await;
        orders.extend(first.into_iter().chain(placed));
        loads.extend(placing);
        let last_words = format!("fault point {}: aborting", point.split(':').next().unwrap());
        assert!(platform.log(service).contains(&last_words), "{service} died of something else");
    }
    platform.launch(service, &[]);
    for load in loads {
        load.finish().await;
    }
    platform.assert_all_ended_well(&orders).await;
}

#[tokio::test]
async fn the_order_service_may_die_at_any_point() {
    dies_at("order", &POINTS, "inventory.reserved").await;
}

#[tokio::test]
async fn the_inventory_service_may_die_at_any_point() {
    dies_at("inventory", &POINTS, "inventory.reserve.requested").await;
}

#[tokio::test]
async fn the_payment_service_may_die_at_any_point() {
    dies_at("payment", &[&POINTS[..], &EFFECT_POINTS].concat(), "order.placed").await;
}

#[tokio::test]
async fn the_shipping_service_may_die_at_any_point() {
    dies_at("shipping", &[&POINTS[..], &EFFECT_POINTS].concat(), "order.confirmed").await;
}

#[tokio::test]
async fn services_may_be_killed_at_random_moments_and_all_at_once() {
    const SERVICES: [&str; 4] = ["order", "inventory", "payment", "shipping"];
    let platform = Platform::start(Options::fast(TIME_SCALE)).await;
    let product = platform.product(10_000).await;
    let orders = Wanted::mixed(product, 200);
    let load = platform.load(&orders, 10);
    // Sixteen bytes of chance: after how many more orders, and whom.
    let chance = Uuid::new_v4();
    let mut placed = 0;
    for (round, byte) in chance.as_bytes().iter().enumerate().take(8) {
        placed += 8 + usize::from(byte % 8);
        load.accepted(placed).await;
        // Every service twice; the order of them is chance, too.
        let service = SERVICES[(round + usize::from(chance.as_bytes()[8])) % 4];
        platform.kill(service);
        platform.launch(service, &[]);
    }
    load.accepted(placed + 20).await;
    for service in SERVICES {
        platform.kill(service);
    }
    for service in SERVICES {
        platform.launch(service, &[]);
    }
    assert!(load.finish().await > 0, "somebody had to ask again");
    platform.assert_all_ended_well(&orders).await;
    for service in SERVICES {
        platform.ready(service).await;
    }
}
