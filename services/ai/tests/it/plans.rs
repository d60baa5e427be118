//! The plans of statements that are asked all the time, over a month of a shop whose orders repeat a
//! handful of customers, devices, addresses and tokens: what one of them has in common with others is
//! much of the table there, and statistics tempt the planner to read the table by age.

use ai_service::store;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool};
use system_tests::with_database;

/// 50,000 orders of a month until now, of so many customers and so many of everything else; customer 1,
/// device 1, address 1 and card 1 have half of them.
fn month(customers: u32, things: u32) -> AssertSqlSafe<String> {
    let of = |kind: &str, shift: u32| format!("md5('{kind}' || n / {shift} % {things} * (n % 2) + 1)::uuid");
    let token = of("token", 23);
    AssertSqlSafe(format!(
        "INSERT INTO order_features \
         SELECT gen_random_uuid(), 'customer-' || n / 2 % {customers} * (n % 2) + 1, \
            now() - (50000 - n) * interval '50 seconds', 4998, 'USD', 'US', \
            {}, {}, {token}, {token}, false, true, false, false \
         FROM generate_series(1, 50000) AS n",
        of("device", 20),
        of("ip", 21),
    ))
}

/// Four orders of two customers, placed now.
const EXECUTE_REMEMBER: &str = "EXECUTE asked ( \
    ARRAY['customer-1', 'customer-7'], ARRAY[now() - interval '30 days', now() - interval '30 days'], \
    ARRAY[now(), now()], ARRAY['device', 'ip', 'token'], \
    ARRAY[md5('device1')::uuid, md5('ip1')::uuid, md5('token1')::uuid], ARRAY[now(), now(), now()], 101, 21, 100)";

/// How a statement is carried out, as lines, when its plan is made like that.
async fn plan(pool: &PgPool, mode: &str, types: &str, statement: &str, execute: &str) -> Vec<String> {
    let database: String = sqlx::query_scalar("SELECT current_database()").fetch_one(pool).await.unwrap();
    let (server, _) = system_tests::Stack::read()
        .get("POSTGRES_ADMIN_URL")
        .rsplit_once('/')
        .map(|(server, path)| (server.to_owned(), path.to_owned()))
        .unwrap();
    let mut connection = PgConnection::connect(&format!("{server}/{database}")).await.unwrap();
    connection.execute(AssertSqlSafe(format!("SET plan_cache_mode = {mode}"))).await.unwrap();
    connection.execute(AssertSqlSafe(format!("PREPARE asked ({types}) AS {statement}"))).await.unwrap();
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) {execute}");
    let lines = sqlx::query_scalar(AssertSqlSafe(explain)).persistent(false).fetch_all(&mut connection);
    lines.await.unwrap()
}

/// What the whole statement touched; the first line about buffers is that of the topmost node.
fn blocks(plan: &[String]) -> i64 {
    let line = plan.iter().find(|line| line.trim_start().starts_with("Buffers: shared")).unwrap();
    let count = |word: &str| {
        let (_, rest) = line.split_once(&format!("{word}="))?;
        rest.split(' ').next()?.parse::<i64>().ok()
    };
    count("hit").unwrap_or_default() + count("read").unwrap_or_default()
}

#[tokio::test]
async fn earlier_orders_are_found_over_their_own_index_whatever_the_statistics_say() {
    // How many blocks may be touched: a hundred and one orders of two customers, and two descents for
    // each of twenty, or at most a hundred, customers behind three things.
    for (customers, things, blocks_max) in [(20, 20, 900), (20_000, 20_000, 900), (20_000, 20, 2_700)] {
        with_database("ai", async |pool: PgPool| {
            sqlx::raw_sql(month(customers, things)).execute(&pool).await.unwrap();
            sqlx::raw_sql("VACUUM ANALYZE order_features").execute(&pool).await.unwrap();
            let types =
                "text[], timestamptz[], timestamptz[], text[], uuid[], timestamptz[], bigint, bigint, int";
            for mode in ["force_generic_plan", "force_custom_plan"] {
                let lines = plan(&pool, mode, types, store::REMEMBER, EXECUTE_REMEMBER).await;
                let shown = format!("{customers}, {things}, {mode}\n{}", lines.join("\n"));
                for index in ["customer", "device", "ip", "token"] {
                    let used = format!("using order_features_{index} on");
                    assert!(shown.contains(&used), "it does not use it: {used}\n{shown}");
                }
                for wrong in ["Seq Scan on order_features", "order_features_age", "Sort"] {
                    assert!(!shown.contains(wrong), "{wrong}: {shown}");
                }
                let touched = blocks(&lines);
                println!("{customers} customers, {things} of everything else, {mode}: {touched} blocks");
                assert!(touched < blocks_max, "{touched} blocks\n{shown}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn what_is_too_old_is_found_over_the_index_of_days() {
    with_database("ai", async |pool: PgPool| {
        sqlx::raw_sql(month(20, 20)).execute(&pool).await.unwrap();
        let aged = "UPDATE order_features SET placed_at = now() - interval '40 days' \
            WHERE order_id IN (SELECT order_id FROM order_features LIMIT 300)";
        sqlx::raw_sql(aged).execute(&pool).await.unwrap();
        sqlx::raw_sql("VACUUM ANALYZE order_features").execute(&pool).await.unwrap();
        for mode in ["force_generic_plan", "force_custom_plan"] {
            let lines = plan(&pool, mode, "bigint", store::FORGET, "EXECUTE asked (5000)").await;
            let shown = lines.join("\n");
            assert!(shown.contains("order_features_age"), "{mode}\n{shown}");
            assert!(!shown.contains("Seq Scan on order_features"), "{mode}\n{shown}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_of_reviews_begins_in_the_index_where_the_page_before_ended() {
    with_database("ai", async |pool: PgPool| {
        let reviews = r#"INSERT INTO assessments (order_id, state, created_at)
            SELECT gen_random_uuid(), jsonb_build_object('assessment', '{"score": 70, "verdict": "review"}'::jsonb,
                'review', jsonb_build_object('status', CASE n % 2 WHEN 0 THEN 'open' ELSE 'closed' END)),
                now() - n * interval '1 minute'
            FROM generate_series(1, 20000) AS n"#;
        sqlx::raw_sql(reviews).execute(&pool).await.unwrap();
        sqlx::raw_sql("VACUUM ANALYZE assessments").execute(&pool).await.unwrap();
        let types = "text, timestamptz, uuid, bigint";
        let middle = "now() - interval '7 days', gen_random_uuid()";
        for (statement, status) in [(store::OLDEST, "open"), (store::NEWEST, "closed")] {
            for mode in ["force_generic_plan", "force_custom_plan"] {
                for after in ["NULL, NULL", middle] {
                    let execute = format!("EXECUTE asked ('{status}', {after}, 51)");
                    let lines = plan(&pool, mode, types, statement, &execute).await;
                    let shown = lines.join("\n");
                    let touched = blocks(&lines);
                    println!("{mode}, {status}, {after}: {touched} blocks");
                    assert!(touched < 120, "{mode}, {after}: {touched} blocks\n{shown}");
                    assert!(!shown.contains("Filter:"), "{mode}, {after}\n{shown}");
                }
            }
        }
    })
    .await;
}
