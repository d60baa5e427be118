//! Connections that are cut: services come back by themselves, and nothing is lost in between.

use system_tests::{Options, Platform, Wanted, eventually};

#[tokio::test]
async fn all_connections_may_be_cut_in_the_middle_of_the_work() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10_000).await;
    let orders = Wanted::mixed(product, 200);
    let load = platform.load(&orders, 10);
    for placed in [30, 90, 150] {
        load.accepted(placed).await;
        // One to publish and one to consume for each service; the broker lists a new connection only
        // after a while.
        let mut cut = 0;
        eventually("all connections are cut", async || {
            cut += platform.broker().close_connections().await;
            if cut >= 8 { Ok(()) } else { Err(format!("only {cut}")) }
        })
        .await;
    }
    assert_eq!(load.finish().await, 0, "no client noticed anything");
    platform.assert_all_ended_well(&orders).await;
    for service in ["order", "inventory", "payment", "shipping"] {
        platform.ready(service).await;
        let log = platform.log(service);
        assert!(log.contains("publishing is interrupted"), "{service} was cut off");
        assert!(log.contains("consuming is interrupted"), "{service} was cut off");
    }
}
