//! The participant's side as the engine runs it: a batch of inputs, one transaction.

use chassis::{Change, Participant as _};
use inventory_domain::{Input, Policy, State};
use inventory_service::{
    Inventory,
    store::{self, audit},
};
use shared_events::{
    Currency, Envelope, Event, EventType, OrderId, ProductId,
    events::order::{InventoryReserveRequested, Line},
};
use sqlx::PgPool;
use system_tests::on_postgres;
use uuid::Uuid;

use crate::{product, stocked};

fn request(lines: &[(ProductId, u32)]) -> Input {
    let items = lines
        .iter()
        .map(|(product_id, quantity)| Line {
            product_id: *product_id,
            quantity: *quantity,
            unit_price_minor: 2499,
        })
        .collect();
    Input::Event(InventoryReserveRequested { items, currency: Currency::USD }.into())
}

fn example(event_type: EventType) -> Input {
    Input::Event(Envelope::decode(event_type.example().as_bytes()).unwrap().event)
}

fn order() -> OrderId {
    OrderId(Uuid::now_v7())
}

/// One batch through load, lock, decide, absorb and save, as the engine does it; what was emitted.
async fn apply(pool: &PgPool, works: &[(OrderId, Input)]) -> sqlx::Result<Vec<Event>> {
    let inventory = Inventory::new(Policy::default());
    let mut orders: Vec<OrderId> = works.iter().map(|(order, _)| *order).collect();
    orders.sort_unstable();
    orders.dedup();
    let mut tx = pool.begin().await?;
    let at = store::now(&mut tx).await?;
    let mut states = Inventory::load(&mut tx, &orders).await?;
    let inputs: Vec<_> = works.iter().map(|(order, input)| (*order, input)).collect();
    let mut stock = inventory.load_world(&mut tx, &inputs).await?;
    let mut changes: Vec<Change<Inventory>> = orders
        .into_iter()
        .map(|order| {
            let before = states.remove(&order).unwrap_or_default();
            let after = before.clone();
            Change { order, before, after, inputs: Vec::new(), effects: Vec::new() }
        })
        .collect();
    let mut emitted = Vec::new();
    for (order, input) in works {
        let change = changes.iter_mut().find(|change| change.order == *order).unwrap();
        let decision = inventory.decide(&stock, &change.after, input, at).unwrap();
        inventory.absorb(&mut stock, *order, &decision);
        change.inputs.push(input.clone());
        change.effects.extend(decision.effects);
        change.after = decision.state;
        emitted.extend(decision.emit);
    }
    inventory.save(&mut tx, &changes, &stock, at).await?;
    tx.commit().await?;
    Ok(emitted)
}

async fn state(pool: &PgPool, order: OrderId) -> State {
    store::reservations::get(pool, &[order]).await.unwrap().pop().unwrap().state
}

async fn levels(pool: &PgPool, id: ProductId) -> (i64, i64) {
    let product = product(pool, id).await;
    (product.on_hand, product.reserved)
}

#[test]
fn stock_follows_an_order_from_hold_to_commitment_and_back_to_the_shelf() {
    on_postgres("inventory", |pool| async move {
        let id = stocked(&pool, &[10]).await[0];
        let order = order();
        apply(&pool, &[(order, request(&[(id, 3)]))]).await.unwrap();
        assert_eq!(levels(&pool, id).await, (10, 3));
        apply(&pool, &[(order, example(EventType::OrderConfirmed))]).await.unwrap();
        assert_eq!(levels(&pool, id).await, (7, 0));
        assert!(audit::run(&pool).await.unwrap().balanced);
        apply(&pool, &[(order, example(EventType::OrderCancelled))]).await.unwrap();
        assert_eq!(levels(&pool, id).await, (10, 0));
        assert_eq!(state(&pool, order).await.status(), "released");
        assert!(audit::run(&pool).await.unwrap().balanced);
    });
}

#[test]
fn orders_of_one_batch_see_each_other_and_only_as_many_are_held_as_there_are() {
    on_postgres("inventory", |pool| async move {
        let id = stocked(&pool, &[5]).await[0];
        let works: Vec<_> = (0..8).map(|_| (order(), request(&[(id, 2)]))).collect();
        let emitted = apply(&pool, &works).await.unwrap();
        let held = emitted.iter().filter(|event| event.event_type() == EventType::InventoryReserved).count();
        assert_eq!((held, emitted.len()), (2, 8));
        assert_eq!(levels(&pool, id).await, (5, 4));
        assert!(audit::run(&pool).await.unwrap().balanced);
    });
}

