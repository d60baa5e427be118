//! What is stored of orders, and how it is found again.

use chassis::{Change, Participant as _};
use chrono::{DateTime, TimeDelta, Utc};
use order_domain::{Command, Input, OrderTimer, Place, Policy, Progress, Receipt, State};
use order_service::{
    Orders,
    store::{self, Filter},
};
use shared_events::{
    CorrelationId, CustomerId, Envelope, Event, EventType, OrderId,
    events::order::{OrderPlaced, RequestedBy},
};
use sqlx::PgPool;
use uuid::Uuid;

use system_tests::on_postgres;

fn example(event_type: EventType) -> Input {
    Input::Event(Envelope::decode(event_type.example().as_bytes()).unwrap().event)
}

fn placed_order() -> OrderPlaced {
    let Input::Event(Event::OrderPlaced(order)) = example(EventType::OrderPlaced) else { panic!() };
    order
}

fn place_as(customer: &str, key: Option<&str>) -> Input {
    let customer_id = CustomerId::try_from(customer.to_owned()).unwrap();
    let receipt = Receipt {
        correlation_id: CorrelationId(Uuid::from_u128(17)),
        body_sha256: [7; 32],
        idempotency_key: key.map(str::to_owned),
    };
    let order = OrderPlaced { customer_id, ..placed_order() };
    Command::Place(Box::new(Place { order, receipt })).into()
}

fn place() -> Input {
    place_as("customer-17", None)
}

fn cancel() -> Input {
    Command::Cancel { reason: "Ordered twice.".to_owned(), by: RequestedBy::Operator }.into()
}

fn order() -> OrderId {
    OrderId(Uuid::now_v7())
}

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// One batch through load, decide and save in one transaction, as the engine does it.
async fn apply_at(pool: &PgPool, at: DateTime<Utc>, works: &[(OrderId, Input)]) -> sqlx::Result<()> {
    let orders = Orders::new(Policy::default());
    let mut ids: Vec<OrderId> = works.iter().map(|(order, _)| *order).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut tx = pool.begin().await?;
    let mut states = Orders::load(&mut tx, &ids).await?;
    let mut changes: Vec<Change<Orders>> = ids
        .into_iter()
        .map(|order| {
            let before = states.remove(&order).unwrap_or_default();
            let after = before.clone();
            Change { order, before, after, inputs: Vec::new(), effects: Vec::new() }
        })
        .collect();
    for (order, input) in works {
        let change = changes.iter_mut().find(|change| change.order == *order).unwrap();
        let decision = orders.decide(&(), &change.after, input, at).unwrap();
        change.inputs.push(input.clone());
        change.after = decision.state;
    }
    orders.save(&mut tx, &changes, &(), at).await?;
    tx.commit().await
}

async fn apply(pool: &PgPool, works: &[(OrderId, Input)]) -> sqlx::Result<()> {
    apply_at(pool, noon(), works).await
}

async fn state(pool: &PgPool, order: OrderId) -> State {
    store::find(pool, order).await.unwrap().unwrap().state
}

#[test]
fn an_order_is_stored_with_the_request_that_made_it_and_found_again() {
    on_postgres("order", |pool| async move {
        let id = order();
        apply(&pool, &[(id, place_as("customer-17", Some("key-1")))]).await.unwrap();
        let stored = store::find(&pool, id).await.unwrap().unwrap();
        assert_eq!(stored.state.progress, Progress::Pending);
        assert_eq!((stored.created_at, stored.state.placed_at), (noon(), Some(noon())));
        assert_eq!(stored.correlation_id, Uuid::from_u128(17));
        assert_eq!(stored.body_sha256, [7; 32]);
        assert_eq!(stored.payment_method, placed_order().payment_method);
        assert_eq!(store::find_key(&pool, "key-1").await.unwrap(), Some(id));
        assert_eq!(store::find_key(&pool, "key-2").await.unwrap(), None);
        assert!(store::find(&pool, order()).await.unwrap().is_none());
    });
}

#[test]
fn every_status_an_order_can_have_passes_the_tables_checks() {
    on_postgres("order", |pool| async move {
        let paid = [EventType::InventoryReserved, EventType::PaymentRequested, EventType::PaymentProcessed];
        let sent =
            [EventType::ShippingScheduled, EventType::ShippingDispatched, EventType::ShippingDelivered];
        let undone =
            [EventType::PaymentRefundFailed, EventType::PaymentRefunded, EventType::InventoryReleased];
        let (good, dead) = (order(), order());
        apply(&pool, &[(good, place()), (dead, place())]).await.unwrap();
        for event_type in paid.into_iter().chain(sent) {
            apply(&pool, &[(good, example(event_type))]).await.unwrap();
        }
        apply(&pool, &[(dead, cancel())]).await.unwrap();
        for event_type in undone {
            apply(&pool, &[(dead, example(event_type))]).await.unwrap();
        }
        apply(&pool, &[(order(), Input::Timer(OrderTimer::Confirmation))]).await.unwrap();
        let failed = order();
        apply(&pool, &[(failed, place()), (failed, example(EventType::PaymentFailed))]).await.unwrap();
        assert_eq!(state(&pool, good).await.progress, Progress::Delivered);
        assert_eq!(state(&pool, dead).await.progress, Progress::Cancelled);
        assert_eq!(state(&pool, failed).await.progress, Progress::Failed);
    });
}

