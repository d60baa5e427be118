//! Two replicas of each service share the work, and nothing is done twice.

use system_tests::{Options, Platform, Wanted};

use super::metric;

#[tokio::test]
async fn two_replicas_of_each_service_share_the_work_and_do_nothing_twice() {
    let platform = Platform::start(Options::default()).await;
    let pairs = [
        ("order", "order-2"),
        ("inventory", "inventory-2"),
        ("payment", "payment-2"),
        ("shipping", "shipping-2"),
    ];
    for (_, second) in pairs {
        platform.launch(second, &[]);
    }
    for (_, second) in pairs {
        platform.ready(second).await;
    }
    let product = platform.product(10_000).await;
    let orders = Wanted::mixed(product, 300);
    platform.load(&orders, 30).finish().await;
    platform.assert_all_ended_well(&orders).await;
    for (first, second) in pairs {
        for replica in [first, second] {
            // `inputs` counts what was decided; a duplicate is not.
            let decided = metric(&platform, replica, "saga_inputs_total").await;
            assert!(decided > 30.0, "{replica} took part: {decided} inputs");
        }
    }
}
