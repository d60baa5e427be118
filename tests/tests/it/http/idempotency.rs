//! The same order asked for twice, in every way a client can do that.

use futures::future::join_all;
use serde_json::{Value, json};
use system_tests::{Answer, Options, Platform, eventually, order_body};
use uuid::Uuid;

use super::{assert_problem, post_with_key, send, with};

fn replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotency-replayed").is_some_and(|value| value == "true")
}

async fn orders(platform: &Platform) -> i64 {
    platform.count("order", "SELECT count(*) FROM orders").await
}

#[tokio::test]
async fn the_same_key_gives_the_first_answer_again_and_another_body_is_refused() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(100).await;
    let body = order_body(product, 2, "tok_ok");

    let first = post_with_key(&platform, "basket-17", &body).await;
    let placed = first.expect(201);
    assert!(!replayed(&first));
    let id: Uuid = placed["id"].as_str().unwrap().parse().unwrap();
    // Also when the order has moved on meanwhile: the answer is the first one, to the letter.
    platform.until_status(id, "confirmed").await;
    let again = post_with_key(&platform, "basket-17", &body).await;
    assert!(again.status.is_success() && replayed(&again), "{} {:?}", again.status, again.headers);
    assert_eq!(again.text, first.text);

    // The same order in other words is the same order.
    let spaced = serde_json::to_string_pretty(&body).unwrap().replace("24.99", "24.990");
    let url = platform.url("order", "/orders");
    let quoted = [("idempotency-key", "\"basket-17\"")];
    let again = platform.http().send(reqwest::Method::POST, &url, Some(spaced), &quoted).await.unwrap();
    assert_eq!(again.text, first.text);
    assert!(replayed(&again));

    for (what, other) in [
        ("quantity", with(body.clone(), "/items/0/quantity", json!(3))),
        ("token", with(body.clone(), "/payment_method/token", json!("tok_slow"))),
        ("address", with(body.clone(), "/shipping_address/zip", json!("97202"))),
        ("order id", with(body.clone(), "/order_id", json!(Uuid::new_v4()))),
    ] {
        let refused = assert_problem(&post_with_key(&platform, "basket-17", &other).await, 422, "/orders");
        assert_eq!(refused["code"], "idempotency_key_reused", "another {what}");
    }
    assert_eq!(orders(&platform).await, 1);

    // Another key, or none, is another order.
    let other = post_with_key(&platform, "basket-18", &body).await.expect(201);
    let keyless = platform.post("order", "/orders", &body).await.expect(201);
    assert_ne!(other["id"], placed["id"]);
    assert_ne!(keyless["id"], placed["id"]);
    assert_eq!(orders(&platform).await, 3);

    // A request that was refused used its key up for nothing.
    let wrong = with(body.clone(), "/items/0/quantity", json!(0));
    assert_problem(&post_with_key(&platform, "basket-19", &wrong).await, 422, "/orders");
    assert_eq!(post_with_key(&platform, "basket-19", &body).await.status, 201);

    refuses_unusable_keys(&platform, &body).await;
    platform.assert_sound().await;
}

async fn refuses_unusable_keys(platform: &Platform, body: &Value) {
    let before = orders(platform).await;
    let url = platform.url("order", "/orders");
    let long = "k".repeat(256);
    let keys: [&[u8]; 6] = [long.as_bytes(), b"", b"\"\"", b"  ", "schlüssel".as_bytes(), b"tab\there"];
    for key in keys {
        let headers: [(&str, &[u8]); 2] = [("content-type", b"application/json"), ("idempotency-key", key)];
        let bytes = body.to_string().into_bytes();
        let refused = platform.http().send_bytes(reqwest::Method::POST, &url, bytes, &headers).await.unwrap();
        let refused = assert_problem(&refused, 400, "/orders");
        assert_eq!(refused["code"], "bad_idempotency_key", "{key:?}");
    }
    assert_eq!(orders(platform).await, before);
    assert_eq!(post_with_key(platform, &"k".repeat(255), body).await.status, 201);
}

#[tokio::test]
async fn a_client_may_choose_the_id_of_an_order_once() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(100).await;
    let chosen = Uuid::new_v4();
    let body = with(order_body(product, 1, "tok_ok"), "/order_id", json!(chosen));

    let first = platform.post("order", "/orders", &body).await;
    assert_eq!(first.expect(201)["id"], json!(chosen));
    platform.until_status(chosen, "confirmed").await;
    let again = platform.post("order", "/orders", &body).await;
    assert!(again.status.is_success() && replayed(&again), "{}", again.text);
    assert_eq!(again.text, first.text);
    // A key that comes late finds the same order.
    let keyed = post_with_key(&platform, "late", &body).await;
    assert_eq!(keyed.text, first.text);

    let other = with(body.clone(), "/items/0/quantity", json!(2));
    let refused = assert_problem(&platform.post("order", "/orders", &other).await, 422, "/orders");
    assert_eq!(refused["code"], "order_id_reused");
    assert_eq!(orders(&platform).await, 1);
    assert_eq!(platform.count("order", "SELECT count(*) FROM order_details").await, 1);
    assert_eq!(platform.emitted("order", chosen, "order.placed").await.len(), 1);
    assert_eq!(platform.journal(chosen).await["captures"], 1);
}

