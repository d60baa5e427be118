//! The tables, in a database of their own on the test stack's Postgres.

use ai_domain::{Assessment, Closing, Features, Past, Review, ReviewDecision, ReviewStatus, State};
use ai_service::store;
use chrono::{DateTime, Duration, Utc};
use shared_events::{
    OrderId,
    events::fraud::{Ruling, Verdict},
};
use sqlx::PgPool;
use system_tests::with_database;
use uuid::Uuid;

use crate::world::*;

fn state(review: Option<ReviewStatus>, ago: Duration) -> State {
    let verdict = if review.is_some() { Verdict::Review } else { Verdict::Approve };
    let decision = ReviewDecision {
        verdict: Ruling::Approve,
        decided_by: "dana".to_owned(),
        decided_at: now(),
        note: Some("Called.".to_owned()),
    };
    State {
        placed: Some(Features::of(&placed("ada"), now() - ago)),
        assessment: Some(Assessment {
            score: 61,
            verdict,
            reasons: Vec::new(),
            model_version: "scorecard-1".to_owned(),
            known_percent: 87,
            assessed_at: now(),
        }),
        review: review.map(|status| Review {
            status,
            until: now() + Duration::days(1),
            decision: (status == ReviewStatus::Decided).then_some(decision),
            closed_because: (status == ReviewStatus::Closed).then_some(Closing::OrderConfirmed),
        }),
        ..State::default()
    }
}

async fn save(pool: &PgPool, order: OrderId, state: &State, at: DateTime<Utc>) {
    let mut connection = pool.acquire().await.unwrap();
    store::save(&mut connection, &[(order, state)], at).await.unwrap();
}

#[tokio::test]
async fn every_state_is_stored_and_read_back_as_it_was() {
    with_database("ai", async |pool: PgPool| {
        let mut early = State::default();
        early.happened.payment_failed = true;
        let mut states = vec![early, state(None, Duration::zero())];
        states.extend(ReviewStatus::ALL.iter().map(|status| state(Some(*status), Duration::zero())));
        let orders: Vec<_> = (1..).map(order).take(states.len()).collect();
        let changed: Vec<_> = orders.iter().copied().zip(&states).collect();
        let mut connection = pool.acquire().await.unwrap();
        store::save(&mut connection, &changed, now()).await.unwrap();
        let loaded = store::load(&mut connection, &orders).await.unwrap();
        for (order, state) in &changed {
            assert_eq!(&&loaded[order], state);
        }
        let columns: Vec<(Option<i16>, Option<String>, Option<String>)> =
            sqlx::query_as("SELECT score, verdict, review_status FROM assessments ORDER BY order_id")
                .fetch_all(&mut *connection)
                .await
                .unwrap();
        let word = |text: &str| Some(text.to_owned());
        assert_eq!(columns[0], (None, None, None));
        assert_eq!(columns[1], (Some(61), word("approve"), None));
        assert_eq!(columns[2], (Some(61), word("review"), word("open")));
        assert_eq!(columns[4], (Some(61), word("review"), word("closed")));
        let features: i64 = sqlx::query_scalar("SELECT count(*) FROM order_features")
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        assert_eq!(features, 4, "an order that was not placed here has none");
    })
    .await;
}

