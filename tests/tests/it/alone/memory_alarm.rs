//! A memory alarm of the broker: it takes nothing more from connections that publish, and goes on
//! giving to those that consume.

use system_tests::{Options, Platform, Stack, Wanted, eventually};

/// Ends the alarm, also after a failed test.
struct Calm(Stack);

impl Drop for Calm {
    fn drop(&mut self) {
        // The broker's own default.
        self.0.rabbitmqctl(&["set_vm_memory_high_watermark", "0.4"]);
    }
}

async fn alarm(platform: &Platform, stack: &Stack) -> Calm {
    let calm = Calm(stack.clone());
    let stack = stack.clone();
    let set = move || stack.rabbitmqctl(&["set_vm_memory_high_watermark", "0.00001"]);
    tokio::task::spawn_blocking(set).await.unwrap();
    eventually("the alarm rings", async || {
        let nodes = platform.broker().admin(reqwest::Method::GET, "nodes", None).await;
        if nodes[0]["mem_alarm"] == true { Ok(()) } else { Err("not yet") }
    })
    .await;
    calm
}

#[tokio::test]
async fn during_a_memory_alarm_orders_are_taken_and_messages_consumed() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10_000).await;
    // What waits in inventory's inbox when the alarm begins.
    platform.kill("inventory");
    let mut orders = Wanted::mixed(product, 20);
    platform.load(&orders, 10).finish().await;
    eventually("all is sent", async || {
        match platform.count("order", "SELECT count(*) FROM outbox WHERE published_at IS NULL").await {
            0 => Ok(()),
            n => Err(format!("{n} unsent")),
        }
    })
    .await;

    let calm = alarm(&platform, &platform.stack().clone()).await;
    platform.launch("inventory", &[]);
    eventually("inventory handles what waits for it", async || {
        let handled = "SELECT count(*) FROM saga_log WHERE input = 'inventory.reserve.requested'";
        match platform.count("inventory", handled).await {
            20 => Ok(()),
            n => Err(format!("{n} of 20")),
        }
    })
    .await;
    let during = Wanted::mixed(product, 30);
    assert_eq!(platform.load(&during, 10).finish().await, 0, "each is accepted at once");
    let sent = "SELECT count(published_at) FROM outbox WHERE event_type = 'inventory.reserved'";
    assert_eq!(platform.count("inventory", sent).await, 0, "the alarm holds publishers back");

    tokio::task::spawn_blocking(move || drop(calm)).await.unwrap();
    orders.extend(during);
    platform.assert_all_ended_well(&orders).await;
}
