//! The scorecard as a gate before the charge: the real service's verdicts, people's decisions, the
//! review's own deadline, and an AI service that is away.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared_events::Service;
use system_tests::{Options, Platform, Product, Wanted, eventually, order_body};
use uuid::Uuid;

use crate::sagas::{
    Ending, ends,
    fraud::{assessed, until_left},
    handled, hasten,
};

/// Pieces of a big order, 1,249.50, and of a huge one, 6,247.50.
const BIG: u32 = 50;
const HUGE: u32 = 250;
const PRICE: i64 = 2499;

/// A gate, an AI service, and a payment gateway that declines every card without a token.
fn gated() -> Options {
    Options::default().and(Service::Ai).with("payment", "FRAUD_MODE", "gate").with(
        "simulators",
        "PAYMENT_FAILURE_RATE",
        "1",
    )
}

/// Somebody whose card was declined that often, and whose next order is of so many pieces, from an
/// account opened just now with a throw-away address.
async fn suspicious(platform: &Platform, product: Product, declined: usize, pieces: u32) -> Uuid {
    let person = format!("person-{}", Uuid::new_v4().simple());
    let mut attempts = Vec::new();
    for _ in 0..declined {
        let mut body = order_body(product, 1, "tok_declined");
        body["customer_id"] = json!(person);
        attempts.push(platform.place_body(&body).await);
    }
    for attempt in attempts {
        ends(platform, attempt, &Ending::failed("card_declined", "released", "failed")).await;
        handled(platform, "ai", attempt, "payment.failed").await;
    }
    let mut body = order_body(product, pieces, "tok_ok");
    body["customer_id"] = json!(person);
    body["customer"] = json!({ "email": format!("{person}@mailinator.com"), "created_at": Utc::now() });
    platform.place_body(&body).await
}

/// Waits for the assessment, and gives it.
async fn assessment(platform: &Platform, order: Uuid) -> Value {
    eventually(&format!("{order} is assessed"), async || {
        let answer = platform.ask("ai", &format!("/assessments/{order}")).await;
        if answer.status.is_success() { Ok(answer.json()) } else { Err(answer.text) }
    })
    .await
}

async fn rule(platform: &Platform, order: Uuid, verdict: &str, status: u16) -> Value {
    let body = json!({ "verdict": verdict, "reviewer": "dana" });
    platform.post("ai", &format!("/reviews/{order}"), &body).await.expect(status)
}

fn never_charged(code: &str) -> Ending {
    Ending::failed(code, "released", "failed")
}

fn paid(pieces: u32) -> Ending {
    Ending::confirmed().money(PRICE * i64::from(pieces), 0)
}

#[tokio::test]
async fn the_scorecard_closes_the_gate_and_people_open_it() {
    let platform = Platform::start(gated()).await;
    let product = platform.product(10_000).await;
    let ordinary = platform.place(product, 1, "tok_ok").await;
    ends(&platform, ordinary, &paid(1)).await;
    assert!(assessed(&platform, ordinary).await, "the verdict was waited for");
    assert_eq!(assessment(&platform, ordinary).await["verdict"], "approve");

    let hostile = suspicious(&platform, product, 6, HUGE).await;
    ends(&platform, hostile, &never_charged("fraud_rejected")).await;
    let found = assessment(&platform, hostile).await;
    assert_eq!(found["verdict"], "reject", "{found}");
    assert!(found["reasons"].as_array().is_some_and(|reasons| reasons.len() > 2), "{found}");
    assert_eq!(platform.journal(hostile).await["entries"], json!([]), "the gateway never heard of it");

    let mut reviewed = Vec::new();
    for _ in 0..5 {
        let order = suspicious(&platform, product, 4, BIG).await;
        waits(&platform, order).await;
        reviewed.push(order);
    }
    let [approved, refused, forgotten, let_through, abandoned] = reviewed[..] else { unreachable!() };
    let open = platform.get("ai", "/reviews?status=open").await;
    let listed: Vec<&str> =
        open["items"].as_array().unwrap().iter().map(|row| row["order_id"].as_str().unwrap()).collect();
    let oldest_first: Vec<String> = reviewed.iter().map(Uuid::to_string).collect();
    assert_eq!(listed, oldest_first, "{open}");

    rule(&platform, approved, "approve", 200).await;
    ends(&platform, approved, &paid(BIG)).await;
    rule(&platform, refused, "reject", 200).await;
    ends(&platform, refused, &never_charged("fraud_rejected")).await;
    // Once more the same is the same; another word is too late.
    assert_eq!(rule(&platform, approved, "approve", 200).await["review"]["verdict"], "approve");
    rule(&platform, approved, "reject", 409).await;
    rule(&platform, hostile, "approve", 409).await;

    abandon(&platform, abandoned).await;
    deadline(&platform, forgotten, let_through).await;
    for order in [hostile, refused, forgotten, abandoned] {
        assert_eq!(platform.journal(order).await["entries"], json!([]), "the gateway never heard of {order}");
    }
    platform.assert_sound().await;
}

/// Under review nothing is charged, and everybody is more patient.
async fn waits(platform: &Platform, order: Uuid) {
    let found = assessment(platform, order).await;
    assert_eq!(
        (&found["verdict"], &found["review"]["status"]),
        (&json!("review"), &json!("open")),
        "{found}"
    );
    until_left(platform, "order", order, "confirmation", 88_200.0).await;
    until_left(platform, "inventory", order, "hold", 90_000.0).await;
    let shown = platform.get("payment", &format!("/transactions/{order}")).await;
    assert_eq!((&shown["status"], &shown["fraud"]), (&json!("collecting"), &json!("review")));
    assert_eq!(platform.journal(order).await["entries"], json!([]));
}

