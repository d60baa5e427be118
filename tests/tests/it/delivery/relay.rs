//! The relay: whatever is committed is published, however its process ends.

use std::time::{Duration, Instant};

use system_tests::{Options, Platform, Wanted, eventually};
use uuid::Uuid;

use super::metric;

const UNSENT: &str = "SELECT count(*) FROM outbox WHERE published_at IS NULL";

#[tokio::test]
async fn unsent_rows_survive_a_stop_and_rows_left_behind_are_swept() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(1_000).await;

    // An order service that cannot reach the broker takes orders, and stops without losing them.
    assert!(platform.terminate("order").await.success());
    platform.launch("order", &[("AMQP_URL", "amqp://order:nobody@127.0.0.1:1/nowhere")]);
    eventually("it serves", async || platform.http().get(&platform.url("order", "/livez")).await.map(drop))
        .await;
    assert_eq!(platform.ask("order", "/readyz").await.status, 503, "it is not ready without the broker");
    let orders = Wanted::mixed(product, 30);
    assert_eq!(platform.load(&orders, 8).finish().await, 0, "each is accepted at the first attempt");
    assert_eq!(platform.count("order", UNSENT).await, 60);
    let asked = Instant::now();
    assert!(platform.terminate("order").await.success(), "it drains and ends well");
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    assert_eq!(platform.count("order", UNSENT).await, 60);
    platform.launch("order", &[]);
    platform.assert_all_ended_well(&orders).await;
    assert!(metric(&platform, "order", "outbox_swept_total").await >= 60.0);

    // One that is killed between commit and publish leaves rows in its own hand; when the claim has
    // ended, and not before, whoever sweeps first has them.
    assert!(platform.terminate("order").await.success());
    platform.launch("order", &[("FAULT_POINT", "after_commit")]);
    let left = Wanted::mixed(product, 1);
    let load = platform.load(&left, 1);
    platform.wait_for_death("order").await;
    let died = Instant::now();
    let rows = format!("{UNSENT} AND aggregate_id = '{}'", left[0].id);
    assert_eq!(platform.count("order", &rows).await, 2, "it was committed");
    platform.launch("order", &[]);
    assert!(load.finish().await > 0, "the client got no answer and asked again");
    platform.assert_all_ended_well(&left).await;
    let (swept, claim) = (died.elapsed(), Duration::from_secs(15));
    assert!(swept > claim - Duration::from_secs(2) && swept < claim + Duration::from_secs(15), "{swept:?}");
    let ids: Vec<Uuid> = platform.emitted("order", left[0].id, "order.placed").await;
    assert_eq!(ids.len(), 1);
}
