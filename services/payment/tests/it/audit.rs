//! The audit against a journal played here: it finds what is wrong and forgives what is only late.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::get,
};
use payment_domain::{Answer, Input, Status};
use payment_service::{
    audit::{Audit, audit},
    gateway,
    journal::Journal,
};
use serde_json::{Value, json};
use shared_events::{EventType, OrderId};
use sqlx::PgPool;
use system_tests::with_database;
use uuid::Uuid;

use crate::life::{TOTAL, event, live, order_in};

type Rows = Arc<Mutex<BTreeMap<Uuid, (u32, i64, i64)>>>;

/// The gateway's journal, with what the test writes into it.
#[derive(Clone)]
struct Books {
    rows: Rows,
    url: String,
}

impl Books {
    async fn open() -> Self {
        let rows = Rows::default();
        let routes = Router::new()
            .route("/journal/money", get(money))
            .route("/journal/orders/{order_id}", get(order))
            .with_state(rows.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { rows, url }
    }

    fn write(&self, order: OrderId, captures: u32, captured: i64, refunded: i64) {
        self.rows.lock().unwrap().insert(order.0, (captures, captured, refunded));
    }

    async fn audit(&self, pool: &PgPool) -> Audit {
        let client = gateway::client(Duration::from_secs(2)).unwrap();
        audit(pool, &Journal::new(client, &self.url).unwrap()).await.unwrap()
    }
}

fn row(order_id: &Uuid, (captures, captured, refunded): (u32, i64, i64)) -> Value {
    json!({
        "order_id": order_id, "key": format!("payment:{order_id}"), "captures": captures,
        "captured_minor": captured, "refunded_minor": refunded, "status": "captured",
    })
}

/// Two rows a page, so that every test turns pages.
async fn money(State(rows): State<Rows>, Query(query): Query<BTreeMap<String, String>>) -> Json<Value> {
    let after: usize = query.get("after").map_or(0, |after| after.parse().unwrap());
    let rows = rows.lock().unwrap();
    let page: Vec<_> = rows.iter().skip(after).take(2).map(|(id, money)| row(id, *money)).collect();
    let next = after + page.len();
    let next_cursor = (next < rows.len()).then(|| next.to_string());
    Json(json!({"rows": page, "next_cursor": next_cursor}))
}

async fn order(State(rows): State<Rows>, Path(order_id): Path<Uuid>) -> Json<Value> {
    let money = rows.lock().unwrap().get(&order_id).copied().unwrap_or_default();
    Json(row(&order_id, money))
}

fn named(audit: &Audit) -> Vec<(OrderId, &'static str)> {
    audit.differences.iter().map(|difference| (difference.order_id, difference.what)).collect()
}

#[tokio::test]
async fn books_in_every_status_balance_with_a_gateway_that_agrees() {
    with_database("payment", async |pool| {
        let books = Books::open().await;
        for status in Status::ALL {
            let order = order_in(&pool, *status).await;
            match status {
                Status::Captured | Status::Refunding | Status::RefundStuck => books.write(order, 1, TOTAL, 0),
                Status::Refunded => books.write(order, 1, TOTAL, TOTAL),
                Status::Failed => books.write(order, 0, 0, 0),
                // The gateway is ahead of us, as it may be.
                Status::Unknown | Status::Unresolved => books.write(order, 1, TOTAL, 0),
                Status::Collecting | Status::Charging | Status::Voiding | Status::Voided => {}
            }
        }
        books.write(OrderId(Uuid::now_v7()), 1, 100, 0);
        let found = books.audit(&pool).await;
        let expected = Audit {
            balanced: true,
            orders: 11,
            in_flight: 5,
            stuck: 2,
            foreign: 1,
            differences_total: 0,
            differences: vec![],
        };
        assert_eq!(found, expected);
    })
    .await;
}

#[tokio::test]
async fn a_drift_planted_by_sql_is_named() {
    with_database("payment", async |pool| {
        let books = Books::open().await;
        let order = order_in(&pool, Status::Captured).await;
        books.write(order, 1, TOTAL, 0);
        assert!(books.audit(&pool).await.balanced);
        let drift = "UPDATE transactions SET state = jsonb_set(state, '{captured_minor}', '4900')";
        sqlx::query(drift).execute(&pool).await.unwrap();
        let found = books.audit(&pool).await;
        assert!(!found.balanced);
        let expected = ["captured_in_ledger", "captured_by_status", "captured_at_gateway"];
        assert_eq!(named(&found), expected.map(|what| (order, what)));
    })
    .await;
}

#[tokio::test]
async fn a_ledger_entry_that_was_deleted_is_missed() {
    with_database("payment", async |pool| {
        let books = Books::open().await;
        let order = order_in(&pool, Status::Refunded).await;
        books.write(order, 1, TOTAL, TOTAL);
        sqlx::query("DELETE FROM ledger_entries WHERE kind = 'refunded'").execute(&pool).await.unwrap();
        assert_eq!(named(&books.audit(&pool).await), [(order, "refunded_in_ledger")]);
    })
    .await;
}

#[tokio::test]
async fn money_the_gateway_took_twice_or_for_a_failed_order_is_named() {
    with_database("payment", async |pool| {
        let books = Books::open().await;
        let (failed, twice) =
            (order_in(&pool, Status::Failed).await, order_in(&pool, Status::Captured).await);
        books.write(failed, 1, TOTAL, 0);
        books.write(twice, 2, TOTAL, 0);
        let found = books.audit(&pool).await;
        assert_eq!(named(&found), [(failed, "captured_at_gateway"), (twice, "captures_at_gateway")]);
        assert_eq!(found.differences_total, 2);
    })
    .await;
}

#[tokio::test]
async fn an_order_that_moves_on_while_it_is_looked_at_is_no_difference() {
    with_database("payment", async |pool| {
        let books = Books::open().await;
        let order = order_in(&pool, Status::Captured).await;
        // The refund is made between our first look and theirs.
        books.write(order, 1, TOTAL, TOTAL);
        let writer = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let refunded = Input::Answer(Answer::Refunded { refund_id: "re_1".to_owned() });
            live(&pool, order, &[event(EventType::OrderCancelled), refunded]).await;
        };
        let (found, ()) = tokio::join!(books.audit(&pool), writer);
        assert!(found.balanced, "{found:?}");
    })
    .await;
}

#[tokio::test]
async fn a_journal_that_cannot_be_read_is_an_error_and_no_balance() {
    with_database("payment", async |pool| {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let client = gateway::client(Duration::from_secs(2)).unwrap();
        let journal = Journal::new(client, &url).unwrap();
        let error = audit(&pool, &journal).await.unwrap_err();
        assert_eq!(error.to_string(), "the gateway's journal cannot be read");
    })
    .await;
}
