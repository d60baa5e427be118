//! SIGTERM: what is under way is brought to its end, and the process goes in time.

use std::time::{Duration, Instant};

use system_tests::{Options, Platform, Wanted};

/// Whoever stops services kills those that take longer.
const DRAIN_MAX: Duration = Duration::from_secs(20);

#[tokio::test]
async fn every_service_drains_in_the_middle_of_the_work_and_nothing_is_lost() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10_000).await;
    let orders = Wanted::mixed(product, 200);
    let load = platform.load(&orders, 10);
    for (service, placed) in [("inventory", 20), ("payment", 60), ("order", 100), ("shipping", 140)] {
        load.accepted(placed).await;
        let asked = Instant::now();
        let status = platform.terminate(service).await;
        assert!(status.success(), "{service} ended with {status}: {}", platform.log(service));
        assert!(asked.elapsed() < DRAIN_MAX, "{service} took {:?}", asked.elapsed());
        assert!(platform.log(service).contains("stopped"), "{service} says goodbye");
        platform.launch(service, &[]);
    }
    load.finish().await;
    platform.assert_all_ended_well(&orders).await;
}
