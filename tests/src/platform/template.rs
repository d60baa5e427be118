//! Migrated databases, made once, that every platform gets copies of.

use std::time::Duration;

use sagactl::provision::{self, ProvisionConfig};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::Stack;

/// The migrated databases that every platform is copied from, made once for each build of the
/// migrations (they are embedded, so a new build of this program has a new name for them).
pub(super) async fn template(stack: &Stack) -> String {
    let built = std::env::current_exe().and_then(|exe| exe.metadata()?.modified()).unwrap();
    let seconds = built.duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis();
    let prefix = format!("tpl{seconds}");
    let admin = stack.get("POSTGRES_ADMIN_URL");
    let mut connection = PgConnection::connect(admin).await.unwrap();
    // Only one test makes it; the others wait for it here.
    const TEMPLATE_LOCK: i64 = 7_202_611;
    sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut connection).await.unwrap();
    let done = format!("{prefix}_done");
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
        .bind(&done)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    if !exists {
        let variable = |name: &str| stack.find(name).map(str::to_owned);
        let config =
            ProvisionConfig::from_variables(admin.to_owned(), Some(prefix.clone()), variable).unwrap();
        provision::run(&config).await.unwrap();
        let mark = format!("CREATE DATABASE {done} TEMPLATE template0");
        connection.execute(AssertSqlSafe(mark)).await.unwrap();
    }
    connection.close().await.unwrap();
    prefix
}
