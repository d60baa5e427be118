//! Services that die: at every named point between the steps whose order matters (see
//! `chassis::faults`), by `kill -9` at any moment, and all at once. Whatever was accepted ends where
//! it had to end; nothing is done twice.

use chassis::faults::{POINTS, Point};
use shared_events::Service;
use system_tests::{Options, Platform, Wanted};
use uuid::Uuid;

/// Deadlines that find lost calls (30 s) pass in 6 s; the order's own (5 min) is a minute away.
const TIME_SCALE: u32 = 5;
/// Orders that are under way when a service dies.
const ORDERS: usize = 20;

/// A point, and at which passage a service dies there.
type Passage = (Point, u32);

/// Points that every service passes. Some a second time, deeper in the work.
const EVERYWHERE: [Passage; 7] = [
    (Point::BeforeCommit, 1),
    (Point::BeforeCommit, 6),
    (Point::AfterCommit, 1),
    (Point::BeforeAck, 3),
    (Point::AfterConfirm, 1),
    (Point::AfterConfirm, 4),
    (Point::AfterCopy, 1),
];
/// The point of a service that takes commands.
const ANSWERING: [Passage; 2] = [(Point::BeforeAnswer, 1), (Point::BeforeAnswer, 4)];
/// Points of the services that call the outside world. A call that was lost before it was made is what
/// a timer then finds out.
const CALLING: [Passage; 4] = [
    (Point::BeforeEffect, 1),
    (Point::BeforeTimerCommit, 1),
    (Point::AfterEffect, 1),
    (Point::AfterEffect, 5),
];

#[test]
fn every_point_at_which_a_service_can_die_is_tried() {
    for point in POINTS.iter().filter(|point| point.kills()) {
        let mut tried = EVERYWHERE.iter().chain(&ANSWERING).chain(&CALLING);
        assert!(tried.any(|(passed, _)| passed == point), "{} is not tried", point.name());
    }
}

/// Lets one service die at each of these points, one after the other, under load. For a copy to be made
/// something has to fail first: `poisoned` is an input of that service.
async fn dies_at(service: &'static str, passages: &[Passage], poisoned: &str) {
    let platform = Platform::start(Options::fast(TIME_SCALE)).await;
    let product = platform.product(10_000).await;
    let (mut orders, mut loads) = (Vec::new(), Vec::new());
    platform.kill(service);
    for (point, nth) in passages {
        let fatal = format!("{}:{nth}", point.name());
        platform.launch(service, &[("FAULT_POINT", &fatal)]);
        let placed = Wanted::mixed(product, ORDERS);
        let copied = (*point == Point::AfterCopy).then_some(placed[0].id);
        if let Some(order) = copied {
            platform.poison(service, order, poisoned).await;
        }
        loads.push(platform.load(&placed, 5));
        orders.extend(placed);
        platform.wait_for_death(service).await;
        if let Some(order) = copied {
            platform.heal(service, order).await;
        }
        let last_words = format!("fault point {}: aborting", point.name());
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
    dies_at("order", &[&EVERYWHERE[..], &ANSWERING].concat(), "inventory.reserved").await;
}

#[tokio::test]
async fn the_inventory_service_may_die_at_any_point() {
    dies_at("inventory", &EVERYWHERE, "inventory.reserve.requested").await;
}

#[tokio::test]
async fn the_payment_service_may_die_at_any_point() {
    dies_at("payment", &[&EVERYWHERE[..], &CALLING].concat(), "order.placed").await;
}

#[tokio::test]
async fn the_shipping_service_may_die_at_any_point() {
    dies_at("shipping", &[&EVERYWHERE[..], &CALLING].concat(), "order.confirmed").await;
}

#[tokio::test]
async fn a_handler_that_panics_costs_a_retry_and_no_order() {
    let platform = Platform::start(Options::fast(TIME_SCALE)).await;
    let product = platform.product(10_000).await;
    platform.kill("inventory");
    let name = Point::PanicInDecide.name();
    let panics = format!("{name}:1,{name}:2,{name}:7,{name}:8");
    platform.launch("inventory", &[("FAULT_POINT", &panics)]);
    let living = platform.pid("inventory");
    let orders = Wanted::mixed(product, ORDERS);
    platform.load(&orders, 5).finish().await;
    platform.assert_all_ended_well(&orders).await;
    let panicked = platform.log("inventory").matches("fault point panic_in_decide: panicking\n").count();
    assert!(panicked >= 4, "it panicked {panicked} times");
    assert!(!platform.has_died("inventory") && platform.pid("inventory") == living);
}

#[tokio::test]
async fn a_fault_that_does_not_exist_is_refused_at_start() {
    let only = Options { services: vec![Service::Shipping], ..Options::default() };
    let platform = Platform::start(only).await;
    platform.kill("shipping");
    for (variable, name) in [("FAULT_POINT", "before_ack,before_comit"), ("PLANTED_BUG", "no_inbx")] {
        platform.launch("shipping", &[(variable, name)]);
        platform.wait_for_death("shipping").await;
        let refusal = format!("{variable} names `{}`", name.split(',').next_back().unwrap());
        assert!(platform.log("shipping").contains(&refusal), "{refusal}");
    }
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
