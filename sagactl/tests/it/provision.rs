//! Databases and roles: made once, kept afterwards, and closed to everybody they do not belong to.

use std::str::FromStr;
use std::time::{Duration, Instant};

use sagactl::provision::{self, ProvisionConfig, database_name};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::{Stack, unique};

/// A provisioned set of databases, dropped by the test that made it.
struct Databases {
    stack: Stack,
    config: ProvisionConfig,
    prefix: String,
}

impl Databases {
    async fn new() -> Self {
        let stack = Stack::read();
        let prefix = unique("p");
        let admin_url = stack.get("POSTGRES_ADMIN_URL");
        let config =
            ProvisionConfig::from_variables(admin_url, Some(prefix.clone()), |name| stack.find(name))
                .expect("the stack has every password");
        provision::run(&config).await.expect("provisioned");
        Self { stack, config, prefix }
    }

    /// A connection of `role`, whose password the stack knows by that service's name, to a database.
    async fn connect(&self, role: &str, database: &str) -> sqlx::Result<PgConnection> {
        let variable = match role.strip_suffix("_owner") {
            Some(service) => format!("{}_DB_OWNER_PASSWORD", service.to_uppercase()),
            None => format!("{}_DB_PASSWORD", role.to_uppercase()),
        };
        let options = PgConnectOptions::from_str(&self.config.admin_url)?;
        let password = self.stack.get(&variable);
        PgConnection::connect_with(&options.username(role).password(&password).database(database)).await
    }

    async fn own(&self, service: &str) -> PgConnection {
        let database = database_name(Some(&self.prefix), service);
        self.connect(service, &database).await.expect("a service may connect to its own database")
    }

    async fn drop(self) {
        provision::drop_databases(&self.config.admin_url, &self.prefix).await.expect("dropped");
    }
}

/// The SQLSTATE of a refusal.
fn code(error: &sqlx::Error) -> String {
    let code = error.as_database_error().and_then(|error| error.code());
    code.unwrap_or_else(|| panic!("a refusal by the database, not {error}")).into_owned()
}

const INSUFFICIENT_PRIVILEGE: &str = "42501";

#[tokio::test]
async fn provisioning_twice_keeps_databases_and_rows_and_applies_nothing_again() {
    let databases = Databases::new().await;
    let mut order = databases.own("order").await;
    order
        .execute("insert into timers values (gen_random_uuid(), 'deadline', now(), null, gen_random_uuid())")
        .await
        .expect("a row");

    let again = provision::run(&databases.config).await.expect("provisioned again");
    assert_eq!(again.len(), provision::services().len());
    for service in &again {
        assert!(!service.created, "{service}");
        assert_eq!(service.migrations_applied, 0, "{service}");
        assert!(service.migrations_total >= 1, "{service}");
    }
    let kept: i64 =
        sqlx::query_scalar("select count(*) from timers").fetch_one(&mut order).await.expect("a count");
    assert_eq!(kept, 1);
    databases.drop().await;
}

#[tokio::test]
async fn no_role_can_connect_to_a_database_that_is_not_its_own() {
    let databases = Databases::new().await;
    let mut tried = 0;
    for service in provision::services() {
        for role in [service.to_owned(), format!("{service}_owner")] {
            let others = provision::services().into_iter().filter(|other| *other != service);
            let others = others.map(|other| database_name(Some(&databases.prefix), other));
            for database in others.chain(["postgres".to_owned(), "template1".to_owned()]) {
                let refused = databases.connect(&role, &database).await;
                let refused = refused.expect_err(&format!("{role} must not get into {database}"));
                assert_eq!(code(&refused), INSUFFICIENT_PRIVILEGE, "{role} at {database}: {refused}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 4 * 2 * 5, "four services, two roles, five foreign databases: {tried}");
    databases.drop().await;
}

#[tokio::test]
async fn a_service_reads_and_writes_rows_but_changes_no_table_and_no_history() {
    let databases = Databases::new().await;
    for service in provision::services() {
        let mut connection = databases.own(service).await;
        let allowed = [
            "insert into timers values (gen_random_uuid(), 'deadline', now(), null, gen_random_uuid())",
            "update timers set due_at = now()",
            "delete from timers",
            "insert into outbox (event_id, event_type, aggregate_id, body, created_at)
             values (gen_random_uuid(), 'order.placed', gen_random_uuid(), '{}', now())",
            "select version from _sqlx_migrations",
        ];
        for statement in allowed {
            let done = connection.execute(statement).await;
            done.unwrap_or_else(|error| panic!("{service}: {statement}: {error}"));
        }
        let refused = [
            "create table mine (id int)",
            "create schema mine",
            "alter table timers add column mine int",
            "drop table timers",
            "truncate timers",
            "delete from _sqlx_migrations",
            "create role mine",
            "create database mine",
        ];
        for statement in refused {
            let error = connection.execute(statement).await.expect_err(statement);
            assert_eq!(code(&error), INSUFFICIENT_PRIVILEGE, "{service}: {statement}: {error}");
        }
    }
    databases.drop().await;
}

#[tokio::test]
async fn the_server_ends_what_takes_too_long_for_a_service() {
    let databases = Databases::new().await;
    let mut connection = databases.own("payment").await;
    for (setting, wanted) in
        [("statement_timeout", "15s"), ("lock_timeout", "5s"), ("idle_in_transaction_session_timeout", "30s")]
    {
        let found: String = sqlx::query_scalar(AssertSqlSafe(format!("show {setting}")))
            .fetch_one(&mut connection)
            .await
            .expect("a setting");
        assert_eq!(found, wanted, "{setting}");
    }
    databases.drop().await;
}

#[tokio::test]
async fn a_copy_of_a_template_has_its_tables_and_its_rights_and_nothing_else_open() {
    let template = Databases::new().await;
    let started = Instant::now();
    let prefix = unique("c");
    provision::from_template(&template.config.admin_url, &template.prefix, &prefix, &provision::services())
        .await
        .expect("copied");
    let took = started.elapsed();

    let copy = Databases { stack: Stack::read(), config: template.config.clone(), prefix };
    let mut connection = copy.own("inventory").await;
    connection.execute("delete from outbox").await.expect("the service owns its copied rows");
    let refused = connection.execute("create table mine (id int)").await.expect_err("no table");
    assert_eq!(code(&refused), INSUFFICIENT_PRIVILEGE);
    let foreign = copy.connect("order", &database_name(Some(&copy.prefix), "inventory")).await;
    assert_eq!(code(&foreign.expect_err("a foreign copy")), INSUFFICIENT_PRIVILEGE);
    connection.close().await.expect("closed");
    assert!(took < Duration::from_secs(20), "a copy is cheap: {took:?}");
    println!("{} databases copied in {took:?}", provision::services().len());
    copy.drop().await;
    template.drop().await;
}

#[tokio::test]
async fn two_runs_at_once_do_not_get_into_each_others_way() {
    let databases = Databases::new().await;
    let other = ProvisionConfig { database_prefix: Some(unique("q")), ..databases.config.clone() };
    let (first, second) = tokio::join!(provision::run(&databases.config), provision::run(&other));
    first.expect("the first run");
    assert!(second.expect("the second run").iter().all(|service| service.created));
    provision::drop_databases(&other.admin_url, other.database_prefix.as_deref().unwrap_or(""))
        .await
        .expect("dropped");
    databases.drop().await;
}

#[tokio::test]
async fn without_a_prefix_nothing_is_dropped() {
    let stack = Stack::read();
    let refused = provision::drop_databases(&stack.get("POSTGRES_ADMIN_URL"), "").await;
    assert!(refused.is_err());
}
