//! A gateway and a carrier that lose requests and answers, answer twice, or refuse.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;
use system_tests::{Options, Weather, Wire};
use uuid::Uuid;

use super::middleman::Middleman;
use crate::{
    arena::{Arena, Tally},
    customers::{Kind, Traffic},
    fault::{Evidence, Fault, Trials, by_build, everybody},
};

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "gateway and carrier misbehave",
        what: "calls lost before or after they took effect, repeated, late, answered 5xx, nonsense or half",
        trials: Trials { sample: 80, full: 10_500 },
        options: impatient,
        traffic: || Traffic { mix: every_token(), ..Traffic::mixed(by_build(15.0, 30.0)) },
        inject: |arena| Box::pin(misbehaving(arena)),
        evidence: &[Evidence::UnknownCharges, Evidence::LateMoney, Evidence::BothEnds],
    },
    Fault {
        name: "gateway or carrier away",
        what: "one of them refuses, hangs, answers 503, or dies and comes back with its books",
        trials: Trials { sample: 0, full: 60 },
        options: || impatient().proxied(),
        traffic: || Traffic::mixed(by_build(8.0, 20.0)),
        inject: |arena| Box::pin(away(arena)),
        evidence: &[Evidence::UnknownCharges, Evidence::BothEnds],
    },
    Fault {
        name: "refunds refused until a person retries",
        what: "the bank refuses to give money back: stuck and named, until it agrees and a person asks again",
        trials: Trials { sample: 0, full: 300 },
        options: impatient,
        traffic: || Traffic::mixed(by_build(5.0, 15.0)),
        inject: |arena| Box::pin(refused(arena)),
        evidence: &[Evidence::BothEnds],
    },
];

/// Calls to the outside are given up after a second, so that what is late is later than that.
fn impatient() -> Options {
    everybody().with("payment", "GATEWAY_TIMEOUT_SECONDS", "1").with(
        "shipping",
        "CARRIER_TIMEOUT_SECONDS",
        "1",
    )
}

/// All ways to pay, those with trouble of their own among them.
fn every_token() -> Vec<(Kind, u32)> {
    vec![
        (Kind::Ok, 60),
        (Kind::Declined, 8),
        (Kind::NoCarrier, 10),
        (Kind::ErrorTwice, 7),
        (Kind::SilentCaptured, 3),
        (Kind::Silent, 2),
        (Kind::Slow, 3),
        // Whoever thinks twice while the gateway does not answer is paid back late.
        (Kind::Cancelled, 15),
    ]
}

/// Of a hundred calls so many meet trouble.
const TROUBLED_PERCENT: u32 = 60;
/// Refunds that are refused at once.
const REFUSED_AT_ONCE: usize = 8;
/// How long an order may take to be stuck, or to be whole again.
const PATIENCE: Duration = Duration::from_secs(60);

async fn misbehaving(arena: &Arena) {
    let far = arena.platform.url("simulators", "");
    let dice = || StdRng::seed_from_u64(arena.roll(|dice| dice.random()));
    let gateway = Middleman::stand(far.clone(), TROUBLED_PERCENT, dice()).await;
    let carrier = Middleman::stand(far, TROUBLED_PERCENT, dice()).await;
    let ways = [("payment", "GATEWAY_URL", gateway.url()), ("shipping", "CARRIER_URL", carrier.url())];
    for (service, variable, url) in &ways {
        arena.platform.terminate(service).await;
        arena.platform.launch(service, &[(variable, url)]);
    }
    while arena.goes_on() {
        tokio::time::sleep(Duration::from_millis(50)).await;
        (arena.counted().trials..gateway.troubled().min(arena.wanted())).for_each(|_| arena.trial(true));
    }
    gateway.behave();
    carrier.behave();
    arena.tally(Tally::GatewayFaults, gateway.troubled() as u64);
    arena.figure("charges troubled", gateway.troubled());
    arena.figure("… by", gateway.times());
    arena.figure("bookings troubled", carrier.troubled());
    arena.figure("… by", carrier.times());
    arena.recovers().await;
    for (service, _, _) in &ways {
        arena.platform.terminate(service).await;
        arena.platform.launch(service, &[]);
    }
    for (service, _, _) in &ways {
        arena.platform.ready(service).await;
    }
}

