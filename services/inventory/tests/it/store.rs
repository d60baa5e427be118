//! The catalogue, the audit, and every statement.

use inventory_service::{
    catalogue::{self, ChangeError, StockCommand},
    store::{self, audit, products::Description},
};
use shared_events::{CorrelationId, Envelope, Event, EventType, ProductId};
use sqlx::{AssertSqlSafe, Executor as _, PgPool, SqlSafeStr as _};
use system_tests::on_postgres;
use uuid::Uuid;

use crate::{correlation, new_product, product, stocked};

async fn announced(pool: &PgPool, of: ProductId) -> Vec<(i64, i64, i64, CorrelationId)> {
    let bodies: Vec<String> = sqlx::query_scalar(
        "SELECT body FROM outbox WHERE aggregate_id = $1 AND event_type = $2 ORDER BY seq",
    )
    .bind(of.0)
    .bind(EventType::InventoryStockAdjusted.as_str())
    .fetch_all(pool)
    .await
    .unwrap();
    bodies
        .iter()
        .map(|body| {
            let envelope = Envelope::decode(body.as_bytes()).unwrap();
            assert_eq!(envelope.causation_id, None);
            let Event::InventoryStockAdjusted(event) = envelope.event else { panic!("{body}") };
            (event.delta, event.on_hand, event.price_minor, envelope.correlation_id)
        })
        .collect()
}

#[test]
fn every_statement_is_understood_by_a_migrated_database() {
    on_postgres("inventory", |pool| async move {
        for (name, sql) in store::STATEMENTS {
            let prepared = pool.prepare(AssertSqlSafe(*sql).into_sql_str()).await;
            assert!(prepared.is_ok(), "{name}: {prepared:?}");
        }
    });
}

#[test]
fn products_are_created_once_listed_in_order_and_announced_with_their_opening_quantity() {
    on_postgres("inventory", |pool| async move {
        let (tote, mug, rug) = (new_product("tote", 150), new_product("mug", 0), new_product("rug", 7));
        let action = correlation();
        let first = catalogue::create(&pool, vec![tote.clone(), mug.clone()], action).await.unwrap();
        assert_eq!(first, [tote.id, mug.id]);
        let changed = catalogue::create(&pool, vec![rug.clone(), tote.clone()], correlation()).await.unwrap();
        assert_eq!(changed, [rug.id], "what exists is left alone");

        let listed = store::products::list(&pool, 0, None, 200).await.unwrap();
        let names: Vec<_> = listed.iter().map(|product| product.what.name.as_str()).collect();
        assert_eq!(names, ["tote", "mug", "rug"]);
        let after = store::products::list(&pool, listed[0].position, None, 1).await.unwrap();
        assert_eq!(after[0].id, mug.id);
        assert_eq!(announced(&pool, tote.id).await, [(150, 150, 2499, action)]);
        assert_eq!(announced(&pool, mug.id).await, [(0, 0, 2499, action)]);
        assert!(audit::run(&pool).await.unwrap().balanced);
    });
}

#[test]
fn a_search_takes_its_text_literally() {
    on_postgres("inventory", |pool| async move {
        let all = vec![new_product("50% wool", 1), new_product("500 wool", 1), new_product(r"a\b_c", 1)];
        catalogue::create(&pool, all, correlation()).await.unwrap();
        for (text, found) in [("50%", 1), ("50", 2), ("WOOL", 2), (r"a\b_", 1), ("a_b", 0), ("bags", 3)] {
            let listed = store::products::list(&pool, 0, Some(text), 200).await.unwrap();
            assert_eq!(listed.len(), found, "{text}");
        }
    });
}

#[test]
fn two_batches_that_create_the_same_products_in_opposite_order_do_not_deadlock() {
    on_postgres("inventory", |pool| async move {
        let products: Vec<_> = (0..300).map(|n| new_product(&format!("tote {n}"), 1)).collect();
        let reversed: Vec<_> = products.iter().rev().cloned().collect();
        let (one, other) = tokio::join!(
            catalogue::create(&pool, products, correlation()),
            catalogue::create(&pool, reversed, correlation()),
        );
        assert_eq!(one.unwrap().len() + other.unwrap().len(), 300);
    });
}

