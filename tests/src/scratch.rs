//! A migrated database for one test of one service's tables.

use std::{future::Future, path::Path};

use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool, migrate::Migrator,
    postgres::PgPoolOptions,
};
use uuid::Uuid;

use crate::Stack;

/// Enough for a test that plays several replicas at once.
const CONNECTIONS_MAX: u32 = 12;

/// Runs a test on a fresh database of `service`, which is dropped when the test succeeded; after a
/// failure it stays to be looked at, until the test servers are reset.
pub async fn with_database(service: &str, test: impl AsyncFnOnce(PgPool)) {
    let stack = Stack::read();
    let admin_url = stack.get("POSTGRES_ADMIN_URL");
    let name = format!("{service}_test_{}", Uuid::new_v4().simple());
    let mut admin = PgConnection::connect(admin_url).await.unwrap();
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (server, _) = admin_url.rsplit_once('/').unwrap();
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS_MAX);
    let pool = pool.connect(&format!("{server}/{name}")).await.unwrap();
    for folder in ["chassis", service] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(folder);
        let mut migrator = Migrator::new(path).await.unwrap();
        // The two folders number apart, and each knows nothing of the other's.
        migrator.set_ignore_missing(true);
        migrator.run(&pool).await.unwrap();
    }
    test(pool.clone()).await;
    pool.close().await;
    admin.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
}

/// [`with_database`] for tests that want several threads.
pub fn on_postgres<F: Future<Output = ()>>(service: &str, test: impl FnOnce(PgPool) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(with_database(service, async |pool| test(pool).await));
}