#[test]
fn a_whole_saga_in_one_batch_is_folded_in_sequence() {
    on_postgres("inventory", |pool| async move {
        let id = stocked(&pool, &[5]).await[0];
        let (kept, dropped, early) = (order(), order(), order());
        let works = [
            (early, example(EventType::OrderCancelled)),
            (kept, request(&[(id, 3)])),
            (dropped, request(&[(id, 2)])),
            (kept, example(EventType::OrderConfirmed)),
            (dropped, example(EventType::PaymentFailed)),
            (early, request(&[(id, 1)])),
        ];
        apply(&pool, &works).await.unwrap();
        assert_eq!(levels(&pool, id).await, (2, 0));
        let mut found = Vec::new();
        for order in [kept, dropped, early] {
            found.push(state(&pool, order).await.status());
        }
        assert_eq!(found, ["committed", "released", "released"]);
        assert!(audit::run(&pool).await.unwrap().balanced);
    });
}

#[test]
fn of_two_replicas_that_want_the_last_unit_exactly_one_wins() {
    on_postgres("inventory", |pool| async move {
        for _ in 0..20 {
            let id = stocked(&pool, &[1]).await[0];
            let (one, other) = ([(order(), request(&[(id, 1)]))], [(order(), request(&[(id, 1)]))]);
            let (one, other) = tokio::join!(apply(&pool, &one), apply(&pool, &other));
            let types: Vec<_> = one.unwrap().iter().chain(&other.unwrap()).map(Event::event_type).collect();
            let held = types.iter().filter(|said| **said == EventType::InventoryReserved).count();
            assert_eq!((held, types.len()), (1, 2));
            assert_eq!(levels(&pool, id).await, (1, 1));
        }
    });
}

#[test]
fn replicas_that_hold_commit_and_release_the_same_products_in_any_order_never_deadlock() {
    on_postgres("inventory", |pool| async move {
        let products = stocked(&pool, &[400; 12]).await;
        let workers: Vec<_> = (0..8_usize)
            .map(|worker| {
                let (pool, mut lines) = (pool.clone(), products.clone());
                // Every worker names the products in another order.
                lines.rotate_left(worker);
                if worker % 2 == 1 {
                    lines.reverse();
                }
                tokio::spawn(async move {
                    for round in 0..12 {
                        let batch: Vec<_> = (0..4)
                            .map(|n| {
                                let chosen: Vec<_> = lines.iter().skip(n).map(|id| (*id, 1)).collect();
                                (order(), request(&chosen))
                            })
                            .collect();
                        apply(&pool, &batch).await.unwrap();
                        let ends: Vec<_> = batch
                            .iter()
                            .enumerate()
                            .map(|(n, (order, _))| {
                                let confirmed = (n + round) % 2 == 0;
                                let end = if confirmed {
                                    EventType::OrderConfirmed
                                } else {
                                    EventType::OrderFailed
                                };
                                (*order, example(end))
                            })
                            .collect();
                        apply(&pool, &ends).await.unwrap();
                    }
                })
            })
            .collect();
        let mut audits = 0;
        while workers.iter().any(|worker| !worker.is_finished()) {
            let audit = audit::run(&pool).await.unwrap();
            assert!(audit.balanced, "right during traffic: {audit:?}");
            audits += 1;
        }
        for worker in workers {
            worker.await.unwrap();
        }
        assert!(audits > 1, "the audit ran while orders did");
        assert!(audit::run(&pool).await.unwrap().balanced);
        let (_, reserved) = levels(&pool, products[0]).await;
        assert_eq!(reserved, 0);
    });
}

#[test]
fn a_second_delivery_that_reaches_the_rule_changes_nothing() {
    on_postgres("inventory", |pool| async move {
        let id = stocked(&pool, &[10]).await[0];
        let order = order();
        let story = [
            request(&[(id, 3)]),
            example(EventType::OrderConfirmed),
            example(EventType::OrderFailed),
            example(EventType::PaymentFailed),
        ];
        for input in story {
            apply(&pool, &[(order, input.clone())]).await.unwrap();
            let before = (state(&pool, order).await, levels(&pool, id).await);
            let emitted = apply(&pool, &[(order, input)]).await.unwrap();
            assert!(emitted.is_empty());
            assert_eq!((state(&pool, order).await, levels(&pool, id).await), before);
        }
    });
}

#[test]
fn a_drift_planted_by_hand_fails_the_batch_instead_of_going_below_zero() {
    on_postgres("inventory", |pool| async move {
        let id = stocked(&pool, &[10]).await[0];
        let order = order();
        apply(&pool, &[(order, request(&[(id, 3)]))]).await.unwrap();
        sqlx::query("UPDATE products SET reserved = 0").execute(&pool).await.unwrap();
        let refused = apply(&pool, &[(order, example(EventType::OrderConfirmed))]).await.unwrap_err();
        assert!(refused.to_string().contains("reserved"), "{refused}");
        assert_eq!(state(&pool, order).await.status(), "held", "nothing of the batch was written");
        assert_eq!(levels(&pool, id).await, (10, 0));
    });
}