#[test]
fn stock_is_changed_by_a_delta_or_a_count_and_never_below_what_orders_hold() {
    on_postgres("inventory", |pool| async move {
        let id = stocked(&pool, &[10]).await[0];
        sqlx::query("UPDATE products SET reserved = 4").execute(&pool).await.unwrap();
        let restock = |command| {
            catalogue::restock(&pool, id, command, "delivery 4711".to_owned(), CorrelationId(Uuid::nil()))
        };
        assert_eq!(restock(StockCommand::Delta(5)).await.unwrap().on_hand, 15);
        assert_eq!(restock(StockCommand::OnHand(4)).await.unwrap().on_hand, 4);
        assert_eq!(restock(StockCommand::OnHand(4)).await.unwrap().on_hand, 4);
        let refused = restock(StockCommand::Delta(-1)).await.unwrap_err();
        assert!(matches!(refused, ChangeError::Refused(rejection) if rejection.code == "stock_reserved"));
        assert_eq!(product(&pool, id).await.on_hand, 4);
        let deltas: Vec<_> = announced(&pool, id).await.iter().map(|event| (event.0, event.1)).collect();
        assert_eq!(deltas, [(10, 10), (5, 15), (-11, 4)]);
        let sum: i64 = sqlx::query_scalar("SELECT sum(delta)::bigint FROM stock_adjustments")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(sum, 4);

        let unknown = ProductId(Uuid::new_v4());
        let missing =
            catalogue::restock(&pool, unknown, StockCommand::Delta(1), "x".to_owned(), correlation()).await;
        assert!(matches!(missing, Err(ChangeError::Unknown(id)) if id == unknown));
    });
}

#[test]
fn a_hundred_deltas_at_once_all_count() {
    on_postgres("inventory", |pool| async move {
        let id = stocked(&pool, &[0]).await[0];
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    let one = StockCommand::Delta(1);
                    catalogue::restock(&pool, id, one, "one".to_owned(), correlation()).await.unwrap()
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(product(&pool, id).await.on_hand, 100);
        assert!(audit::run(&pool).await.unwrap().balanced);
    });
}

#[test]
fn a_new_price_is_announced_and_a_new_name_is_not() {
    on_postgres("inventory", |pool| async move {
        let id = stocked(&pool, &[10]).await[0];
        let renamed = catalogue::describe(&pool, id, correlation(), |what| Description {
            name: "Canvas Tote".to_owned(),
            sku: None,
            ..what
        })
        .await
        .unwrap();
        assert_eq!((renamed.what.name.as_str(), &renamed.what.sku), ("Canvas Tote", &None));
        assert_eq!(announced(&pool, id).await.len(), 1);
        catalogue::describe(&pool, id, correlation(), |what| Description { price_minor: 1999, ..what })
            .await
            .unwrap();
        let events = announced(&pool, id).await;
        assert_eq!((events.len(), events[1].0, events[1].1, events[1].2), (2, 0, 10, 1999));
        let now = product(&pool, id).await;
        assert_eq!((now.what.price_minor, now.on_hand, now.what.name.as_str()), (1999, 10, "Canvas Tote"));
        assert!(audit::run(&pool).await.unwrap().balanced);
    });
}

#[test]
fn a_planted_drift_turns_the_audit_false_and_is_named() {
    on_postgres("inventory", |pool| async move {
        let products = stocked(&pool, &[10, 20, 30]).await;
        let clean = audit::run(&pool).await.unwrap();
        assert!(clean.balanced && clean.products == 3 && clean.differences.is_empty());

        sqlx::query("UPDATE products SET on_hand = on_hand + 1 WHERE id = $1")
            .bind(products[0].0)
            .execute(&pool)
            .await
            .unwrap();
        sqlx::query("UPDATE products SET reserved = 2 WHERE id = $1")
            .bind(products[1].0)
            .execute(&pool)
            .await
            .unwrap();
        let gone = Uuid::new_v4();
        let state =
            serde_json::json!({"status": "committed", "items": [{"product_id": gone, "quantity": 3}]});
        sqlx::query("INSERT INTO reservations (order_id, state) VALUES ($1, $2)")
            .bind(Uuid::new_v4())
            .bind(state)
            .execute(&pool)
            .await
            .unwrap();

        let drifted = audit::run(&pool).await.unwrap();
        assert!(!drifted.balanced);
        assert_eq!(drifted.differences_total, 3);
        let named = |id: Uuid| {
            let difference =
                drifted.differences.iter().find(|difference| difference.product_id == id).unwrap();
            (difference.name.as_str(), difference.what.as_str(), difference.expected, difference.found)
        };
        assert_eq!(named(products[0].0), ("tote 0", "on_hand", 10, 11));
        assert_eq!(named(products[1].0), ("tote 1", "reserved", 0, 2));
        assert_eq!(named(gone), ("", "on_hand", -3, 0));
    });
}

#[test]
fn the_database_itself_refuses_stock_that_cannot_be() {
    on_postgres("inventory", |pool| async move {
        stocked(&pool, &[10]).await;
        for change in
            ["on_hand = -1", "reserved = -1", "reserved = 11", "price_minor = -1", "currency = 'usd'"]
        {
            let sql = AssertSqlSafe(format!("UPDATE products SET {change}"));
            assert!(sqlx::query(sql).execute(&pool).await.is_err(), "{change}");
        }
    });
}