async fn outage(arena: &Arena, target: &str, mode: &str) {
    let body = json!({ "target": target, "mode": mode, "seconds": if mode == "none" { 0 } else { 60 } });
    let _ = arena.platform.post("simulators", "/control/outage", &body).await.expect(200);
}

async fn away(arena: &Arena) {
    let mut trial = arena.roll(|dice| dice.random_range(0..10));
    while arena.goes_on() {
        trial += 1;
        let millis = arena.roll(|dice| dice.random_range(200..1_500));
        let lasts = tokio::time::sleep(Duration::from_millis(millis));
        let (side, service) = if trial % 2 == 0 { ("gateway", "payment") } else { ("carrier", "shipping") };
        let met = arena.meets().await;
        match trial / 2 % 5 {
            0 => {
                outage(arena, side, "error").await;
                lasts.await;
                outage(arena, side, "none").await;
            }
            1 => {
                outage(arena, side, "hang").await;
                lasts.await;
                outage(arena, side, "none").await;
            }
            2 => {
                arena.platform.kill("simulators");
                lasts.await;
                arena.platform.launch("simulators", &[]);
                arena.platform.ready("simulators").await;
            }
            kind => {
                let proxy = arena.platform.proxy(service, Wire::Outside);
                proxy.weather(if kind == 3 { Weather::Down } else { Weather::BlackHole });
                lasts.await;
                proxy.weather(Weather::Clear);
            }
        }
        arena.trial(met);
        arena.recovers().await;
    }
}

async fn refused(arena: &Arena) {
    let mut healed: Vec<Duration> = Vec::new();
    while arena.goes_on() {
        let left = arena.wanted() - arena.counted().trials;
        let together = join_all((0..left.min(REFUSED_AT_ONCE)).map(|_| refused_once(arena))).await;
        healed.extend(together.into_iter().flatten());
    }
    healed.sort_unstable();
    if let (Some(half), Some(longest)) = (healed.get(healed.len() / 2), healed.last()) {
        arena.figure("made good after the retry, p50 ms", half.as_millis());
        arena.figure("… longest ms", longest.as_millis());
    }
}

/// One order whose money is not given back at first; how long it took once a person had asked again.
async fn refused_once(arena: &Arena) -> Option<Duration> {
    let order = arena.customers.insist(Kind::RefundRefused).await;
    arena.trial(true);
    if !until_compensation(arena, order, "stuck").await {
        arena.violation(format!("order {order} is not stuck although its refund was refused"));
        return None;
    }
    let shown = arena.platform.order(order).await;
    let missing = shown["compensation_answers"]["missing"].as_array().cloned().unwrap_or_default();
    if !missing.iter().any(|event| event == "payment.refunded") {
        arena.violation(format!("order {order} does not name what is missing: {shown}"));
    }
    let retry = format!("/refunds/{order}/retry");
    let allow = json!({ "order_id": order });
    let _ = arena.platform.post("simulators", "/control/refunds/allow", &allow).await.expect(200);
    let began = Instant::now();
    let asked = arena.platform.post("payment", &retry, &json!({})).await;
    if asked.status != 202 {
        arena.violation(format!(
            "the retry of order {order}'s refund is answered {} {}",
            asked.status, asked.text
        ));
    }
    if !until_compensation(arena, order, "complete").await {
        arena.violation(format!("order {order} is not made good although its refund was retried"));
        return None;
    }
    Some(began.elapsed())
}

async fn until_compensation(arena: &Arena, order: Uuid, wanted: &str) -> bool {
    let mut database = arena.platform.database("order").await;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let found: Option<String> =
            sqlx::query_scalar("SELECT compensation::text FROM orders WHERE order_id = $1")
                .bind(order)
                .fetch_optional(&mut database)
                .await
                .unwrap();
        if found.as_deref() == Some(wanted) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    false
}
