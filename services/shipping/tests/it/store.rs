//! The tables, in a database of their own on the test stack's Postgres.

use chrono::{DateTime, Duration, Utc};
use shared_events::{Envelope, EventType, OrderId};
use shipping_domain::{Command, Consignment, Input, Policy, Reply, State, Status, decide};
use shipping_service::store;
use sqlx::PgPool;
use system_tests::with_database;
use uuid::Uuid;

fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().expect("a date")
}

fn said(event_type: EventType) -> Input {
    Input::Event(Envelope::decode(event_type.example().as_bytes()).expect("a golden file").event)
}

fn after(inputs: &[Input]) -> State {
    let step = |state, input: &Input| decide(&Policy::default(), &state, input, now()).state;
    inputs.iter().fold(State::default(), step)
}

/// A state of every status that is ever stored.
fn states() -> Vec<State> {
    let confirmed = || said(EventType::OrderConfirmed);
    let cancel = || said(EventType::OrderCancelRequested);
    let booked = || {
        let estimated_delivery = now() + Duration::days(3);
        Input::Reply(Reply::Booked(Consignment {
            tracking_number: "TRK-7F3K2".to_owned(),
            estimated_delivery,
        }))
    };
    let refused = Input::Reply(Reply::Refused { code: "no".to_owned(), reason: "No.".to_owned() });
    let states = vec![
        after(&[confirmed()]),
        after(&[confirmed(), booked()]),
        after(&[confirmed(), booked(), Input::Command(Command::Dispatch)]),
        after(&[confirmed(), booked(), Input::Command(Command::Deliver), cancel()]),
        after(&[confirmed(), booked(), cancel()]),
        after(&[said(EventType::OrderFailed)]),
        after(&[confirmed(), refused]),
    ];
    let stored: Vec<_> = Status::ALL.iter().filter(|status| **status != Status::Unknown).collect();
    assert!(stored.iter().all(|status| states.iter().any(|state| state.status == **status)));
    states
}

fn order() -> OrderId {
    OrderId(Uuid::now_v7())
}

#[tokio::test]
async fn every_status_is_stored_and_read_back_as_it_was() {
    with_database("shipping", async |pool: PgPool| {
        let states: Vec<_> = states().into_iter().map(|state| (order(), state)).collect();
        let orders: Vec<_> = states.iter().map(|(order, _)| *order).collect();
        let changed: Vec<_> = states.iter().map(|(order, state)| (*order, state)).collect();
        let mut connection = pool.acquire().await.unwrap();
        store::save(&mut connection, &changed, now()).await.unwrap();
        let loaded = store::load(&mut connection, &orders).await.unwrap();
        assert_eq!(loaded.len(), states.len());
        for (order, state) in &states {
            assert_eq!(&loaded[order], state);
        }
        let columns: Vec<(Uuid, String, Option<String>)> =
            sqlx::query_as("SELECT order_id, status, tracking_number FROM shipments")
                .fetch_all(&mut *connection)
                .await
                .unwrap();
        for (id, status, tracking_number) in columns {
            let state = &loaded[&OrderId(id)];
            assert_eq!(status, state.status.as_str());
            assert_eq!(tracking_number, state.consignment.clone().map(|known| known.tracking_number));
        }
    })
    .await;
}

#[tokio::test]
async fn a_change_keeps_when_the_order_was_first_heard_of() {
    with_database("shipping", async |pool: PgPool| {
        let (first, second, known) = (&states()[0], &states()[1], order());
        let later = now() + Duration::minutes(1);
        let mut connection = pool.acquire().await.unwrap();
        store::save(&mut connection, &[(known, first)], now()).await.unwrap();
        store::save(&mut connection, &[(known, second)], later).await.unwrap();
        drop(connection);
        let found = store::find(&pool, &[known, order()]).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].order_id, &found[0].state), (known, second));
        assert_eq!((found[0].created_at, found[0].updated_at), (now(), later));
    })
    .await;
}

#[tokio::test]
async fn what_the_domain_never_stores_the_table_refuses() {
    with_database("shipping", async |pool: PgPool| {
        let bad = [
            r#"{"status": "unknown"}"#,
            r#"{"status": "lost"}"#,
            r#"{"status": "scheduled"}"#,
            r#"{"status": "delivered", "consignment": {}}"#,
        ];
        for state in bad {
            let stored = sqlx::query("INSERT INTO shipments (order_id, state) VALUES ($1, $2::jsonb)")
                .bind(Uuid::now_v7())
                .bind(serde_json::from_str::<serde_json::Value>(state).unwrap())
                .execute(&pool)
                .await;
            let error = stored.expect_err(state).into_database_error().expect("refused by the database");
            assert!(error.is_check_violation(), "{state}: {error}");
        }
    })
    .await;
}

#[test]
fn a_document_of_an_earlier_release_stays_readable() {
    for (document, status) in [
        (r#"{"status":"booking"}"#, Status::Booking),
        (r#"{"status":"cancelled","cancel_answer":"cancelled","unheard_of":1}"#, Status::Cancelled),
        (
            r#"{"status":"scheduled","consignment":{"tracking_number":"T","estimated_delivery":"2026-11-23T17:00:00Z"}}"#,
            Status::Scheduled,
        ),
    ] {
        assert_eq!(serde_json::from_str::<State>(document).unwrap().status, status);
    }
}
