//! A gateway that is down or silent: shorter than the order's patience, longer than it, and so long
//! that a person has to find out what became of the charge (rules 2, 3 and 15).

use serde_json::json;
use system_tests::{Options, Platform, eventually};
use uuid::Uuid;

use super::{
    Ending, PRICE, about, cancel, ends, facts, handled, hasten, outage, trail, until, until_fact, until_stuck,
};

fn options() -> Options {
    Options::fast(10).with("payment", "GATEWAY_TIMEOUT_SECONDS", "0.5").with(
        "simulators",
        "SLOW_SECONDS",
        "2",
    )
}

#[tokio::test]
async fn an_outage_of_the_gateway_costs_time_and_never_a_second_charge() {
    let platform = Platform::start(options()).await;
    let product = platform.product(100).await;
    for mode in ["error", "hang"] {
        outage(&platform, "gateway", mode, 60).await;
        let patient = platform.place(product, 1, "tok_ok").await;
        let hasty = platform.place(product, 1, "tok_ok").await;
        until(&platform, "payment", "transactions", patient, "unknown").await;
        until(&platform, "payment", "transactions", hasty, "unknown").await;
        // One customer's order runs out of time meanwhile.
        about(hasten(&platform, "order", hasty, "confirmation").await, 30.0);
        let shown = platform.until_status(hasty, "failed").await;
        assert_eq!(shown["failure"]["step"], "timeout", "{shown}");
        handled(&platform, "payment", hasty, "order.failed").await;
        outage(&platform, "gateway", "none", 0).await;

        ends(&platform, patient, &Ending::confirmed()).await;
        assert_eq!(facts(&platform, patient).await[0], "charge_captured");
        // Never heard of, and nobody wants it any more: a copy still under way must not capture.
        ends(&platform, hasty, &Ending::failed("confirmation_timeout", "released", "voided")).await;
        assert_eq!(facts(&platform, hasty).await, ["charge_voided"]);
    }
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (98, 0));
}

/// Waits until the gateway is at work on the order's charge, and has told nobody.
async fn until_in_flight(platform: &Platform, order: Uuid) {
    eventually("the gateway has the charge", async || {
        let answer = platform.ask("simulators", &format!("/v1/charges/payment:{order}")).await;
        if answer.status == 202 { Ok(()) } else { Err(answer.text) }
    })
    .await;
}

async fn resolve(platform: &Platform, order: Uuid, captured: bool) -> u16 {
    let body = json!({ "captured": captured, "note": "seen in the gateway's own list" });
    let answer = platform.post("payment", &format!("/transactions/{order}/resolve"), &body).await;
    answer.status.as_u16()
}

#[tokio::test]
async fn an_unresolved_charge_is_resolved_by_a_person_whatever_the_order_has_come_to() {
    let platform = Platform::start(options()).await;
    let product = platform.product(100).await;
    // Two charges are captured behind an outage, two never arrive; of each, one order dies meanwhile.
    let alive_captured = platform.place(product, 1, "tok_slow").await;
    let dead_captured = platform.place(product, 1, "tok_slow").await;
    tokio::join!(until_in_flight(&platform, alive_captured), until_in_flight(&platform, dead_captured));
    outage(&platform, "gateway", "error", 120).await;
    let alive = platform.place(product, 1, "tok_ok").await;
    let dead = platform.place(product, 1, "tok_ok").await;
    let orders = [alive_captured, dead_captured, alive, dead];
    for order in orders {
        until(&platform, "payment", "transactions", order, "unknown").await;
        assert_eq!(resolve(&platform, order, true).await, 409, "it is still being asked about");
        about(hasten(&platform, "payment", order, "give_up").await, 360.0);
        until(&platform, "payment", "transactions", order, "unresolved").await;
        // Noted, and the order's own deadline runs on.
        let (_, noted) = handled(&platform, "order", order, "payment.unresolved").await;
        assert_eq!(platform.order(order).await["status"], "payment_pending", "{noted}");
    }
    for order in [dead_captured, dead] {
        let _ = cancel(&platform, order).await.expect(202);
        let shown = until_stuck(&platform, order, "payment.voided or payment.refunded").await;
        assert_eq!(shown["compensation"], "stuck", "{shown}");
        assert_eq!(shown["compensation_answers"]["trouble"], "payment.unresolved", "{shown}");
    }
    until_fact(&platform, alive_captured, "charge_captured").await;
    until_fact(&platform, dead_captured, "charge_captured").await;
    outage(&platform, "gateway", "none", 0).await;

    assert_eq!(resolve(&platform, alive_captured, true).await, 202);
    assert_eq!(resolve(&platform, dead_captured, true).await, 202);
    assert_eq!(resolve(&platform, alive, false).await, 202);
    assert_eq!(resolve(&platform, dead, false).await, 202);
    ends(&platform, alive_captured, &Ending::confirmed()).await;
    let back = Ending::new("cancelled complete", ["released", "refunded", "cancelled", "none"]);
    ends(&platform, dead_captured, &back.money(PRICE, PRICE)).await;
    ends(&platform, alive, &Ending::failed("gateway_unavailable", "released", "failed")).await;
    let voided = Ending::new("cancelled complete", ["released", "voided", "cancelled", "none"]);
    ends(&platform, dead, &voided).await;

    // "Not captured" is not believed: the key is voided first.
    for order in [alive, dead] {
        assert_eq!(facts(&platform, order).await, ["charge_voided"]);
    }
    for order in orders {
        assert_eq!(resolve(&platform, order, true).await, 409, "it is resolved");
        let said = trail(&platform, "payment", order).await;
        assert_eq!(said[..2], ["payment.requested", "payment.unresolved"]);
        assert_eq!(said.iter().filter(|said| *said == "payment.unresolved").count(), 1);
    }
    platform.assert_sound().await;
    assert_eq!(platform.stock(product).await, (99, 0));
}
