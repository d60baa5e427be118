//! Every route of the program itself, over tables that were filled beforehand. It hears no event
//! here: there is no broker, which a service that starts has to bear.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use analytics_service::{mirror::Mirror, store};
use serde_json::{Value, json};
use shared_events::EventType;
use sqlx::PgPool;
use system_tests::{Answer, Http, Stack, eventually, with_database};
use uuid::Uuid;

use crate::{mirror::remove, world::*};

const KEY_PREFIX: &str = "analytics-test-http";

/// A running service, ended when it is dropped.
struct Program {
    process: Child,
    address: String,
    http: Http,
}

impl Program {
    async fn start(pool: &PgPool, redis_url: &str) -> Self {
        let database: String = sqlx::query_scalar("SELECT current_database()").fetch_one(pool).await.unwrap();
        let stack = Stack::read();
        let (server, _) = stack.get("POSTGRES_ADMIN_URL").rsplit_once('/').unwrap();
        // Free a moment ago, and this machine gives the same port again only after many others.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_analytics-service"))
            .env_clear()
            .env("HTTP_ADDR", free.to_string())
            .env("DATABASE_URL", format!("{server}/{database}"))
            .env("AMQP_URL", "amqp://nobody:nothing@127.0.0.1:1/none")
            .env("BROKER_MANAGEMENT_URL", "http://nobody:nothing@127.0.0.1:1")
            .env("REDIS_URL", redis_url)
            .env("REDIS_KEY_PREFIX", KEY_PREFIX)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let program = Self { process, address: format!("http://{free}"), http: Http::default() };
        eventually("the service answers", async || {
            program
                .http
                .get(&format!("{}/livez", program.address))
                .await
                .map(drop)
                .map_err(|e| format!("{e:#}"))
        })
        .await;
        program
    }