#[tokio::test]
async fn what_the_domain_never_stores_the_table_refuses() {
    with_database("ai", async |pool: PgPool| {
        for state in [
            r#"{"assessment": {"score": 101, "verdict": "reject"}}"#,
            r#"{"assessment": {"score": 50, "verdict": "maybe"}}"#,
            r#"{"assessment": {"score": 70, "verdict": "review"}, "review": {"status": "lost"}}"#,
            r#"{"assessment": {"score": 70, "verdict": "review"}}"#,
            r#"{"assessment": {"score": 10, "verdict": "approve"}, "review": {"status": "open"}}"#,
            r#"{"review": {"status": "open"}}"#,
        ] {
            let stored = sqlx::query("INSERT INTO assessments (order_id, state) VALUES ($1, $2::jsonb)")
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

#[tokio::test]
async fn earlier_orders_are_found_by_customer_device_address_and_token_and_no_others() {
    with_database("ai", async |pool: PgPool| {
        let day = Duration::days(1);
        let mut of_features = Vec::new();
        let mut add = |change: &dyn Fn(&mut Features), ago: Duration| {
            let mut state = state(None, ago);
            let features = state.placed.as_mut().unwrap();
            (features.device, features.ip, features.token, features.instrument) = (None, None, None, None);
            features.customer = Some("other".to_owned().try_into().unwrap());
            change(features);
            of_features.push(state);
        };
        let new = Features::of(&placed("ada"), now());
        add(&|features| features.customer.clone_from(&new.customer), day * 29);
        add(&|features| features.device = new.device, day * 6);
        add(&|features| features.ip = new.ip, day * 6);
        add(&|features| features.token = new.token, day * 6);
        add(&|features| features.customer.clone_from(&new.customer), day * 30);
        add(&|features| features.device = new.device, day * 7);
        add(&|features| features.customer.clone_from(&new.customer), -Duration::seconds(1));
        add(&|_| {}, day);
        for (number, state) in (0..).zip(&of_features) {
            save(&pool, order(number), state, now()).await;
        }
        let mut connection = pool.acquire().await.unwrap();
        let memory = store::remember(&mut connection, std::slice::from_ref(&new)).await.unwrap();
        let history = memory.history(order(99), &new);
        assert_eq!((history.orders, history.others_on_device), (1, 1));
        assert_eq!((history.others_at_ip, history.others_with_token), (1, 1));
        // Nothing is asked when nothing is new.
        assert_eq!(store::remember(&mut connection, &[]).await.unwrap().history(order(99), &new).orders, 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_remembered_comes_back_as_it_was_and_no_more_than_enough() {
    with_database("ai", async |pool: PgPool| {
        let mut kept = state(None, Duration::hours(1));
        kept.happened.confirmed = true;
        save(&pool, order(1), &kept, now()).await;
        let new = Features::of(&placed("ada"), now());
        let mut connection = pool.acquire().await.unwrap();
        let memory = store::remember(&mut connection, std::slice::from_ref(&new)).await.unwrap();
        // What the table does not keep, nobody looks at in an earlier order.
        let features =
            Features { account_opened: None, disposable_mail: None, ..kept.placed.clone().unwrap() };
        let mut expected = ai_domain::Memory::default();
        expected.remember(order(1), Past { features, happened: kept.happened });
        assert_eq!(format!("{memory:?}"), format!("{expected:?}"));

        let many: Vec<_> = (2..152).map(|n| (order(n), state(None, Duration::minutes(1)))).collect();
        let many: Vec<_> = many.iter().map(|(order, state)| (*order, state)).collect();
        store::save(&mut connection, &many, now()).await.unwrap();
        let memory = store::remember(&mut connection, std::slice::from_ref(&new)).await.unwrap();
        let history = memory.history(order(999), &new);
        assert_eq!((history.orders, history.confirmed), (100, 0), "the newest hundred");
    })
    .await;
}

#[tokio::test]
async fn one_busy_customer_hides_no_others_and_the_order_itself_takes_no_place() {
    with_database("ai", async |pool: PgPool| {
        let mut states = Vec::new();
        let mut add = |number: u128, customer: &str, ago: Duration| {
            let mut past = state(None, ago);
            past.placed.as_mut().unwrap().customer = Some(customer.to_owned().try_into().unwrap());
            states.push((order(number), past));
        };
        // Six others on one device, address and card six days ago, one nine days ago, and since then
        // three hundred orders of one more.
        for number in 0..6 {
            add(number, &format!("other-{number}"), Duration::days(6));
        }
        add(9, "long-ago", Duration::days(9));
        for number in 100..400 {
            add(number, "busy", Duration::minutes(1));
        }
        let states: Vec<_> = states.iter().map(|(order, state)| (*order, state)).collect();
        let mut connection = pool.acquire().await.unwrap();
        store::save(&mut connection, &states, now()).await.unwrap();
        let new = Features::of(&placed("ada"), now());
        let memory = store::remember(&mut connection, std::slice::from_ref(&new)).await.unwrap();
        let history = memory.history(order(999), &new);
        let others = [history.others_on_device, history.others_at_ip, history.others_with_token];
        assert_eq!(others, [7, 7, 7]);
        // Asked about one that is stored, a hundred others are left of the customer's.
        let mut busy = new.clone();
        (busy.customer, busy.placed_at) =
            (Some("busy".to_owned().try_into().unwrap()), now() - Duration::minutes(1));
        let memory = store::remember(&mut connection, std::slice::from_ref(&busy)).await.unwrap();
        assert_eq!(memory.history(order(399), &busy).orders, 100);
    })
    .await;
}

#[tokio::test]
async fn old_features_are_forgotten_and_scores_are_not() {
    with_database("ai", async |pool: PgPool| {
        let age = Utc::now() - now();
        for (number, days) in [(1, 40), (2, 32), (3, 30), (4, 0)] {
            save(&pool, order(number), &state(None, Duration::days(days) - age), now()).await;
        }
        assert_eq!(store::forget(&pool).await.unwrap(), 2);
        assert_eq!(store::forget(&pool).await.unwrap(), 0);
        let left: Vec<Uuid> = sqlx::query_scalar("SELECT order_id FROM order_features ORDER BY order_id")
            .fetch_all(&pool)
            .await
            .unwrap();
        assert_eq!(left, [order(3).0, order(4).0]);
        assert_eq!(store::find(&pool, &[order(1), order(4)]).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn reviews_are_listed_by_status_in_pages_without_gaps() {
    with_database("ai", async |pool: PgPool| {
        // Two of the same moment, told apart by their ids.
        for (number, status, minute) in [
            (3, ReviewStatus::Open, 1),
            (1, ReviewStatus::Open, 2),
            (2, ReviewStatus::Open, 2),
            (4, ReviewStatus::Decided, 3),
            (5, ReviewStatus::Decided, 4),
            (6, ReviewStatus::Closed, 5),
        ] {
            let at = now() + Duration::minutes(minute);
            save(&pool, order(number), &state(Some(status), Duration::zero()), at).await;
        }
        save(&pool, order(7), &state(None, Duration::zero()), now()).await;
        for (status, expected) in [
            (ReviewStatus::Open, vec![3, 1, 2]),
            (ReviewStatus::Decided, vec![5, 4]),
            (ReviewStatus::Closed, vec![6]),
        ] {
            let mut found = Vec::new();
            let mut after = None;
            loop {
                let page = store::reviews(&pool, status, after, 1).await.unwrap();
                let Some(last) = page.last() else { break };
                after = Some((last.created_at, last.order_id.0));
                found.extend(page.iter().map(|stored| stored.order_id.0.as_u128()));
            }
            assert_eq!(found, expected, "{status:?}");
        }
    })
    .await;
}
