//! The tables, in a database of their own on the test stack's Postgres.

use chrono::TimeDelta;
use notification_service::{
    Delivery,
    state::{State, Status},
    store::{self, Changed, Filter},
};
use shared_events::{EventType, OrderId, events::notification::Channel};
use sqlx::{PgConnection, PgPool};
use system_tests::with_database;
use uuid::Uuid;

use crate::world::*;

fn some_order() -> OrderId {
    OrderId(Uuid::now_v7())
}

async fn save(pool: &PgPool, order: OrderId, before: &State, after: &State) -> sqlx::Result<()> {
    let mut connection = pool.acquire().await?;
    store::save(&mut connection, &[Changed { order, before, after }], now()).await
}

/// A message sent, one queued after a failure, one refused, and one event that waits.
fn mixed() -> [State; 4] {
    let queued = step(&State::default(), &said(EventType::OrderPlaced));
    let posts = posts(&queued);
    let sent = step(&queued.state, &report(&posts[0], Delivery::Sent)).state;
    let retried = step(&sent, &report(&posts[1], later())).state;
    let refused = step(&State::default(), &placed_by("nowhere")).state;
    let waiting = step(&State::default(), &said(EventType::OrderFailed)).state;
    [queued.state, retried, refused, waiting]
}

#[tokio::test]
async fn states_are_stored_and_read_back_as_they_were() {
    with_database("notification", async |pool: PgPool| {
        let mut connection = pool.acquire().await.unwrap();
        let (before, states) = (State::default(), mixed());
        // The golden events are one order's; under several, states can be stored but messages cannot.
        for state in &states {
            let known = some_order();
            let bare = State { messages: Vec::new(), ..state.clone() };
            let changed = [Changed { order: known, before: &before, after: &bare }];
            store::save(&mut connection, &changed, now()).await.unwrap();
            let loaded = store::load(&mut connection, &[known, some_order()]).await.unwrap();
            assert_eq!((loaded.len(), &loaded[&known]), (1, &bare));
        }
        let known = some_order();
        let changed = [Changed { order: known, before: &before, after: &states[1] }];
        store::save(&mut connection, &changed, now()).await.unwrap();
        assert_eq!(store::load(&mut connection, &[known]).await.unwrap()[&known], states[1]);
        store::save(&mut connection, &[], now()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn each_message_has_one_row_that_follows_it() {
    with_database("notification", async |pool: PgPool| {
        let [queued, retried, ..] = mixed();
        save(&pool, order(), &State::default(), &queued).await.unwrap();
        let rows = store::of_order(&pool, order()).await.unwrap();
        let seen: Vec<_> =
            rows.iter().map(|row| (row.channel.as_str(), row.status.as_str(), row.attempts)).collect();
        assert_eq!(seen, [("email", "queued", 1), ("sms", "queued", 1)]);
        assert_eq!(rows[0].subject.as_deref(), Some("We received your order 00000001"));
        assert_eq!(
            (rows[0].recipient.as_deref(), rows[1].subject.as_deref()),
            (Some("ada@example.com"), None)
        );
        assert_eq!((rows[0].id, rows[0].event_id), (queued.messages[0].id(), queued.messages[0].event_id.0));

        save(&pool, order(), &queued, &retried).await.unwrap();
        let later = store::of_order(&pool, order()).await.unwrap();
        assert_eq!(later.iter().map(|row| row.id).collect::<Vec<_>>(), [rows[0].id, rows[1].id]);
        assert_eq!((later[0].status.as_str(), later[0].sent_at), ("sent", Some(now())));
        assert_eq!(
            (later[1].status.as_str(), later[1].last_error.as_deref()),
            ("queued", Some("421 try again"))
        );
        assert_eq!(later[0].created_at, now());
        assert!(store::of_order(&pool, some_order()).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_message_to_nobody_is_on_record_too() {
    with_database("notification", async |pool: PgPool| {
        let waiting = after(&[said(EventType::OrderFailed)]);
        let given_up = step(&waiting, &RECIPIENT).state;
        save(&pool, order(), &waiting, &given_up).await.unwrap();
        let rows = store::of_order(&pool, order()).await.unwrap();
        assert_eq!((rows.len(), &rows[0].recipient, rows[0].status.as_str()), (1, &None, "failed"));
    })
    .await;
}

#[tokio::test]
async fn a_recipient_that_becomes_known_later_is_on_record() {
    with_database("notification", async |pool: PgPool| {
        let waiting = after(&[said(EventType::OrderFailed)]);
        let given_up = step(&waiting, &RECIPIENT).state;
        save(&pool, order(), &waiting, &given_up).await.unwrap();
        let late = step(&given_up, &placed_by("ada@example.com")).state;
        save(&pool, order(), &given_up, &late).await.unwrap();
        let rows = store::of_order(&pool, order()).await.unwrap();
        let seen: Vec<_> = rows.iter().map(|row| (row.recipient.as_deref(), row.status.as_str())).collect();
        assert_eq!(seen, [(Some("ada@example.com"), "queued"); 2]);
    })
    .await;
}

/// Rows of the audit log, of which three are rare: one failed mail, one queued text, one failed text.
const MANY: &str = "INSERT INTO notifications \
         (id, order_id, event_id, event_type, channel, template, recipient, status, attempts, created_at, sent_at) \
     SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'order.placed', \
         CASE WHEN n IN (20, 30) THEN 'sms' ELSE 'email' END, 'order_received', 'a@example.com', \
         CASE WHEN n IN (10, 30) THEN 'failed' WHEN n = 20 THEN 'queued' ELSE 'sent' END, 1, now(), \
         CASE WHEN n IN (10, 20, 30) THEN NULL ELSE now() END \
     FROM generate_series(1, 50000) AS n";

async fn rows_read(connection: &mut PgConnection) -> i64 {
    let counted =
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'notifications'";
    sqlx::query_scalar(counted).fetch_one(connection).await.expect("counted")
}

#[tokio::test]
async fn a_page_of_the_list_reads_little_more_than_it_shows() {
    /// More than a page and less than any part of the table.
    const READ_MAX: i64 = 60;
    with_database("notification", async |pool: PgPool| {
        sqlx::query(MANY).execute(&pool).await.unwrap();
        sqlx::query("ANALYZE notifications").execute(&pool).await.unwrap();
        let (email, sms) = (Some(Channel::Email), Some(Channel::Sms));
        let (sent, failed, queued) = (Some(Status::Sent), Some(Status::Failed), Some(Status::Queued));
        for (channel, status, before, found) in [
            (None, None, None, 50),
            (None, None, Some(40), 39),
            (email, None, None, 50),
            (sms, None, None, 2),
            (None, sent, None, 50),
            (None, failed, None, 2),
            (None, failed, Some(25), 1),
            (None, queued, None, 1),
            (email, failed, None, 1),
            (sms, failed, None, 1),
            (sms, sent, None, 0),
        ] {
            let filter = Filter { channel, status, before };
            let mut transaction = pool.begin().await.unwrap();
            // The plan that a prepared statement may end up with.
            let plan = "SET LOCAL plan_cache_mode = force_generic_plan";
            sqlx::query(plan).execute(&mut *transaction).await.unwrap();
            // What the connection counted before is with it until its server collects that.
            let before = rows_read(&mut transaction).await;
            let rows = store::list(&mut *transaction, filter, 50).await.unwrap();
            assert_eq!(rows.len(), found, "{filter:?}");
            let read = rows_read(&mut transaction).await - before;
            assert!((found as i64..=READ_MAX).contains(&read), "{filter:?} read {read} rows");
        }
    })
    .await;
}

#[tokio::test]
async fn the_list_filters_and_goes_page_by_page_from_the_newest() {
    with_database("notification", async |pool: PgPool| {
        let [queued, retried, ..] = mixed();
        save(&pool, order(), &State::default(), &queued).await.unwrap();
        save(&pool, order(), &queued, &retried).await.unwrap();
        let more = step(&retried, &said(EventType::OrderConfirmed)).state;
        save(&pool, order(), &retried, &more).await.unwrap();
        let list = async |filter, limit| store::list(&pool, filter, limit).await.unwrap();
        let all = list(Filter::default(), 10).await;
        assert_eq!(all.len(), 4);
        assert!(all.windows(2).all(|pair| pair[0].seq > pair[1].seq));
        let texts = list(Filter { channel: Some(Channel::Sms), ..Filter::default() }, 10).await;
        assert!(texts.len() == 2 && texts.iter().all(|row| row.channel == "sms"));
        let sent = list(Filter { status: Some(Status::Sent), ..Filter::default() }, 10).await;
        assert_eq!(sent.iter().map(|row| row.template.as_str()).collect::<Vec<_>>(), ["order_received"]);
        let none = Filter { channel: Some(Channel::Sms), status: Some(Status::Failed), before: None };
        assert!(list(none, 10).await.is_empty());
        let first = list(Filter::default(), 3).await;
        let rest = list(Filter { before: Some(first[2].seq), ..Filter::default() }, 3).await;
        assert_eq!([first, rest].concat(), all);
    })
    .await;
}

#[tokio::test]
async fn what_the_rule_never_writes_the_table_refuses() {
    with_database("notification", async |pool: PgPool| {
        let [queued, ..] = mixed();
        save(&pool, order(), &State::default(), &queued).await.unwrap();
        for broken in [
            "UPDATE notifications SET status = 'lost'",
            "UPDATE notifications SET status = 'sent'",
            "UPDATE notifications SET sent_at = now()",
            "UPDATE notifications SET channel = 'fax'",
            "UPDATE notifications SET recipient = NULL",
            "UPDATE notifications SET channel = 'email'",
        ] {
            let error = sqlx::query(broken).execute(&pool).await.expect_err(broken);
            let error = error.into_database_error().expect("refused by the database");
            assert!(error.is_check_violation() || error.is_unique_violation(), "{broken}: {error}");
        }
    })
    .await;
}

#[test]
fn a_document_of_an_earlier_release_stays_readable() {
    let document = serde_json::to_value(&mixed()[1]).unwrap();
    let mut future = document.clone();
    future["unheard_of"] = 1.into();
    assert_eq!(serde_json::from_value::<State>(future).unwrap(), mixed()[1]);
    assert_eq!(serde_json::from_str::<State>("{}").unwrap(), State::default());
    let event = document["messages"][0]["event_id"].clone();
    let old = serde_json::json!({"messages": [{
        "event_id": event, "event_type": "order.placed", "channel": "email", "status": "failed", "attempts": 3,
        "letter": {"news": {"kind": "received"}}, "created_at": now() + TimeDelta::seconds(1)
    }]});
    assert_eq!(serde_json::from_value::<State>(old).unwrap().messages[0].status, Status::Failed);
}
