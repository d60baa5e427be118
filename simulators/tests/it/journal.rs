//! The journal's promises: what was answered is there after a restart, torn lines are cut, damage
//! is refused, and its read side adds up.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use futures::future::join_all;
use serde_json::{Value, json};
use simulators::Config;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::support::{Folder, Simulator, charge_body, payment_key};

async fn refusal_to_start(journal: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("no free port");
    let served = simulators::serve(Config::new(journal), listener, std::future::pending()).await;
    format!("{:#}", served.expect_err("it started"))
}

fn append(journal: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(journal).expect("there is a journal");
    file.write_all(bytes).expect("the journal can be written");
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let folder = Folder::new();
    let simulator = Simulator::start(&folder.journal(), |_| {}).await;
    let http = &simulator.http;
    let orders: Vec<_> = (0..8).map(|_| Uuid::new_v4()).collect();
    http.charge(orders[0], 100, Some("tok_ok")).await;
    http.charge(orders[1], 200, Some("tok_declined")).await;
    http.void(orders[2]).await;
    http.charge(orders[3], 300, Some("tok_ok")).await;
    http.refund(orders[3], 300).await;
    http.charge(orders[4], 400, Some("tok_refund_refused")).await;
    http.refund(orders[4], 400).await;
    http.charge(orders[5], 500, Some("tok_error_twice")).await;
    http.book(orders[0], "FR").await;
    http.book(orders[6], "XX").await;
    http.cancel(orders[7]).await;
    let states = async |simulator: &Simulator| {
        let http = &simulator.http;
        let charges = join_all(orders.iter().map(|order| http.charge_status(*order))).await;
        let bookings = join_all(orders.iter().map(|order| http.booking(*order))).await;
        let witnesses = join_all(orders.iter().map(|order| http.witness(*order))).await;
        (charges, bookings, witnesses, http.get("/journal/money").await, http.summary().await)
    };
    let before = states(&simulator).await;
    simulator.stop().await;

    let simulator = Simulator::start(&folder.journal(), |_| {}).await;
    let http = &simulator.http;
    assert_eq!(states(&simulator).await, before);
    // Volatile-looking counters are facts too.
    assert_eq!(http.charge(orders[5], 500, Some("tok_error_twice")).await.0, 503);
    assert_eq!(http.charge(orders[5], 500, Some("tok_error_twice")).await.0, 200);
    assert_eq!(http.refund(orders[4], 400).await.0, 422);
    assert_eq!(http.charge(orders[2], 100, Some("tok_ok")).await.0, 409);
    assert_eq!(http.refund(orders[3], 300).await.0, 200);
    let next = http.book(orders[1], "FR").await.1["tracking_number"].clone();
    assert_ne!(next, http.booking(orders[0]).await.1["tracking_number"]);
    let summary = http.summary().await;
    assert_eq!(summary["captured_minor"], 100 + 300 + 400 + 500);
    assert_eq!(summary["refunded_minor"], 300);
    simulator.stop().await;
}

#[tokio::test]
async fn a_torn_last_line_is_cut_and_the_rest_kept() {
    for torn in [&b"{\"at\":\"2026-01-01T00:0"[..], b"\0\0\0\0\n", b"{\"at\":1}\n"] {
        let folder = Folder::new();
        let simulator = Simulator::start(&folder.journal(), |_| {}).await;
        let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
        simulator.http.charge(first, 100, Some("tok_ok")).await;
        simulator.stop().await;
        let sound = std::fs::metadata(folder.journal()).expect("there is a journal").len();
        append(&folder.journal(), torn);

        let simulator = Simulator::start(&folder.journal(), |_| {}).await;
        assert_eq!(std::fs::metadata(folder.journal()).expect("there is a journal").len(), sound);
        assert_eq!(simulator.http.witness(first).await["captures"], 1);
        simulator.http.charge(second, 100, Some("tok_ok")).await;
        simulator.stop().await;

        let simulator = Simulator::start(&folder.journal(), |_| {}).await;
        assert_eq!(simulator.http.summary().await["captures"], 2);
        simulator.stop().await;
    }
}

#[tokio::test]
async fn a_complete_last_line_without_its_newline_was_never_answered_and_is_cut() {
    let folder = Folder::new();
    let simulator = Simulator::start(&folder.journal(), |_| {}).await;
    let order = Uuid::new_v4();
    simulator.http.charge(order, 100, Some("tok_ok")).await;
    simulator.stop().await;
    let whole = std::fs::read(folder.journal()).expect("there is a journal");
    std::fs::write(folder.journal(), &whole[..whole.len() - 1]).expect("the journal can be written");
    let simulator = Simulator::start(&folder.journal(), |_| {}).await;
    assert_eq!(simulator.http.charge_status(order).await.0, 404);
    simulator.stop().await;
}

