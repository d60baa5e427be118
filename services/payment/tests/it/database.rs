//! A database of its own for each test, migrated, and dropped at the end.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool, postgres::PgConnectOptions};

const MIGRATIONS: [&str; 2] = [
    include_str!("../../../../migrations/chassis/0001_saga_log_outbox_timers.sql"),
    include_str!("../../../../migrations/payment/1001_transactions_and_ledger.sql"),
];

/// Runs a test on a fresh database.
pub(crate) async fn with_database(test: impl AsyncFnOnce(PgPool)) {
    let admin = admin();
    let name = format!("payment_test_{}", uuid::Uuid::now_v7().simple());
    let mut connection = PgConnection::connect_with(&admin).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let pool = PgPool::connect_with(admin.clone().database(&name)).await.unwrap();
    for migration in MIGRATIONS {
        pool.execute(sqlx::raw_sql(migration)).await.unwrap();
    }
    test(pool.clone()).await;
    pool.close().await;
    // After a failed test the database stays, to be looked at; the test profile is reset anyway.
    connection.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
}

fn admin() -> PgConnectOptions {
    let path = std::env::var("SAGA_TEST_STACK")
        .expect("set SAGA_TEST_STACK to the stack.env of a running test stack, or run `make test`");
    let settings = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let url = settings.lines().find_map(|line| line.strip_prefix("POSTGRES_ADMIN_URL="));
    url.expect("POSTGRES_ADMIN_URL in stack.env").parse().unwrap()
}