    async fn get(&self, path: &str) -> Answer {
        self.http.get(&format!("{}{path}", self.address)).await.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Two orders delivered, one failed at its payment, one just placed.
async fn fill(pool: &PgPool) {
    handle(pool, &delivered(order(1), 0)).await.unwrap();
    handle(pool, &delivered(order(2), 60)).await.unwrap();
    let failed = [
        said(EventType::OrderPlaced, order(3), 120),
        said(EventType::InventoryReserved, order(3), 121),
        said(EventType::PaymentFailed, order(3), 122),
        said(EventType::OrderFailed, order(3), 123),
    ];
    handle(pool, &failed).await.unwrap();
    handle(pool, &[said(EventType::OrderPlaced, order(4), 180)]).await.unwrap();
}

#[tokio::test]
async fn the_seeds_calls_answer_in_the_seeds_shapes_from_either_place() {
    with_database("analytics", async |pool: PgPool| {
        fill(&pool).await;
        let redis_url = Stack::read().get("REDIS_URL").to_owned();
        for (redis, expected) in [(redis_url.as_str(), "redis"), ("redis://127.0.0.1:1/", "postgres")] {
            let program = Program::start(&pool, redis).await;
            eventually("it answers from where it should", async || {
                let answer = program.get("/metrics").await;
                if answer.headers["x-served-from"] == expected { Ok(()) } else { Err(format!("{answer:?}")) }
            })
            .await;
            let metrics = program.get("/metrics").await.expect(200);
            let names: Vec<_> = metrics.as_object().unwrap().keys().map(String::as_str).collect();
            let mut seeds = [
                "total_orders",
                "confirmed_orders",
                "failed_orders",
                "total_revenue",
                "payment_success_rate",
                "average_order_value",
            ];
            seeds.sort_unstable();
            assert_eq!(names, seeds);
            assert_eq!(
                [&metrics["total_orders"], &metrics["confirmed_orders"], &metrics["failed_orders"]],
                [&json!(4), &json!(2), &json!(1)]
            );
            assert!((metrics["payment_success_rate"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-9);
            let stats = program.get("/events/stats").await;
            assert_eq!(stats.headers["x-served-from"], expected);
            let stats = stats.expect(200);
            assert_eq!(stats[0], json!({"event_type": "order.placed", "count": 4}));
            assert_eq!(stats[1], json!({"event_type": "inventory.reserved", "count": 3}));
            let recent = program.get("/orders/recent").await.expect(200);
            let newest = order(4).to_string();
            assert_eq!(
                (recent.as_array().unwrap().len(), recent[0]["order_id"].as_str()),
                (4, Some(newest.as_str()))
            );
            let fields: Vec<_> = recent[0].as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(fields, ["customer_id", "items_count", "order_id", "timestamp", "total_amount"]);
        }
        let mirror = Mirror::new(&redis_url, KEY_PREFIX.to_owned()).unwrap();
        remove(&mirror.key(store::revision(&pool).await.unwrap().0)).await;
    })
    .await;
}

#[tokio::test]
async fn the_reports_answer_over_their_windows() {
    with_database("analytics", async |pool: PgPool| {
        fill(&pool).await;
        let program = Program::start(&pool, "redis://127.0.0.1:1/").await;
        let window = "from=2026-11-20T10:00:00Z&to=2026-11-20T11:00:00Z";
        let revenue = program.get(&format!("/revenue?bucket=hour&{window}")).await;
        let text = revenue.text.clone();
        let revenue = revenue.expect(200);
        assert_eq!((&revenue["bucket"], revenue["items"].as_array().unwrap().len()), (&json!("hour"), 1));
        assert_eq!(revenue["items"][0]["orders"], json!(2));
        assert_eq!(revenue["items"][0]["start"], json!("2026-11-20T10:00:00Z"), "{text}");
        let top = program.get(&format!("/products/top?limit=1&by=revenue&{window}")).await.expect(200);
        assert_eq!((top["items"].as_array().unwrap().len(), &top["items"][0]["orders"]), (1, &json!(2)));
        let funnel = program.get(&format!("/funnel?{window}")).await.expect(200);
        let counts = |field: &str| -> Vec<Value> {
            funnel["steps"].as_array().unwrap().iter().map(|step| step[field].clone()).collect()
        };
        assert_eq!(counts("step"), ["placed", "reserved", "paid", "confirmed", "shipped", "delivered"]);
        assert_eq!(counts("orders"), [4, 3, 2, 2, 2, 2]);
        assert_eq!(counts("waiting"), [1, 0, 0, 0, 0, 0]);
        assert_eq!(funnel["steps"][1]["drop_offs"][0]["orders"], json!(1));
        let durations = program.get(&format!("/durations?{window}")).await.expect(200);
        let confirmed = &durations["saga"][0];
        assert_eq!(
            *confirmed,
            json!({"name": "placed_to_confirmed", "count": 2, "p50": 5.0, "p95": 5.0, "p99": 5.0, "max": 5.0})
        );
        let unmeasured =
            durations["steps"].as_array().unwrap().iter().find(|step| step["count"] == 0).unwrap();
        assert_eq!(unmeasured["p50"], Value::Null);
        // Without parameters: the last hours or days, which hold nothing of the year the tests play in
        // unless that is now.
        for path in ["/revenue", "/revenue?bucket=hour", "/products/top", "/funnel", "/durations"] {
            let _ = program.get(path).await.expect(200);
        }
        let document = program.get("/openapi.json").await.expect(200);
        for path in [
            "/metrics",
            "/events/stats",
            "/orders/recent",
            "/revenue",
            "/products/top",
            "/funnel",
            "/durations",
        ] {
            assert!(document["paths"][path]["get"].is_object(), "{path} is not documented");
        }
        let _ = program.get("/metrics").await.expect(200);
        assert!(program.get("/prometheus").await.text.contains("analytics_redis_fallbacks_total"));
    })
    .await;
}

#[tokio::test]
async fn nonsense_is_refused_with_a_problem_that_says_what_is_allowed() {
    with_database("analytics", async |pool: PgPool| {
        let program = Program::start(&pool, "redis://127.0.0.1:1/").await;
        for path in [
            "/revenue?bucket=fortnight",
            "/revenue?from=yesterday",
            "/revenue?from=2026-11-20T10:00:00Z&to=2026-11-20T10:00:00Z",
            "/revenue?bucket=hour&from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z",
            "/revenue?currency=dollars",
            "/products/top?limit=0",
            "/products/top?limit=201",
            "/products/top?by=colour",
            "/funnel?from=1969-01-01T00:00:00Z",
            "/durations?from=2026-01-01T00:00:00Z&to=2026-11-01T00:00:00Z",
            "/funnel?from=2026-01-01T00:00:00Z&to=2026-11-01T00:00:00Z",
            "/products/top?from=2026-01-01T00:00:00Z&to=2026-11-01T00:00:00Z",
        ] {
            let answer = program.get(path).await;
            assert_eq!(answer.status.as_u16(), 400, "{path}: {}", answer.text);
            assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}");
            assert_eq!(answer.json()["code"], json!("bad_query"), "{path}");
        }
        let unknown = program.get(&format!("/saga-logs/{}", Uuid::new_v4())).await.expect(200);
        assert_eq!(unknown, json!([]));
    })
    .await;
}