/// A customer who does not wait for the verdict: nobody has to decide any more.
async fn abandon(platform: &Platform, order: Uuid) {
    let path = format!("/orders/{order}/cancel");
    let _ = platform.post("order", &path, &json!({ "reason": "took too long" })).await.expect(202);
    platform.until_made_good(order, "cancelled").await;
    eventually("its review is closed", async || {
        let found = assessment(platform, order).await;
        if found["review"]["status"] == "closed" { Ok(()) } else { Err(found.to_string()) }
    })
    .await;
    rule(platform, order, "approve", 409).await;
    assert_eq!(platform.emitted("ai", order, "fraud.reviewed").await.len(), 0);
}

/// Nobody decides: the deadline does, by policy.
async fn deadline(platform: &Platform, refused: Uuid, let_through: Uuid) {
    let left = hasten(platform, "ai", refused, "review").await;
    assert!((86_200.0..=86_400.5).contains(&left), "{left} s are left of a day");
    ends(platform, refused, &never_charged("fraud_rejected")).await;
    let review = assessment(platform, refused).await["review"].clone();
    assert_eq!(
        (&review["decided_by"], &review["verdict"]),
        (&json!("deadline"), &json!("reject")),
        "{review}"
    );

    platform.kill("ai");
    platform.launch("ai", &[("REVIEW_DEADLINE_VERDICT", "approve")]);
    platform.ready("ai").await;
    hasten(platform, "ai", let_through, "review").await;
    ends(platform, let_through, &paid(BIG)).await;
}

#[tokio::test]
async fn an_ai_service_that_is_away_delays_no_order_beyond_the_deadline() {
    let platform = Platform::start(gated()).await;
    let product = platform.product(100).await;
    platform.kill("ai");
    let open = platform.place(product, 1, "tok_ok").await;
    ends(&platform, open, &paid(1)).await;
    assert!(!assessed(&platform, open).await, "it is marked as charged without a verdict");
    let waited = between(&platform, ("order", "order.placed"), ("payment", "payment.requested"), open).await;
    assert!((1.5..6.0).contains(&waited), "two seconds were waited for a verdict, not {waited}");

    platform.kill("payment");
    platform.launch("payment", &[("FRAUD_FALLBACK", "fail_closed")]);
    platform.ready("payment").await;
    let closed = platform.place(product, 1, "tok_ok").await;
    ends(&platform, closed, &never_charged("fraud_unavailable")).await;
    let waited = between(&platform, ("order", "order.placed"), ("payment", "payment.failed"), closed).await;
    assert!((1.5..6.0).contains(&waited), "two seconds were waited for a verdict, not {waited}");

    // Its verdicts come too late, and change nothing.
    let before = [platform.journal(open).await, platform.journal(closed).await];
    platform.launch("ai", &[]);
    platform.ready("ai").await;
    for order in [open, closed] {
        let (times, late) = handled(&platform, "payment", order, "fraud.assessed").await;
        assert_eq!((times, &late["status"], &late["emitted"]), (1, &json!("ignored"), &json!([])), "{late}");
    }
    ends(&platform, open, &paid(1)).await;
    ends(&platform, closed, &never_charged("fraud_unavailable")).await;
    assert_eq!([platform.journal(open).await, platform.journal(closed).await], before);
    platform.assert_sound().await;
}

/// Seconds between two events of an order, by their own clocks, which are one here.
async fn between(platform: &Platform, from: (&str, &str), to: (&str, &str), order: Uuid) -> f64 {
    let time = async |(service, event_type): (&str, &str)| {
        let body: Value =
            serde_json::from_str(&platform.event_body(service, order, event_type).await).unwrap();
        body["timestamp"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap()
    };
    (time(to).await - time(from).await).as_seconds_f64()
}

#[tokio::test]
async fn every_order_gets_one_verdict_whenever_the_ai_service_dies() {
    let platform = Platform::start(gated()).await;
    let product = platform.product(1_000).await;
    let (mut orders, mut loads) = (Vec::new(), Vec::new());
    platform.kill("ai");
    // A customer who orders often would be held back.
    let few = || {
        let mut few = Wanted::mixed(product, 10);
        few.iter_mut().for_each(|order| order.body["customer_id"] = json!(order.id));
        few
    };
    for point in ["before_commit:2", "after_commit", "before_ack:2", "after_confirm:3"] {
        platform.launch("ai", &[("FAULT_POINT", point)]);
        let (placed, placing) = platform.load_until_death("ai", few).await;
        orders.extend(placed);
        loads.extend(placing);
    }
    platform.launch("ai", &[]);
    platform.ready("ai").await;
    let placed = few();
    let load = platform.load(&placed, 5);
    load.accepted(5).await;
    platform.kill("ai");
    orders.extend(placed);
    loads.push(load);
    platform.launch("ai", &[]);
    for load in loads {
        load.finish().await;
    }
    platform.assert_all_ended_well(&orders).await;
    let verdicts: Vec<(Uuid, Value)> =
        sqlx::query_as("SELECT aggregate_id, body::jsonb FROM outbox WHERE event_type = 'fraud.assessed'")
            .fetch_all(&mut platform.database("ai").await)
            .await
            .unwrap();
    assert_eq!(verdicts.len(), orders.len(), "one verdict for each order");
    for (order, verdict) in verdicts {
        let cause = platform.emitted("order", order, "order.placed").await[0];
        assert_eq!(verdict["causation_id"], json!(cause), "{verdict}");
        assert_eq!(verdict["data"]["verdict"], "approve", "{verdict}");
    }
    tokio::time::timeout(Duration::from_secs(20), platform.terminate("ai")).await.expect("it drains");
}
