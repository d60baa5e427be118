//! Batches of events over the tables: what is remembered across them, within them, and never changed.

use ai_domain::{Closing, Input, Policy, ReviewStatus, ReviewTimer};
use ai_service::Ai;
use chassis::{Change, Participant as _};
use chrono::Duration;
use shared_events::{EventType, Outcome};
use sqlx::PgPool;
use system_tests::with_database;

use crate::world::*;

const NOW: Duration = Duration::zero();

#[tokio::test]
async fn the_same_order_again_changes_nothing_not_even_with_a_newer_model() {
    with_database("ai", async |pool: PgPool| {
        let first = batch(&pool, &ai(60, 85), &[said(placed("ada"), order(1), NOW)]).await.remove(0);
        assert_eq!(first.emit.len(), 1);
        let before = stored(&pool, order(1)).await;
        let mut policy = Policy::default();
        policy.scorecard.version = "scorecard-2".to_owned();
        policy.scorecard.thresholds.review = 1;
        let newer = Ai::new(policy);
        // The same fact under another event id: what the chassis cannot know to be the same.
        let again = batch(&pool, &newer, &[said(placed("ada"), order(1), NOW)]).await.remove(0);
        assert_eq!((again.outcome, again.emit.len()), (Outcome::Ignored, 0));
        let after = stored(&pool, order(1)).await;
        assert_eq!(after, before);
        assert_eq!(after.assessment.unwrap().model_version, "scorecard-1");
        // What comes new is judged by the new one.
        batch(&pool, &newer, &[said(placed("bob"), order(2), NOW)]).await;
        assert_eq!(stored(&pool, order(2)).await.assessment.unwrap().model_version, "scorecard-2");
    })
    .await;
}

#[tokio::test]
async fn failures_count_whether_they_came_before_after_or_in_the_same_batch() {
    with_database("ai", async |pool: PgPool| {
        let ai = ai(60, 85);
        // Overtaken: the failure is known before the order itself is.
        batch(&pool, &ai, &[declined(order(1))]).await;
        batch(&pool, &ai, &[said(placed("ada"), order(1), Duration::minutes(9))]).await;
        // In turn, in two batches.
        batch(&pool, &ai, &[said(placed("ada"), order(2), Duration::minutes(8))]).await;
        batch(&pool, &ai, &[declined(order(2))]).await;
        // In one batch with the order that is judged.
        let works = [
            said(placed("ada"), order(3), Duration::minutes(7)),
            declined(order(3)),
            said(placed("ada"), order(4), NOW),
            said(placed("eve"), order(5), NOW),
        ];
        batch(&pool, &ai, &works).await;
        let judged = stored(&pool, order(4)).await;
        let sentences = judged.assessment.as_ref().unwrap().sentences();
        assert_eq!(sentences[0], "3 payments of this customer were declined within 24 hours.");
        assert_eq!(codes(&judged), ["failed_payments", "no_confirmed_order"]);
        assert_eq!(codes(&stored(&pool, order(5)).await), ["no_confirmed_order"]);
    })
    .await;
}

