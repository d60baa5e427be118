//! Every route of the program itself, over tables that were filled beforehand. It hears no event
//! here: there is no broker, which a service that starts has to bear.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use chrono::Duration;
use serde_json::{Value, json};
use shared_events::{EventType, OrderId};
use sqlx::PgPool;
use system_tests::{Answer, Http, Stack, eventually, with_database};

use crate::world::*;

const NOW: Duration = Duration::zero();

/// A running service, ended when it is dropped.
struct Program {
    process: Child,
    address: String,
    http: Http,
}

impl Program {
    async fn start(pool: &PgPool) -> Self {
        let database: String = sqlx::query_scalar("SELECT current_database()").fetch_one(pool).await.unwrap();
        let stack = Stack::read();
        let (server, _) = stack.get("POSTGRES_ADMIN_URL").rsplit_once('/').unwrap();
        // Free a moment ago, and this machine gives the same port again only after many others.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_ai-service"))
            .env_clear()
            .env("HTTP_ADDR", free.to_string())
            .env("DATABASE_URL", format!("{server}/{database}"))
            .env("AMQP_URL", "amqp://nobody:nothing@127.0.0.1:1/none")
            .env("BROKER_MANAGEMENT_URL", "http://nobody:nothing@127.0.0.1:1")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let program = Self { process, address: format!("http://{free}"), http: Http::default() };
        eventually("the service answers", async || {
            let answer = program.http.get(&format!("{}/livez", program.address)).await;
            answer.map(drop).map_err(|error| format!("{error:#}"))
        })
        .await;
        program
    }