#[tokio::test]
async fn damage_in_the_middle_is_refused_and_changes_nothing() {
    let folder = Folder::new();
    let simulator = Simulator::start(&folder.journal(), |_| {}).await;
    simulator.http.charge(Uuid::new_v4(), 100, Some("tok_ok")).await;
    simulator.stop().await;
    let good = std::fs::read(folder.journal()).expect("there is a journal");
    append(&folder.journal(), b"garbage\n");
    append(&folder.journal(), &good);
    let damaged = std::fs::read(folder.journal()).expect("there is a journal");
    let refusal = refusal_to_start(&folder.journal()).await;
    assert!(refusal.contains("line 2 is damaged"), "{refusal}");
    assert_eq!(std::fs::read(folder.journal()).expect("there is a journal"), damaged);
}

#[tokio::test]
async fn one_journal_serves_one_process() {
    let folder = Folder::new();
    let simulator = Simulator::start(&folder.journal(), |_| {}).await;
    let refusal = refusal_to_start(&folder.journal()).await;
    assert!(refusal.contains("in use by another process"), "{refusal}");
    simulator.stop().await;
    Simulator::start(&folder.journal(), |_| {}).await.stop().await;
}

#[tokio::test]
async fn the_money_list_pages_through_every_order_once() {
    let folder = Folder::new();
    let simulator = Simulator::start(&folder.journal(), |_| {}).await;
    let http = &simulator.http;
    let mut orders: Vec<_> = (0..25).map(|_| Uuid::new_v4()).collect();
    join_all(orders.iter().map(|order| http.charge(*order, 10, Some("tok_ok")))).await;
    http.refund(orders[3], 10).await;
    http.book(Uuid::new_v4(), "FR").await;
    let mut rows: Vec<Value> = Vec::new();
    let mut path = "/journal/money?limit=10".to_owned();
    let mut pages = 0;
    loop {
        let (status, page) = http.get(&path).await;
        assert_eq!(status, 200, "{page}");
        rows.extend(page["rows"].as_array().cloned().unwrap_or_default());
        pages += 1;
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/journal/money?after={cursor}&limit=10");
    }
    assert_eq!((pages, rows.len()), (3, 25));
    let mut listed: Vec<Uuid> =
        rows.iter().map(|row| serde_json::from_value(row["order_id"].clone()).expect("an id")).collect();
    let refunded = rows.iter().find(|row| row["order_id"] == json!(orders[3])).expect("it is listed");
    let expected = json!({
        "order_id": orders[3], "key": payment_key(orders[3]), "captures": 1,
        "captured_minor": 10, "refunded_minor": 10, "status": "refunded",
    });
    assert_eq!(*refunded, expected);
    listed.sort();
    orders.sort();
    assert_eq!(listed, orders);
    assert_eq!(http.get("/journal/money?limit=1001").await.0, 400);
    assert_eq!(http.get("/journal/money?after=x").await.0, 400);
    assert_eq!(http.get("/journal/money?after=1000").await.1, json!({"rows": [], "next_cursor": null}));
    simulator.stop().await;
}

#[tokio::test]
async fn an_unknown_order_has_zeros_and_nulls() {
    let folder = Folder::new();
    let simulator = Simulator::start(&folder.journal(), |_| {}).await;
    let order = Uuid::new_v4();
    let expected = json!({
        "order_id": order, "captures": 0, "captured_minor": 0, "refunded_minor": 0,
        "charge_status": null, "booking_status": null, "entries": [],
    });
    assert_eq!(simulator.http.witness(order).await, expected);
    simulator.stop().await;
}

#[tokio::test]
async fn the_journal_holds_no_card_token_or_address() {
    let folder = Folder::new();
    let simulator = Simulator::start(&folder.journal(), |_| {}).await;
    let order = Uuid::new_v4();
    let body = charge_body(order, 100, Some("tok_4111111111111111"));
    simulator.http.post("/v1/charges", Some(&payment_key(order)), body).await;
    simulator.http.charge(Uuid::new_v4(), 100, Some("tok_ok")).await;
    simulator.http.book(order, "FR").await;
    simulator.stop().await;
    let text = std::fs::read_to_string(folder.journal()).expect("there is a journal");
    assert_eq!(text.lines().count(), 3);
    for secret in ["4111", "tok_", "Canary", "Lyon", "69001"] {
        assert!(!text.contains(secret), "{secret} stands in the journal");
    }
}
