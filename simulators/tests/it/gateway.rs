//! The gateway's promises: every token, one outcome per key, void against charge, refunds.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Folder, Http, Simulator, charge_body, eventually, payment_key};

async fn with_gateway<F: AsyncFnOnce(&Http)>(check: F) {
    let folder = Folder::new();
    let simulator = Simulator::start(&folder.journal(), |_| {}).await;
    check(&simulator.http).await;
    assert_eq!(simulator.http.summary().await["double_captures"], 0);
    simulator.stop().await;
}

fn captures(witness: &Value) -> (u64, i64, i64) {
    let number = |field: &str| witness[field].as_i64().expect("the journal counts everything");
    (number("captures") as u64, number("captured_minor"), number("refunded_minor"))
}

#[tokio::test]
async fn a_good_card_is_captured_once_however_often_it_is_asked() {
    with_gateway(async |http| {
        let order = Uuid::new_v4();
        let (status, first) = http.charge(order, 4998, Some("tok_ok")).await;
        assert_eq!(status, 200);
        assert_eq!(first["status"], "captured");
        assert_eq!(first["key"], payment_key(order));
        assert_eq!((&first["amount_minor"], &first["currency"]), (&json!(4998), &json!("USD")));
        for _ in 0..3 {
            assert_eq!(http.charge(order, 4998, Some("tok_ok")).await, (200, first.clone()));
        }
        let (status, view) = http.charge_status(order).await;
        assert_eq!((status, &view["status"], &view["refunded_minor"]), (200, &json!("captured"), &json!(0)));
        assert_eq!(view["charge_id"], first["charge_id"]);
        let witness = http.witness(order).await;
        assert_eq!(captures(&witness), (1, 4998, 0));
        assert_eq!(witness["charge_status"], "captured");
        assert_eq!(witness["booking_status"], Value::Null);
        assert_eq!(witness["entries"].as_array().map(Vec::len), Some(1));
    })
    .await;
}

#[tokio::test]
async fn concurrent_charges_under_one_key_capture_once_and_agree() {
    with_gateway(async |http| {
        for token in ["tok_ok", "tok_slow"] {
            let order = Uuid::new_v4();
            let replies = join_all((0..40).map(|_| http.charge(order, 1000, Some(token)))).await;
            assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
            assert_eq!(replies[0].0, 200);
            assert_eq!(captures(&http.witness(order).await), (1, 1000, 0));
        }
    })
    .await;
}

#[tokio::test]
async fn declines_carry_their_code_and_stay() {
    with_gateway(async |http| {
        for (token, code) in [
            ("tok_declined", "card_declined"),
            ("tok_insufficient_funds", "insufficient_funds"),
            ("tok_no_such_thing", "unknown_token"),
            ("4111111111111111", "unknown_token"),
        ] {
            let order = Uuid::new_v4();
            let (status, body) = http.charge(order, 700, Some(token)).await;
            assert_eq!((status, &body["status"], &body["code"]), (402, &json!("declined"), &json!(code)));
            assert!(body["message"].as_str().is_some_and(|text| !text.contains(token)));
            // The key is decided: another card under it changes nothing.
            assert_eq!(http.charge(order, 700, Some("tok_ok")).await, (402, body));
            let (_, view) = http.charge_status(order).await;
            assert_eq!((&view["status"], &view["code"]), (&json!("declined"), &json!(code)));
            assert_eq!(http.void(order).await.1["status"], "declined");
            assert_eq!(http.refund(order, 700).await.0, 409);
            assert_eq!(captures(&http.witness(order).await), (0, 0, 0));
        }
    })
    .await;
}

