//! A migrated database of its own for each test, on the stack that `make test` starts.

use std::{future::Future, path::Path};

use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, PgPool, migrate::Migrator, postgres::PgPoolOptions,
};
use uuid::Uuid;

/// A database that is dropped after the test.
pub(crate) struct Scratch {
    pub(crate) pool: PgPool,
}

/// Runs a test on a fresh database.
pub(crate) fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(Scratch) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let admin_url = admin_url();
        let name = format!("order_test_{}", Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(&admin_url).await.unwrap();
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut admin).await.unwrap();
        let (server, _) = admin_url.rsplit_once('/').unwrap();
        let pool =
            PgPoolOptions::new().max_connections(12).connect(&format!("{server}/{name}")).await.unwrap();
        migrate(&pool).await;
        test(Scratch { pool: pool.clone() }).await;
        pool.close().await;
        sqlx::query(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)")))
            .execute(&mut admin)
            .await
            .unwrap();
    });
}

async fn migrate(pool: &PgPool) {
    for folder in ["chassis", "order"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(folder);
        let mut migrator = Migrator::new(path).await.unwrap();
        // The two folders number apart, and each knows nothing of the other's.
        migrator.set_ignore_missing(true);
        migrator.run(pool).await.unwrap();
    }
}

fn admin_url() -> String {
    let path = std::env::var("SAGA_TEST_STACK")
        .expect("SAGA_TEST_STACK names the environment file of a test stack; `make test` sets it");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let url = text.lines().find_map(|line| line.strip_prefix("POSTGRES_ADMIN_URL="));
    url.expect("the test stack has a POSTGRES_ADMIN_URL").trim_matches(['"', '\'']).to_owned()
}