/// Two replicas, each with orders of the same customer in hand.
#[tokio::test]
async fn orders_of_one_customer_see_each_other_also_from_two_replicas_at_once() {
    with_database("ai", async |pool: PgPool| {
        let ai = ai(60, 85);
        // Somebody who has nothing in common with her, not even an address.
        let mut bob = placed("bob");
        bob.client = None;
        let (works, stranger) = ([said(placed("ada"), order(2), NOW)], [said(bob, order(3), NOW)]);
        let mut tx = pool.begin().await.unwrap();
        let (first, input) = said(placed("ada"), order(1), Duration::minutes(1));
        let world = ai.load_world(&mut tx, &[(first, &input)]).await.unwrap();
        let second = batch(&pool, &ai, &works);
        tokio::pin!(second);
        batch(&pool, &ai, &stranger).await;
        let patience = std::time::Duration::from_millis(300);
        assert!(tokio::time::timeout(patience, &mut second).await.is_err(), "it did not wait");
        let decision = ai.decide(&world, &Default::default(), &input, now()).unwrap();
        let change = Change {
            order: first,
            before: Default::default(),
            after: decision.state,
            inputs: Vec::new(),
            effects: Vec::new(),
        };
        ai.save(&mut tx, &[change], &world, now()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(second.await.len(), 1, "and then it went on");
    })
    .await;
}

#[tokio::test]
async fn windows_are_measured_on_the_events_clock() {
    with_database("ai", async |pool: PgPool| {
        let ai = ai(60, 85);
        for number in 0..3_u128 {
            let ago = Duration::hours(25) + Duration::minutes(i64::try_from(number).unwrap());
            batch(&pool, &ai, &[said(placed("ada"), order(number), ago), declined(order(number))]).await;
        }
        batch(&pool, &ai, &[said(placed("ada"), order(9), NOW)]).await;
        assert_eq!(codes(&stored(&pool, order(9)).await), ["no_confirmed_order"]);
        // Late by two hours of delivery, but placed when they were all within the day.
        let late = said(placed("ada"), order(10), Duration::hours(2));
        batch(&pool, &ai, &[late]).await;
        assert_eq!(codes(&stored(&pool, order(10)).await), ["failed_payments", "no_confirmed_order"]);
    })
    .await;
}

#[tokio::test]
async fn good_orders_speak_for_a_customer_until_they_end_badly() {
    with_database("ai", async |pool: PgPool| {
        let ai = ai(60, 85);
        let day = Duration::days(1);
        let works = [
            said(placed("ada"), order(1), day),
            golden(EventType::OrderConfirmed, order(1)),
            said(placed("bob"), order(2), day),
            golden(EventType::OrderConfirmed, order(2)),
        ];
        batch(&pool, &ai, &works).await;
        batch(&pool, &ai, &[golden(EventType::OrderCancelled, order(2))]).await;
        batch(&pool, &ai, &[said(placed("ada"), order(3), NOW), said(placed("bob"), order(4), NOW)]).await;
        assert_eq!(codes(&stored(&pool, order(3)).await), ["good_orders"]);
        assert_eq!(codes(&stored(&pool, order(4)).await), ["no_confirmed_order"]);
    })
    .await;
}

#[tokio::test]
async fn others_on_the_same_device_and_with_the_same_token_are_found_across_customers() {
    with_database("ai", async |pool: PgPool| {
        let ai = ai(60, 85);
        for (number, name) in [(1, "ann"), (2, "ben"), (3, "cid")] {
            let mut ring = placed(name);
            ring.client = placed("ring").client;
            ring.payment_method = placed("ring").payment_method;
            batch(&pool, &ai, &[said(ring, order(number), Duration::days(number.cast_signed() as i64))])
                .await;
        }
        let mut ring = placed("dan");
        ring.client = placed("ring").client;
        ring.payment_method = placed("ring").payment_method;
        batch(&pool, &ai, &[said(ring, order(9), NOW)]).await;
        let judged = stored(&pool, order(9)).await;
        assert_eq!(codes(&judged), ["no_confirmed_order", "shared_device", "shared_instrument", "shared_ip"]);
        let points: i64 = judged.assessment.unwrap().reasons.iter().map(|reason| reason.points).sum();
        assert_eq!(points, 30 + 18 + 4 + 4);
    })
    .await;
}

/// Orders that reach the limits of what is looked at: sixty customers of one device, address and
/// card, and a hundred and fifty orders of one customer, some of them at the same moment.
fn crowd() -> Vec<(shared_events::OrderId, Input)> {
    let ring = placed("ring");
    let mut works = Vec::new();
    for number in 0..60_u32 {
        let mut shared = placed(&format!("member-{number}"));
        (shared.client, shared.payment_method) = (ring.client.clone(), ring.payment_method.clone());
        works.push(said(shared, order(1_000 + u128::from(number)), Duration::hours(30)));
    }
    for number in 0..150_u32 {
        let mut order_of_hers = placed("ada");
        order_of_hers.payment_method.token = Some(format!("pm_{}", number % 4));
        order_of_hers.total_minor = 10_000 + i64::from(number);
        let ago = Duration::minutes(i64::from(300 - number / 3));
        works.push(said(order_of_hers, order(2_000 + u128::from(number)), ago));
    }
    let mut last = placed("ada");
    (last.client, last.payment_method) = (ring.client, ring.payment_method);
    last.total_minor = 90_000;
    works.push(said(last, order(9_000), NOW));
    works
}

#[tokio::test]
async fn a_score_does_not_depend_on_the_batch_an_order_came_in() {
    let mut seen = Vec::new();
    for size in [1, 7, 1_000] {
        with_database("ai", async |pool: PgPool| {
            let (ai, works) = (ai(60, 85), crowd());
            for some in works.chunks(size) {
                batch(&pool, &ai, some).await;
            }
            let mut found = Vec::new();
            for (order, _) in &works {
                let assessment = stored(&pool, *order).await.assessment.unwrap();
                found.push((*order, assessment.score, assessment.sentences()));
            }
            seen.push(found);
        })
        .await;
    }
    let (_, _, last) = seen[0].last().unwrap();
    let largest = last.iter().find(|sentence| sentence.contains("largest of 100 orders"));
    assert!(largest.is_some_and(|sentence| sentence.contains("101.49")), "the newest hundred: {last:?}");
    let others = last.iter().filter(|sentence| sentence.starts_with("20 other customers"));
    assert_eq!(others.count(), 3, "{last:?}");
    for other in &seen[1..] {
        assert_eq!(&seen[0], other);
    }
}

#[tokio::test]
async fn the_deadline_of_a_confirmed_orders_review_closes_it_without_a_verdict() {
    with_database("ai", async |pool: PgPool| {
        let ai = ai(1, 100);
        let works = [
            said(placed("ada"), order(1), NOW),
            golden(EventType::OrderConfirmed, order(1)),
            golden(EventType::OrderCompleted, order(1)),
        ];
        batch(&pool, &ai, &works).await;
        assert_eq!(stored(&pool, order(1)).await.review.unwrap().status, ReviewStatus::Open);
        let deadline = (order(1), Input::Timer(ReviewTimer::Review));
        let closing = batch(&pool, &ai, &[deadline]).await.remove(0);
        assert!(closing.emit.is_empty());
        let review = stored(&pool, order(1)).await.review.unwrap();
        assert_eq!((review.status, review.decision), (ReviewStatus::Closed, None));
        assert_eq!(review.closed_because, Some(Closing::OrderConfirmed));
    })
    .await;
}

#[tokio::test]
async fn an_order_that_dies_closes_its_stored_review() {
    with_database("ai", async |pool: PgPool| {
        let ai = ai(1, 100);
        batch(&pool, &ai, &[said(placed("ada"), order(1), NOW)]).await;
        let review = |state: ai_domain::State| state.review.map(|review| review.status);
        assert_eq!(review(stored(&pool, order(1)).await), Some(ReviewStatus::Open));
        let closing = batch(&pool, &ai, &[golden(EventType::OrderFailed, order(1))]).await.remove(0);
        assert!(closing.emit.is_empty());
        assert_eq!(review(stored(&pool, order(1)).await), Some(ReviewStatus::Closed));
    })
    .await;
}