    async fn get(&self, path: &str) -> Answer {
        self.http.get(&format!("{}{path}", self.address)).await.unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.http.post(&format!("{}{path}", self.address), body).await.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The payloads of what the service has to say about an order, in sequence.
async fn spoken(pool: &PgPool, order: OrderId) -> Vec<Value> {
    let bodies: Vec<String> =
        sqlx::query_scalar("SELECT body FROM outbox WHERE aggregate_id = $1 ORDER BY seq")
            .bind(order.0)
            .fetch_all(pool)
            .await
            .unwrap();
    bodies.iter().map(|body| serde_json::from_str::<Value>(body).unwrap()["data"].clone()).collect()
}

#[tokio::test]
async fn an_assessment_is_shown_with_its_reasons_and_its_review() {
    with_database("ai", async |pool: PgPool| {
        batch(&pool, &ai(60, 85), &[said(placed("ada"), order(1), NOW), declined(order(3))]).await;
        batch(&pool, &ai(1, 100), &[said(placed("bob"), order(2), NOW)]).await;
        let program = Program::start(&pool).await;
        let shown = program.get(&format!("/assessments/{}", order(1))).await.expect(200);
        let expected = json!({
            "order_id": order(1),
            "score": 4,
            "risk_level": "low",
            "verdict": "approve",
            "reasons": ["0 orders of this customer were confirmed in the last 30 days."],
            "flags": ["no_confirmed_order"],
            "model_version": "scorecard-1",
            "assessed_at": "2026-11-20T10:00:00Z",
            "order_status": "pending",
            "review": null,
        });
        assert_eq!(shown, expected);
        let shown = program.get(&format!("/assessments/{}", order(2))).await.expect(200);
        let open = json!({
            "status": "open", "until": "2026-11-21T10:00:00Z",
            "decided_by": null, "verdict": null, "decided_at": null, "note": null, "closed_because": null,
        });
        assert_eq!((&shown["review"], &shown["risk_level"]), (&open, &json!("medium")));
        // Order 3 failed, and was never placed here.
        for unknown in [order(3), order(4)] {
            assert_eq!(program.get(&format!("/assessments/{unknown}")).await.status, 404);
        }
        assert_eq!(program.get("/assessments/none").await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn a_person_decides_a_review_once() {
    with_database("ai", async |pool: PgPool| {
        let ai = ai(1, 100);
        for (number, name) in [(1, "ada"), (2, "bob"), (3, "cid")] {
            batch(&pool, &ai, &[said(placed(name), order(number), NOW)]).await;
        }
        batch(&pool, &ai, &[golden(EventType::OrderFailed, order(3))]).await;
        batch(&pool, &crate::world::ai(60, 85), &[said(placed("dan"), order(4), NOW)]).await;
        let program = Program::start(&pool).await;
        let review = |number| format!("/reviews/{}", order(number));

        let body = json!({"verdict": "approve", "reviewer": "dana", "note": "Called."});
        let decided = program.post(&review(1), &body).await.expect(200);
        assert_eq!(decided["review"]["status"], "decided");
        assert_eq!(decided["review"]["verdict"], "approve");
        assert_eq!(decided["review"]["decided_by"], "dana");
        assert_eq!(decided["review"]["note"], "Called.");
        assert_eq!(decided["verdict"], "review", "what the machine said stays");
        let said = json!([{"verdict": "approve", "decided_by": "dana"}]);
        assert_eq!(json!(spoken(&pool, order(1)).await), said);
        // Again: the first answer, and not a second event.
        let again = program.post(&review(1), &json!({"verdict": "approve", "reviewer": "eve"})).await;
        let again = again.expect(200);
        assert_eq!(again, decided);
        assert_eq!(json!(spoken(&pool, order(1)).await), said);

        for (number, body, status, code) in [
            (1, json!({"verdict": "reject"}), 409, "already_decided"),
            (3, json!({"verdict": "approve"}), 409, "review_closed"),
            (4, json!({"verdict": "approve"}), 409, "not_under_review"),
            (9, json!({"verdict": "approve"}), 404, "not_found"),
            (2, json!({"verdict": "review"}), 422, "invalid"),
            (2, json!({}), 422, "invalid"),
            (2, json!({"verdict": "approve", "reviewer": "deadline"}), 422, "invalid"),
        ] {
            let refused = program.post(&review(number), &body).await.expect(status);
            assert_eq!(refused["code"], code, "{body}");
        }
        assert_eq!(spoken(&pool, order(2)).await, Vec::<Value>::new());
    })
    .await;
}

#[tokio::test]
async fn reviews_are_listed_page_by_page() {
    with_database("ai", async |pool: PgPool| {
        for number in 1..=3 {
            batch(&pool, &ai(1, 100), &[said(placed("ada"), order(number), NOW)]).await;
        }
        let program = Program::start(&pool).await;
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = program.get(&format!("/reviews?limit=2{cursor}")).await.expect(200);
            found.extend(page["items"].as_array().unwrap().iter().map(|item| item["order_id"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(json!(found), json!([order(1), order(2), order(3)]));
        let decided = program.get("/reviews?status=decided").await.expect(200);
        assert_eq!(decided, json!({"items": [], "next_cursor": null}));
        for bad in ["status=lost", "limit=0", "limit=201", "cursor=x"] {
            assert_eq!(program.get(&format!("/reviews?{bad}")).await.status, 400);
        }
    })
    .await;
}

#[tokio::test]
async fn a_review_of_a_charged_order_says_so_and_a_person_decides_it_all_the_same() {
    with_database("ai", async |pool: PgPool| {
        let ai = ai(1, 100);
        for (number, events) in [
            (1, vec![]),
            (2, vec![EventType::OrderConfirmed]),
            (3, vec![EventType::OrderConfirmed, EventType::OrderCompleted]),
            (4, vec![EventType::OrderConfirmed, EventType::OrderCancelled]),
        ] {
            let mut works = vec![said(placed(&format!("customer-{number}")), order(number), NOW)];
            works.extend(events.into_iter().map(|event| golden(event, order(number))));
            batch(&pool, &ai, &works).await;
        }
        let program = Program::start(&pool).await;
        let open = program.get("/reviews").await.expect(200);
        let shown: Vec<_> = open["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["order_id"].clone(), item["order_status"].clone()))
            .collect();
        let expected = [(1, "pending"), (2, "confirmed"), (3, "delivered")];
        assert_eq!(shown, expected.map(|(number, word)| (json!(order(number)), json!(word))));
        let ended = program.get(&format!("/assessments/{}", order(4))).await.expect(200);
        assert_eq!(ended["order_status"], "ended");
        assert_eq!(
            (&ended["review"]["status"], &ended["review"]["closed_because"]),
            (&json!("closed"), &json!("order_died"))
        );
        let decided = program.post(&format!("/reviews/{}", order(3)), &json!({"verdict": "reject"})).await;
        assert_eq!(decided.expect(200)["review"]["status"], "decided");
        let said = json!([{"verdict": "reject", "decided_by": "operator"}]);
        assert_eq!(json!(spoken(&pool, order(3)).await), said);
    })
    .await;
}

#[tokio::test]
async fn the_deadline_of_a_review_decides_by_itself() {
    with_database("ai", async |pool: PgPool| {
        batch(&pool, &ai(1, 100), &[said(placed("ada"), order(1), NOW)]).await;
        sqlx::query(
            "INSERT INTO timers (order_id, name, due_at, correlation_id) VALUES ($1, 'review', now(), $1)",
        )
        .bind(order(1).0)
        .execute(&pool)
        .await
        .unwrap();
        let program = Program::start(&pool).await;
        eventually("the deadline decides", async || {
            let shown = program.get(&format!("/assessments/{}", order(1))).await.expect(200);
            if shown["review"]["decided_by"] == "deadline" {
                Ok(())
            } else {
                Err(shown["review"].to_string())
            }
        })
        .await;
        let said = json!([{"verdict": "reject", "decided_by": "deadline"}]);
        assert_eq!(json!(spoken(&pool, order(1)).await), said);
    })
    .await;
}

#[tokio::test]
async fn an_order_may_be_asked_about_and_nothing_is_written() {
    with_database("ai", async |pool: PgPool| {
        let program = Program::start(&pool).await;
        let sketch =
            program.post("/fraud/check", &json!({"customer_id": "ada", "total_amount": 49.98})).await;
        let expected = json!({
            "fraud_score": 10,
            "risk_level": "low",
            "flags": ["missing_facts", "no_confirmed_order"],
            "model_version": "scorecard-1",
            "confidence": 0.12,
            "verdict": "approve",
            "reasons": [
                "4 of 4 facts are missing: account age, e-mail, device, internet address.",
                "0 orders of this customer were confirmed in the last 30 days.",
            ],
        });
        assert_eq!(sketch.expect(200), expected);

        // Card testing: six declined attempts with five cards within the hour, then a large order.
        let clock = chrono::Utc::now() - now();
        for number in 1..=6_u128 {
            let mut attempt = placed("mallory");
            attempt.payment_method.token = None;
            attempt.payment_method.card_last_four = Some(format!("000{}", number.min(5)));
            let ago = Duration::minutes(5) - clock;
            batch(&pool, &ai(60, 85), &[said(attempt, order(number), ago), declined(order(number))]).await;
        }
        let hostile = json!({
            "customer_id": "mallory",
            "items": [{"product_id": "laptop", "quantity": 3, "price": 799.00}],
            "shipping_address": {"country": "US"},
            "payment_method": {"type": "credit_card", "card_number": "4111111111110005"},
            "customer": {"email": "m@example.com", "created_at": chrono::Utc::now() - Duration::hours(2)},
            "client": {"device_id": "device-m", "ip": "203.0.113.9"},
        });
        let judged = program.post("/fraud/check", &hostile).await.expect(200);
        assert_eq!(
            (&judged["verdict"], &judged["risk_level"]),
            (&json!("reject"), &json!("high")),
            "{judged}"
        );
        assert_eq!(judged["confidence"], json!(1.0));
        assert_eq!(judged["reasons"][0], "6 payments of this customer were declined within 24 hours.");
        let orders: i64 =
            sqlx::query_scalar("SELECT count(*) FROM assessments").fetch_one(&pool).await.unwrap();
        assert_eq!(orders, 6);
        for bad in [json!({}), json!({"total_amount": -1}), json!({"total_amount": "much"}), json!([])] {
            assert_eq!(program.post("/fraud/check", &bad).await.status, 422);
        }
    })
    .await;
}

#[tokio::test]
async fn the_model_says_by_which_rules_it_judges() {
    with_database("ai", async |pool: PgPool| {
        let program = Program::start(&pool).await;
        let info = program.get("/models/info").await.expect(200);
        let model = &info["models"][0];
        assert_eq!((&model["kind"], &model["version"]), (&json!("fraud"), &json!("scorecard-1")));
        assert_eq!(model["thresholds"], json!({"review": 60, "reject": 85}));
        let rules = model["rules"].as_array().unwrap();
        assert_eq!(rules.len(), ai_domain::RULES.len());
        let steps = json!([
            {"limit": 2, "points": 8}, {"limit": 3, "points": 16}, {"limit": 4, "points": 26},
            {"limit": 5, "points": 34}, {"limit": 6, "points": 40},
        ]);
        assert_eq!((&rules[0]["code"], &rules[0]["steps"]), (&json!("failed_payments"), &steps));
    })
    .await;
}
