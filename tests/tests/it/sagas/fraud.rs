//! The fraud verdict as a gate before the charge, and as a mere remark (rule 9). The verdicts are
//! published as their own service would; every way they may come is here.

use serde_json::{Value, json};
use system_tests::{Options, Platform, Product, eventually};
use uuid::Uuid;

use super::{Ending, PRICE, about, ends, event, handled, hasten, until};

async fn assess(platform: &Platform, order: Uuid, verdict: &str) {
    let mut data = json!({ "score": 50, "verdict": verdict, "reasons": ["a test"], "model_version": "test" });
    if verdict == "review" {
        data["review_until"] = json!("2030-01-01T00:00:00Z");
    }
    let body = event(order, "fraud.assessed", &data);
    assert!(platform.broker().publish_event("ai", &body, json!({})).await);
}

async fn review(platform: &Platform, order: Uuid, verdict: &str) {
    let body = event(order, "fraud.reviewed", &json!({ "verdict": verdict, "decided_by": "dana" }));
    assert!(platform.broker().publish_event("ai", &body, json!({})).await);
}

/// Whether `payment.requested` says that the order had been assessed.
pub(crate) async fn assessed(platform: &Platform, order: Uuid) -> bool {
    let body = platform.event_body("payment", order, "payment.requested").await;
    serde_json::from_str::<Value>(&body).unwrap()["data"]["assessed"].as_bool().unwrap()
}

/// Waits until a timer of the order has between these many seconds left.
pub(crate) async fn until_left(platform: &Platform, service: &str, order: Uuid, timer: &str, seconds: f64) {
    let query = "SELECT EXTRACT(EPOCH FROM due_at - clock_timestamp())::float8 FROM timers \
         WHERE order_id = $1 AND name = $2";
    let mut connection = platform.database(service).await;
    eventually(&format!("{service} waits {seconds} s for {timer}"), async || {
        let left: Option<f64> =
            sqlx::query_scalar(query).bind(order).bind(timer).fetch_optional(&mut connection).await.unwrap();
        let left = left.ok_or("no timer")?;
        if left <= seconds && left > seconds - 20.0 { Ok(()) } else { Err("another time") }
    })
    .await;
}

#[tokio::test]
async fn a_verdict_that_is_waited_for_opens_the_gate_or_closes_it() {
    let platform = Platform::start(Options::default().with("payment", "FRAUD_MODE", "gate")).await;
    let product = platform.product(20).await;
    verdicts(&platform, product).await;
    no_verdict_closes(&platform, product).await;
    a_rejection_is_a_remark(&platform, product).await;
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (14, 0));
}

async fn verdicts(platform: &Platform, product: Product) {
    // While inventory is stopped the verdicts come first, however slow this machine is.
    platform.kill("inventory");
    let mut orders = [Uuid::nil(); 8];
    for order in &mut orders {
        *order = platform.place(product, 1, "tok_ok").await;
    }
    let [approved, rejected, reviewed, refused, forgotten, overtaken, decided, unheard] = orders;
    assess(platform, approved, "approve").await;
    assess(platform, rejected, "reject").await;
    for order in [reviewed, refused, forgotten, decided] {
        assess(platform, order, "review").await;
    }
    // The person was faster than the news that there is something to review.
    review(platform, overtaken, "approve").await;
    handled(platform, "payment", overtaken, "fraud.reviewed").await;
    assess(platform, overtaken, "review").await;
    for order in [approved, rejected, reviewed, refused, forgotten, overtaken, decided] {
        handled(platform, "payment", order, "fraud.assessed").await;
    }
    // A decided review gives the order its usual five minutes again.
    until_left(platform, "order", decided, "confirmation", 88_200.0).await;
    review(platform, decided, "approve").await;
    until_left(platform, "order", decided, "confirmation", 300.0).await;
    platform.launch("inventory", &[]);
    platform.ready("inventory").await;

    for order in [approved, overtaken, decided] {
        ends(platform, order, &Ending::confirmed()).await;
        assert!(assessed(platform, order).await);
    }
    ends(platform, rejected, &Ending::failed("fraud_rejected", "released", "failed")).await;
    assert_eq!(platform.journal(rejected).await["entries"], json!([]));

    // Nobody said anything: the gate opens by itself after two seconds, and says so.
    ends(platform, unheard, &Ending::confirmed()).await;
    assert!(!assessed(platform, unheard).await);
    under_review(platform, [reviewed, refused, forgotten]).await;

    // A verdict after the charge changes nothing.
    assess(platform, unheard, "reject").await;
    let (_, late) = handled(platform, "payment", unheard, "fraud.assessed").await;
    assert_eq!((&late["status"], &late["emitted"]), (&json!("ignored"), &json!([])));
    handled(platform, "order", unheard, "fraud.assessed").await;
    ends(platform, unheard, &Ending::confirmed()).await;
}

/// A review waits for a person: nothing is charged, the hold and the order's patience are longer.
async fn under_review(platform: &Platform, [approved, refused, forgotten]: [Uuid; 3]) {
    for order in [approved, refused, forgotten] {
        let shown = platform.get("payment", &format!("/transactions/{order}")).await;
        assert_eq!((&shown["status"], &shown["fraud"]), (&json!("collecting"), &json!("review")));
        until_left(platform, "order", order, "confirmation", 88_200.0).await;
        until_left(platform, "inventory", order, "hold", 90_000.0).await;
    }
    review(platform, approved, "approve").await;
    ends(platform, approved, &Ending::confirmed()).await;
    review(platform, refused, "reject").await;
    ends(platform, refused, &Ending::failed("fraud_rejected", "released", "failed")).await;
    about(hasten(platform, "order", forgotten, "confirmation").await, 88_200.0);
    ends(platform, forgotten, &Ending::failed("review_timeout", "released", "voided")).await;
    // Decided after all, but too late: the dead stay dead.
    review(platform, forgotten, "approve").await;
    handled(platform, "payment", forgotten, "fraud.reviewed").await;
    ends(platform, forgotten, &Ending::failed("review_timeout", "released", "voided")).await;
}

async fn no_verdict_closes(platform: &Platform, product: Product) {
    platform.kill("payment");
    platform.launch("payment", &[("FRAUD_FALLBACK", "fail_closed")]);
    platform.ready("payment").await;
    let order = platform.place(product, 1, "tok_ok").await;
    ends(platform, order, &Ending::failed("fraud_unavailable", "released", "failed")).await;
    assert_eq!(platform.journal(order).await["entries"], json!([]));
}

async fn a_rejection_is_a_remark(platform: &Platform, product: Product) {
    platform.kill("payment");
    platform.launch("payment", &[("FRAUD_MODE", "observe")]);
    platform.ready("payment").await;
    platform.kill("inventory");
    let order = platform.place(product, 1, "tok_ok").await;
    handled(platform, "payment", order, "order.placed").await;
    assess(platform, order, "reject").await;
    handled(platform, "payment", order, "fraud.assessed").await;
    let shown = until(platform, "payment", "transactions", order, "collecting").await;
    assert_eq!(shown["fraud"], "reject");
    platform.launch("inventory", &[]);
    platform.ready("inventory").await;
    ends(platform, order, &Ending::confirmed().money(PRICE, 0)).await;
}