#[tokio::test]
async fn a_silent_gateway_never_answers_and_never_captures() {
    with_gateway(async |http| {
        let order = Uuid::new_v4();
        let body = charge_body(order, 500, Some("tok_timeout"));
        for _ in 0..2 {
            assert!(http.stays_silent("/v1/charges", &payment_key(order), body.clone()).await);
            assert_eq!(http.charge_status(order).await.0, 404);
        }
        assert_eq!(http.void(order).await.1["status"], "voided");
        assert_eq!(http.charge(order, 500, Some("tok_timeout")).await.0, 409);
        let witness = http.witness(order).await;
        assert_eq!(captures(&witness), (0, 0, 0));
        assert_eq!(witness["charge_status"], "voided");
        let facts: Vec<_> =
            witness["entries"].as_array().into_iter().flatten().map(|entry| &entry["fact"]).collect();
        assert_eq!(facts, ["charge_unanswered", "charge_unanswered", "charge_voided"]);
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_hides_a_capture_that_the_status_shows() {
    with_gateway(async |http| {
        let order = Uuid::new_v4();
        let body = charge_body(order, 500, Some("tok_timeout_captured"));
        assert!(http.stays_silent("/v1/charges", &payment_key(order), body).await);
        assert_eq!(http.charge_status(order).await.1["status"], "captured");
        assert_eq!(http.void(order).await.1["status"], "captured");
        assert_eq!(http.charge(order, 500, Some("tok_timeout_captured")).await.0, 200);
        assert_eq!(captures(&http.witness(order).await), (1, 500, 0));
    })
    .await;
}

#[tokio::test]
async fn two_server_errors_come_before_the_success() {
    with_gateway(async |http| {
        let order = Uuid::new_v4();
        for _ in 0..2 {
            let (status, body) = http.charge(order, 900, Some("tok_error_twice")).await;
            assert_eq!((status, &body["status"]), (503, &json!("error")));
            assert_eq!(http.charge_status(order).await.0, 404);
        }
        assert_eq!(http.charge(order, 900, Some("tok_error_twice")).await.0, 200);
        assert_eq!(captures(&http.witness(order).await), (1, 900, 0));
    })
    .await;
}

#[tokio::test]
async fn a_slow_charge_is_pending_and_then_captured_even_if_the_client_leaves() {
    with_gateway(async |http| {
        let order = Uuid::new_v4();
        let call = http.charge(order, 900, Some("tok_slow"));
        assert!(tokio::time::timeout(Duration::from_millis(150), call).await.is_err());
        assert_eq!(
            http.charge_status(order).await,
            (202, json!({"key": payment_key(order), "status": "pending"}))
        );
        assert_eq!(http.charge(order, 901, Some("tok_slow")).await.0, 422, "other terms while it runs");
        eventually("the slow charge is captured", async || {
            http.charge_status(order).await.1["status"] == "captured"
        })
        .await;
        assert_eq!(captures(&http.witness(order).await), (1, 900, 0));
    })
    .await;
}

#[tokio::test]
async fn a_void_before_the_charge_makes_it_impossible() {
    with_gateway(async |http| {
        let order = Uuid::new_v4();
        let (status, body) = http.void(order).await;
        assert_eq!((status, &body["status"]), (200, &json!("voided")));
        for token in [Some("tok_ok"), Some("tok_slow"), Some("tok_timeout_captured"), None] {
            let (status, body) = http.charge(order, 100, token).await;
            assert_eq!((status, &body["status"]), (409, &json!("voided")));
        }
        assert_eq!(http.void(order).await.1["status"], "voided");
        let witness = http.witness(order).await;
        assert_eq!(captures(&witness), (0, 0, 0));
        assert_eq!(witness["entries"].as_array().map(Vec::len), Some(1), "a second void writes nothing");
    })
    .await;
}

#[tokio::test]
async fn a_void_during_a_slow_charge_wins_and_the_charge_is_told() {
    with_gateway(async |http| {
        let order = Uuid::new_v4();
        let void = async {
            eventually("the charge runs", async || http.charge_status(order).await.0 == 202).await;
            http.void(order).await
        };
        let (charged, voided) = tokio::join!(http.charge(order, 100, Some("tok_slow")), void);
        assert_eq!(voided.1["status"], "voided");
        assert_eq!((charged.0, &charged.1["status"]), (409, &json!("voided")));
        assert_eq!(captures(&http.witness(order).await), (0, 0, 0));
    })
    .await;
}

#[tokio::test]
async fn charge_and_void_at_once_never_both_win() {
    with_gateway(async |http| {
        let race = async |order: Uuid| {
            let (charged, voided) = tokio::join!(http.charge(order, 100, Some("tok_ok")), http.void(order));
            let captured = captures(&http.witness(order).await).0;
            match voided.1["status"].as_str() {
                Some("voided") => assert_eq!((charged.0, captured), (409, 0)),
                Some("captured") => assert_eq!((charged.0, captured), (200, 1)),
                other => panic!("a void was answered {other:?}"),
            }
        };
        join_all((0..100).map(|_| race(Uuid::new_v4()))).await;
    })
    .await;
}

#[tokio::test]
async fn other_terms_under_the_same_key_are_refused() {
    with_gateway(async |http| {
        let order = Uuid::new_v4();
        http.charge(order, 100, Some("tok_ok")).await;
        assert_eq!(http.charge(order, 101, Some("tok_ok")).await.0, 422);
        let key = payment_key(order);
        let mut body = charge_body(order, 100, Some("tok_ok"));
        body["currency"] = "EUR".into();
        assert_eq!(http.post("/v1/charges", Some(&key), body).await.0, 422);
        let stranger = charge_body(Uuid::new_v4(), 100, Some("tok_ok"));
        assert_eq!(http.post("/v1/charges", Some(&key), stranger).await.0, 422);
        assert_eq!(captures(&http.witness(order).await), (1, 100, 0));
    })
    .await;
}

#[tokio::test]
async fn a_refund_is_made_once_and_never_exceeds_the_capture() {
    with_gateway(async |http| {
        let order = Uuid::new_v4();
        assert_eq!(http.refund(order, 100).await.0, 409, "nothing was captured yet");
        http.charge(order, 100, Some("tok_ok")).await;
        let over = http.refund(order, 101).await;
        assert_eq!((over.0, &over.1["code"]), (422, &json!("refund_exceeds_capture")));
        let first = http.refund(order, 100).await;
        assert_eq!((first.0, &first.1["status"]), (200, &json!("refunded")));
        assert_eq!(http.refund(order, 100).await, first);
        assert_eq!(http.refund(order, 99).await.0, 422, "the refund key stands for another amount");
        let path = format!("/v1/charges/{}/refunds", payment_key(order));
        let second_key = http.post(&path, Some("another"), json!({"amount_minor": 1})).await;
        assert_eq!(second_key.1["code"], "refund_exceeds_capture");
        let (_, view) = http.charge_status(order).await;
        assert_eq!((&view["status"], &view["refunded_minor"]), (&json!("refunded"), &json!(100)));
        assert_eq!(http.void(order).await.1["status"], "refunded");
        assert_eq!(captures(&http.witness(order).await), (1, 100, 100));
        // The charge itself did happen: its own retry still gets its own answer.
        assert_eq!(http.charge(order, 100, Some("tok_ok")).await.1["status"], "captured");
    })
    .await;
}

#[tokio::test]
async fn a_refused_refund_succeeds_once_somebody_has_allowed_it() {
    with_gateway(async |http| {
        let (order, other) = (Uuid::new_v4(), Uuid::new_v4());
        for order in [order, other] {
            assert_eq!(http.charge(order, 100, Some("tok_refund_refused")).await.0, 200);
            let (status, body) = http.refund(order, 100).await;
            assert_eq!(
                (status, &body["status"], &body["code"]),
                (422, &json!("refused"), &json!("refund_refused"))
            );
        }
        let allowed = http.post("/control/refunds/allow", None, json!({"order_id": order})).await;
        assert_eq!(allowed.0, 200);
        assert_eq!(http.refund(order, 100).await.0, 200);
        assert_eq!(http.refund(other, 100).await.0, 422, "only the named order was allowed");
        http.post("/control/refunds/allow", None, json!({})).await;
        assert_eq!(http.refund(other, 100).await.0, 200);
        let later = Uuid::new_v4();
        http.charge(later, 100, Some("tok_refund_refused")).await;
        assert_eq!(http.refund(later, 100).await.0, 422, "what comes later is refused again");
    })
    .await;
}

#[tokio::test]
async fn without_a_token_seed_and_order_decide_alone() {
    let orders: Vec<_> = (0..60).map(|_| Uuid::new_v4()).collect();
    let outcomes = async |seed: u64, rate: f64| {
        let folder = Folder::new();
        let simulator = Simulator::start(&folder.journal(), |config| {
            config.payment_seed = seed;
            config.payment_failure_rate = rate;
        })
        .await;
        let charges = orders.iter().map(|order| simulator.http.charge(*order, 100, None));
        let codes: Vec<_> = join_all(charges)
            .await
            .into_iter()
            .map(|(status, body)| (status, body["code"].clone()))
            .collect();
        simulator.stop().await;
        codes
    };
    let first = outcomes(1, 0.5).await;
    assert_eq!(first, outcomes(1, 0.5).await);
    assert_ne!(first, outcomes(2, 0.5).await);
    assert!(first.iter().any(|(status, _)| *status == 200) && first.iter().any(|(status, _)| *status == 402));
    assert!(outcomes(1, 0.0).await.iter().all(|(status, _)| *status == 200));
    assert!(outcomes(1, 1.0).await.iter().all(|(status, _)| *status == 402));
}

#[tokio::test]
async fn a_second_key_for_one_order_is_captured_and_shown_as_a_double_charge() {
    let folder = Folder::new();
    let simulator = Simulator::start(&folder.journal(), |_| {}).await;
    let http = &simulator.http;
    let order = Uuid::new_v4();
    http.charge(order, 100, Some("tok_ok")).await;
    let second = charge_body(order, 100, Some("tok_ok"));
    assert_eq!(http.post("/v1/charges", Some("payment:again"), second).await.0, 200);
    assert_eq!(captures(&http.witness(order).await), (2, 200, 0));
    assert_eq!(http.summary().await["double_captures"], 1);
    simulator.stop().await;
}

#[tokio::test]
async fn nonsense_is_refused_and_leaves_no_trace() {
    with_gateway(async |http| {
        let order = Uuid::new_v4();
        let key = payment_key(order);
        let good = charge_body(order, 100, Some("tok_ok"));
        let changed = |field: &str, value: Value| {
            let mut body = good.clone();
            body[field] = value;
            body
        };
        assert_eq!(http.post("/v1/charges", None, good.clone()).await.0, 400);
        assert_eq!(http.post("/v1/charges", Some(""), good.clone()).await.0, 400);
        assert_eq!(http.post("/v1/charges", Some(&"k".repeat(201)), good.clone()).await.0, 400);
        for body in [
            changed("amount_minor", json!(-1)),
            changed("amount_minor", json!(10_i64.pow(12) + 1)),
            changed("amount_minor", json!(1.5)),
            changed("currency", json!("usd")),
            changed("order_id", json!("no uuid")),
            json!({}),
        ] {
            let (status, reply) = http.post("/v1/charges", Some(&key), body).await;
            assert_eq!((status, &reply["status"]), (422, &json!("invalid")), "{reply}");
        }
        let huge = changed("padding", json!("x".repeat(70_000)));
        assert_eq!(http.post("/v1/charges", Some(&key), huge).await.0, 413);
        assert_eq!(http.charge_status(order).await.0, 404);
        assert_eq!(http.get("/journal/orders/nonsense").await.0, 400);
    })
    .await;
}

#[tokio::test]
async fn an_outage_has_no_effect_but_silence_or_errors_and_ends() {
    with_gateway(async |http| {
        let (order, other) = (Uuid::new_v4(), Uuid::new_v4());
        let set = async |mode: &str, seconds: f64| {
            let body = json!({"target": "gateway", "mode": mode, "seconds": seconds});
            assert_eq!(http.post("/control/outage", None, body).await.0, 200);
        };
        set("error", 60.0).await;
        assert_eq!(http.charge(order, 100, Some("tok_ok")).await.0, 503);
        assert_eq!(http.void(order).await.0, 503);
        assert_eq!(http.book(other, "FR").await.0, 200, "the carrier has no outage");
        set("hang", 60.0).await;
        let body = charge_body(order, 100, Some("tok_ok"));
        assert!(http.stays_silent("/v1/charges", &payment_key(order), body).await);
        set("none", 0.0).await;
        assert_eq!(http.charge_status(order).await.0, 404, "nothing got through");
        set("error", 0.05).await;
        eventually("the outage ends by itself", async || {
            http.charge(order, 100, Some("tok_ok")).await.0 == 200
        })
        .await;
        let forever = json!({"target": "gateway", "mode": "hang"});
        assert_eq!(http.post("/control/outage", None, forever).await.0, 422);
    })
    .await;
}
