//! What is asked again, refused, or never answered.

use axum::{Router, http::StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::behind::{LAPTOP, MOUSE, Silence, call, call_with_key, with_adapters};

#[test]
fn a_cart_repeated_under_its_key_is_the_first_one_whatever_the_catalogue_says_now() {
    with_adapters(async |router, behind, pool| {
        let place = async |key: &str, body: &str| {
            call_with_key(&router, "POST", "/orders/", Some(body), Some(key)).await
        };
        let cart = r#"{"user_id": 42, "item_ids": ["laptop", "mouse"], "total_amount": 1010.00}"#;
        let (status, first) = place("k", cart).await;
        assert_eq!(status, StatusCode::OK, "{first}");

        behind.world(|world| world.products.get_mut(&LAPTOP).unwrap().1 = "1099.99".to_owned());
        assert_eq!(place("k", cart).await, (StatusCode::OK, first.clone()));
        // Without its words it is known by its pieces.
        let words = sqlx::query("DELETE FROM seed_orders").execute(&pool).await.unwrap();
        assert_eq!(words.rows_affected(), 1);
        assert_eq!(place("k", cart).await, (StatusCode::OK, first.clone()));

        behind.world(|world| world.products.clear());
        assert_eq!(place("k", cart).await, (StatusCode::OK, first));
        for (key, other) in [
            ("another", cart),
            ("k", r#"{"user_id": 42, "item_ids": ["laptop"], "total_amount": 1010.00}"#),
            ("k", r#"{"user_id": 43, "item_ids": ["laptop", "mouse"], "total_amount": 1010.00}"#),
            ("k", r#"{"user_id": 42, "item_ids": ["laptop", "mouse"], "total_amount": 1.00}"#),
        ] {
            let (status, problem) = place(key, other).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{key} {other}: {problem}");
        }
        assert_eq!(behind.world(|world| world.orders.len()), 1);
    });
}

#[test]
fn a_refused_order_is_not_listed_and_one_with_a_lost_answer_is() {
    with_adapters(async |router, behind, _| {
        let order = |id: &str| format!(r#"{{"order_id": "{id}", "item": "mouse", "quantity": 1}}"#);
        behind.world(|world| world.refuse_orders = true);
        let (status, problem) = call(&router, "POST", "/order", Some(&order("refused"))).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["errors"][0]["pointer"], "/shipping_address/zip");
        behind.world(|world| (world.refuse_orders, world.silence) = (false, Some(Silence::AfterPlacing)));
        let (status, _) = call(&router, "POST", "/order", Some(&order("lost"))).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        let expected = json!([{"order_id": "lost", "item": "mouse", "quantity": 1}]);
        assert_eq!(call(&router, "GET", "/orders", None).await.1, expected);
        // It is known now, whatever becomes of the order service.
        behind.world(|world| world.orders.clear());
        assert_eq!(call(&router, "GET", "/orders/", None).await.1, expected);
    });
}

#[test]
fn a_refused_order_leaves_the_words_of_another_one_that_was_placed_under_its_id() {
    with_adapters(async |router, behind, _| {
        behind.world(|world| world.silence = Some(Silence::AfterPlacing));
        let order = |quantity: i64| json!({"order_id": "one", "item": "mouse", "quantity": quantity});
        let (status, _) = call(&router, "POST", "/order", Some(&order(1).to_string())).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        behind.world(|world| world.silence = None);
        let (status, problem) = call(&router, "POST", "/order", Some(&order(2).to_string())).await;
        assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("order_id_reused")));
        assert_eq!(call(&router, "GET", "/orders", None).await, (StatusCode::OK, json!([order(1)])));
    });
}

/// Orders one mouse under that id.
async fn order(router: &Router, id: &str) -> StatusCode {
    let body = json!({"order_id": id, "item": MOUSE, "quantity": 1}).to_string();
    call(router, "POST", "/order", Some(&body)).await.0
}

async fn listed(router: &Router) -> Vec<Value> {
    let (status, list) = call(router, "GET", "/orders", None).await;
    assert_eq!(status, StatusCode::OK, "{list}");
    list.as_array().unwrap().iter().map(|row| row["order_id"].clone()).collect()
}

async fn unsettled(pool: &PgPool) -> i64 {
    let count = "SELECT count(*) FROM seed_orders WHERE NOT accepted";
    sqlx::query_scalar(count).fetch_one(pool).await.unwrap()
}

#[test]
fn attempts_that_never_became_orders_are_forgotten_and_hide_no_order() {
    with_adapters(async |router, behind, pool| {
        assert_eq!(order(&router, "placed").await, StatusCode::OK);
        behind.world(|world| world.silence = Some(Silence::BeforePlacing));
        assert_eq!(order(&router, "young").await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(order(&router, "again").await, StatusCode::SERVICE_UNAVAILABLE);
        let many = "INSERT INTO seed_orders (order_id, system, asked) \
                    SELECT gen_random_uuid(), 'single_items', '{}' FROM generate_series(1, 300)";
        sqlx::query(many).execute(&pool).await.unwrap();
        let age = "UPDATE seed_orders SET created_at = created_at - interval '2 minutes' WHERE asked->>'order_id' IS DISTINCT FROM 'young'";
        sqlx::query(age).execute(&pool).await.unwrap();
        // Asked for again just now, so it may be on its way.
        assert_eq!(order(&router, "again").await, StatusCode::SERVICE_UNAVAILABLE);
        for _ in 0..5 {
            assert_eq!(listed(&router).await, ["placed"]);
        }
        assert_eq!(unsettled(&pool).await, 2);
        let asked = behind.world(|world| std::mem::take(&mut world.lookups));
        assert!((302..=5 * 64).contains(&asked), "{asked}");
        listed(&router).await;
        assert_eq!(behind.world(|world| world.lookups), 2);
    });
}

#[test]
fn a_lookup_that_fails_leaves_the_rest_of_the_list_as_it_is() {
    with_adapters(async |router, behind, pool| {
        assert_eq!(order(&router, "placed").await, StatusCode::OK);
        behind.world(|world| world.silence = Some(Silence::AfterPlacing));
        assert_eq!(order(&router, "lost").await, StatusCode::SERVICE_UNAVAILABLE);
        behind.world(|world| world.lookups_to_fail = 1);
        assert_eq!(listed(&router).await, ["placed"]);
        assert_eq!(unsettled(&pool).await, 1);
        assert_eq!(listed(&router).await, ["lost", "placed"]);
    });
}