#[tokio::test]
async fn the_same_request_many_times_at_once_makes_one_order() {
    const AT_ONCE: usize = 12;
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(100).await;
    let keyless = order_body(product, 1, "tok_ok");
    let (mut refused, mut repeated) = (0, 0);
    for round in 0..6_i64 {
        let key = format!("round-{round}");
        let by_key = round % 2 == 0;
        let body =
            if by_key { keyless.clone() } else { with(keyless.clone(), "/order_id", json!(Uuid::new_v4())) };
        let headers: &[(&str, &str)] = if by_key { &[("idempotency-key", &key)] } else { &[] };
        let asked = (0..AT_ONCE)
            .map(|_| send(&platform, reqwest::Method::POST, "order", "/orders", Some(&body), headers));
        let answers = join_all(asked).await;

        let new = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(new, 1, "{answers:#?}");
        let first = answers.iter().find(|answer| answer.status == 201).unwrap();
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            if answer.status == 409 {
                assert!(by_key, "{}", answer.text);
                assert_eq!(assert_problem(answer, 409, "/orders")["code"], "request_in_flight");
                refused += 1;
            } else {
                assert!(replayed(answer), "{} {}", answer.status, answer.text);
                assert_eq!(answer.text, first.text);
                repeated += 1;
            }
        }
        assert_eq!(orders(&platform).await, round + 1);
        if by_key {
            let later = post_with_key(&platform, &key, &body).await;
            assert_eq!(later.text, first.text);
        }
        let id = first.json()["id"].as_str().unwrap().parse().unwrap();
        platform.until_status(id, "confirmed").await;
        assert_eq!(platform.journal(id).await["captures"], 1);
    }
    assert!(refused + repeated > 0 && repeated > 0, "{refused} refused, {repeated} repeated");
    let sold = async || match platform.stock(product).await {
        (94, 0) => Ok(()),
        other => Err(format!("{other:?}")),
    };
    eventually("six are sold", sold).await;
    platform.assert_sound().await;
}

/// What two clients that know nothing of each other have in common.
#[derive(Clone, Copy, Debug)]
enum Shared {
    /// The key; each chooses an order id of its own.
    Key,
    /// The key, which also makes the order's id.
    KeyAndItsId,
    /// The order id.
    OrderId,
}

#[tokio::test]
async fn of_two_orders_under_one_name_at_once_on_two_replicas_one_is_made_and_the_other_refused() {
    let platform = Platform::start(Options::default()).await;
    platform.launch("order-2", &[]);
    platform.ready("order-2").await;
    let product = platform.product(1_000).await;
    let bodies = [1, 2].map(|quantity| order_body(product, quantity, "tok_ok"));
    let mut made = 0;
    for shared in [Shared::Key, Shared::KeyAndItsId, Shared::OrderId].repeat(4) {
        let name = Uuid::new_v4();
        let own = |body: &Value, id: Uuid| with(body.clone(), "/order_id", json!(id));
        let [one, two] = match shared {
            Shared::Key => bodies.each_ref().map(|body| own(body, Uuid::new_v4())),
            Shared::KeyAndItsId => bodies.clone(),
            Shared::OrderId => bodies.each_ref().map(|body| own(body, name)),
        };
        let key = name.to_string();
        let headers: &[(&str, &str)] = match shared {
            Shared::Key | Shared::KeyAndItsId => &[("idempotency-key", &key)],
            Shared::OrderId => &[],
        };
        let ask =
            |replica, body| send(&platform, reqwest::Method::POST, replica, "/orders", Some(body), headers);
        let (a, b) = tokio::join!(ask("order", &one), ask("order-2", &two));
        made += 1;
        let (won, lost, quantity) = if a.status == 201 { (&a, &b, 1) } else { (&b, &a, 2) };
        let story = format!("{shared:?}: {} {} / {} {}", a.status, a.text, b.status, b.text);
        assert_eq!((won.status.as_u16(), lost.status.as_u16()), (201, 422), "{story}");
        assert_problem(lost, 422, "/orders");
        let id: Uuid = won.json()["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(platform.order(id).await["items"][0]["quantity"], quantity, "{story}");
        assert_eq!(orders(&platform).await, made, "{story}");
        // The loser's own words find nothing later either, on no replica.
        let (loser, body) = if quantity == 1 { ("order", &two) } else { ("order-2", &one) };
        assert_eq!(ask(loser, body).await.status, 422, "{story}");
        platform.until_status(id, "confirmed").await;
    }
    platform.assert_sound().await;
}