#[test]
fn a_batch_folds_many_orders_and_keeps_only_the_request_that_made_each() {
    on_postgres("order", |pool| async move {
        let ids: Vec<OrderId> = (0..100).map(|_| order()).collect();
        let mut works: Vec<_> = ids.iter().map(|id| (*id, place())).collect();
        // The same order once more under a key: it is found, and the key makes nothing.
        works.push((ids[0], place_as("customer-99", Some("late"))));
        works.extend(ids.iter().map(|id| (*id, example(EventType::InventoryReserved))));
        apply(&pool, &works).await.unwrap();
        let counts = store::count(&pool).await.unwrap();
        assert_eq!((counts.len(), counts[0].orders), (1, 100));
        assert_eq!(counts[0].status, "inventory_reserved");
        assert_eq!(store::find_key(&pool, "late").await.unwrap(), None);
        let first = state(&pool, ids[0]).await;
        assert_eq!(first.placed.unwrap().customer_id.as_str(), "customer-17");
    });
}

#[test]
fn an_event_of_an_order_never_placed_stores_nothing() {
    on_postgres("order", |pool| async move {
        let id = order();
        apply(&pool, &[(id, example(EventType::PaymentProcessed))]).await.unwrap();
        assert!(store::find(&pool, id).await.unwrap().is_none());
    });
}

#[test]
fn a_key_never_makes_a_second_order() {
    on_postgres("order", |pool| async move {
        let (first, second) = (order(), order());
        apply(&pool, &[(first, place_as("customer-17", Some("key")))]).await.unwrap();
        let refused = apply(&pool, &[(second, place_as("customer-18", Some("key")))]).await.unwrap_err();
        assert!(refused.as_database_error().unwrap().is_unique_violation(), "{refused}");
        assert!(store::find(&pool, second).await.unwrap().is_none(), "nothing of it is stored");
        assert_eq!(store::find_key(&pool, "key").await.unwrap(), Some(first));
    });
}

#[test]
fn a_list_is_newest_first_filtered_and_pages_without_gaps_or_repeats() {
    on_postgres("order", |pool| async move {
        let mut expected = Vec::new();
        for minute in 0..7 {
            // Two orders of the same instant: the id decides between them.
            for customer in ["ada", "bob"] {
                let id = order();
                let at = noon() + TimeDelta::minutes(minute);
                apply_at(&pool, at, &[(id, place_as(customer, None))]).await.unwrap();
                expected.push((at, id.0));
            }
        }
        expected.sort_unstable_by(|a, b| b.cmp(a));
        let mut seen = Vec::new();
        let mut filter = Filter::default();
        loop {
            let page = store::list(&pool, &filter, 3).await.unwrap();
            let Some(last) = page.last() else { break };
            filter.after = Some((last.created_at, last.id));
            seen.extend(page.iter().map(|order| (order.created_at, order.id)));
        }
        assert_eq!(seen, expected);

        let bob = Filter { customer_id: Some("bob".to_owned()), ..Filter::default() };
        assert_eq!(store::list(&pool, &bob, 100).await.unwrap().len(), 7);
        let hour = Filter {
            from: Some(noon() + TimeDelta::minutes(2)),
            to: Some(noon() + TimeDelta::minutes(4)),
            ..Filter::default()
        };
        assert_eq!(store::list(&pool, &hour, 100).await.unwrap().len(), 4, "from is included, to is not");

        let one = OrderId(expected[0].1);
        apply(&pool, &[(one, example(EventType::PaymentFailed))]).await.unwrap();
        let failed = Filter { status: Some(Progress::Failed), ..Filter::default() };
        let found = store::list(&pool, &failed, 100).await.unwrap();
        assert_eq!(found.iter().map(|order| order.id).collect::<Vec<_>>(), [one.0]);
    });
}

#[test]
fn metrics_count_each_status_and_sum_the_time_to_confirmation() {
    on_postgres("order", |pool| async move {
        let (confirmed, pending) = (order(), order());
        apply(&pool, &[(confirmed, place()), (pending, place())]).await.unwrap();
        let later = noon() + TimeDelta::milliseconds(1_500);
        apply_at(&pool, later, &[(confirmed, example(EventType::PaymentProcessed))]).await.unwrap();
        let counts = store::count(&pool).await.unwrap();
        let of = |status: &str| counts.iter().find(|count| count.status == status).unwrap().clone();
        assert_eq!((of("confirmed").orders, of("confirmed").confirmed), (1, 1));
        assert!((of("confirmed").micros - 1_500_000.0).abs() < 1e-6);
        assert_eq!((of("pending").orders, of("pending").confirmed), (1, 0));
    });
}
