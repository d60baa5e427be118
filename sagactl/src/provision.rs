//! Databases and roles: one database per service, an owner that migrates it, a run-time role that only reads and writes rows.
//!
//! Everything here may be run again at any time. A service's role cannot create or alter a table and cannot connect to
//! another service's database; that is what keeps "no service reads another's database" true when nobody is looking.

mod migrations;
mod rights;
mod sql;

use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::future::try_join_all;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};

use rights::{connect_rights_sql, owner_role, roles_sql, schema_rights_sql, table_rights_sql};
use sql::identifier;

/// Provisioning of one cluster is serialized by an advisory lock of this number ("saga" in ASCII): two runs at once would
/// update the same rows of `pg_authid` and one of them would fail with "tuple concurrently updated".
const ADVISORY_LOCK: i64 = 0x7361_6761;

/// A database server that does not accept a connection in this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What to provision, and with which passwords.
#[derive(Debug, Clone)]
pub struct ProvisionConfig {
    /// A superuser's URL, `postgres://user:password@host:port/postgres`.
    pub admin_url: String,
    /// Tests: databases are called `<prefix>_<service>`; roles are cluster-wide and keep their names.
    pub database_prefix: Option<String>,
    /// One entry for every service that has migrations.
    pub services: Vec<ServiceSecrets>,
}

/// The passwords of a service's two roles.
#[derive(Clone)]
pub struct ServiceSecrets {
    /// `order`, `inventory`, …: also the name of the run-time role.
    pub service: String,
    /// Of the run-time role `<service>`.
    pub password: String,
    /// Of the role `<service>_owner`, which owns the tables and runs the migrations.
    pub owner_password: String,
}

impl std::fmt::Debug for ServiceSecrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ServiceSecrets").field("service", &self.service).finish_non_exhaustive()
    }
}

/// What was done for one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioned {
    /// The service.
    pub service: String,
    /// Its database.
    pub database: String,
    /// Whether the database did not exist before.
    pub created: bool,
    /// Migrations applied in this run.
    pub migrations_applied: usize,
    /// Migrations applied altogether.
    pub migrations_total: usize,
    /// How long this service took.
    pub took: Duration,
}

impl std::fmt::Display for Provisioned {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = if self.created { "created" } else { "kept" };
        write!(
            formatter,
            "database {} {state}, {} of {} migrations new, {:.1} s",
            self.database,
            self.migrations_applied,
            self.migrations_total,
            self.took.as_secs_f64()
        )
    }
}

/// The services whose schema is embedded in this build, in alphabetical order.
pub fn services() -> Vec<&'static str> {
    migrations::services()
}

/// The database of a service: `<service>`, or `<prefix>_<service>` in tests.
pub fn database_name(prefix: Option<&str>, service: &str) -> String {
    match prefix {
        Some(prefix) => format!("{prefix}_{service}"),
        None => service.to_owned(),
    }
}

impl ProvisionConfig {
    /// Reads `<SERVICE>_DB_PASSWORD` and `<SERVICE>_DB_OWNER_PASSWORD` of every embedded service from `variable`
    /// (the environment, or a test's parsed file). All missing variables are named at once.
    pub fn from_variables(
        admin_url: String,
        database_prefix: Option<String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let mut missing = Vec::new();
        let mut wanted = |name: String| match variable(&name) {
            Some(value) if !value.is_empty() => value,
            _ => {
                missing.push(name);
                String::new()
            }
        };
        let services = services()
            .into_iter()
            .map(|service| {
                let upper = service.to_uppercase();
                ServiceSecrets {
                    service: service.to_owned(),
                    password: wanted(format!("{upper}_DB_PASSWORD")),
                    owner_password: wanted(format!("{upper}_DB_OWNER_PASSWORD")),
                }
            })
            .collect();
        if !missing.is_empty() {
            bail!("set {}: the passwords the database roles are to have", missing.join(", "));
        }
        Ok(Self { admin_url, database_prefix, services })
    }
}

/// Creates or corrects roles, databases, rights and limits, and applies what migrations are new. Idempotent.
pub async fn run(config: &ProvisionConfig) -> Result<Vec<Provisioned>> {
    let admin = admin_options(&config.admin_url)?;
    let mut lock = connect(&admin).await?;
    sqlx::query("select pg_advisory_lock($1)")
        .bind(ADVISORY_LOCK)
        .execute(&mut lock)
        .await
        .context("waiting for another provisioning run to end")?;

    // Roles and the shared databases first and in one connection: they are rows every parallel branch would touch.
    for secrets in &config.services {
        lock.execute(AssertSqlSafe(roles_sql(secrets)))
            .await
            .with_context(|| format!("creating the roles of {}", secrets.service))?;
    }
    lock.execute(
        "revoke all on database postgres from public;
         revoke all on database template1 from public;",
    )
    .await
    .context("closing the shared databases to everybody")?;

    let prefix = config.database_prefix.as_deref();
    let branches = config.services.iter().map(|secrets| one_service(&admin, prefix, secrets));
    let provisioned = try_join_all(branches).await?;
    // Closing the connection gives the advisory lock back.
    lock.close().await.context("closing the administrator's connection")?;
    Ok(provisioned)
}

/// Copies the databases of these services from `template_prefix` to `prefix`, schema and rights included: a fresh platform
/// for a test in a fraction of the time the migrations take. Nobody may be connected to the template meanwhile.
pub async fn from_template(
    admin_url: &str,
    template_prefix: &str,
    prefix: &str,
    services: &[&str],
) -> Result<()> {
    let admin = admin_options(admin_url)?;
    let copies = services.iter().copied().map(|service| {
        let admin = admin.clone();
        async move {
            let template = database_name(Some(template_prefix), service);
            let database = database_name(Some(prefix), service);
            let mut connection = connect(&admin).await?;
            let create = format!(
                "create database {} template {} owner {}",
                identifier(&database),
                identifier(&template),
                identifier(&owner_role(service)),
            );
            connection
                .execute(AssertSqlSafe(create))
                .await
                .with_context(|| format!("copying database {template} to {database}"))?;
            // A copy takes over the rights inside the database, but not those on the database itself.
            connection
                .execute(AssertSqlSafe(connect_rights_sql(&database, service)))
                .await
                .with_context(|| format!("closing database {database} to the other services"))?;
            connection.close().await.map_err(anyhow::Error::from)
        }
    });
    try_join_all(copies).await?;
    Ok(())
}

/// Drops the databases of `prefix`, whoever is connected to them. Databases without a prefix are never dropped by this.
pub async fn drop_databases(admin_url: &str, prefix: &str) -> Result<()> {
    if prefix.is_empty() {
        bail!("an empty prefix would name databases that are not a test's");
    }
    let admin = admin_options(admin_url)?;
    let mut connection = connect(&admin).await?;
    for service in services() {
        let database = database_name(Some(prefix), service);
        let drop = format!("drop database if exists {} with (force)", identifier(&database));
        connection
            .execute(AssertSqlSafe(drop))
            .await
            .with_context(|| format!("dropping database {database}"))?;
    }
    connection.close().await.map_err(anyhow::Error::from)
}

async fn one_service(
    admin: &PgConnectOptions,
    prefix: Option<&str>,
    secrets: &ServiceSecrets,
) -> Result<Provisioned> {
    let started = Instant::now();
    let service = secrets.service.as_str();
    let database = database_name(prefix, service);

    let mut connection = connect(admin).await?;
    let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(&database)
        .fetch_one(&mut connection)
        .await
        .context("looking for existing databases")?;
    if !exists {
        let create =
            format!("create database {} owner {}", identifier(&database), identifier(&owner_role(service)),);
        connection
            .execute(AssertSqlSafe(create))
            .await
            .with_context(|| format!("creating database {database}"))?;
    }
    connection
        .execute(AssertSqlSafe(connect_rights_sql(&database, service)))
        .await
        .with_context(|| format!("closing database {database} to the other services"))?;
    connection.close().await?;

    let mut inside = connect(&admin.clone().database(&database)).await?;
    inside
        .execute(AssertSqlSafe(schema_rights_sql(service)))
        .await
        .with_context(|| format!("setting the rights in database {database}"))?;
    inside.close().await?;

    let owner =
        admin.clone().database(&database).username(&owner_role(service)).password(&secrets.owner_password);
    let (migrations_applied, migrations_total) = migrate(&owner, service).await?;
    Ok(Provisioned {
        service: service.to_owned(),
        database,
        created: !exists,
        migrations_applied,
        migrations_total,
        took: started.elapsed(),
    })
}

/// Applies the chassis' and the service's migrations as one sequence, and says how many were new and how many there are.
async fn migrate(owner: &PgConnectOptions, service: &str) -> Result<(usize, usize)> {
    let mut connection = connect(owner).await?;
    let counts = migrations::apply(&mut connection, service).await?;
    connection
        .execute(AssertSqlSafe(table_rights_sql(service)))
        .await
        .with_context(|| format!("granting {service} its own tables"))?;
    connection.close().await?;
    Ok(counts)
}

fn admin_options(url: &str) -> Result<PgConnectOptions> {
    PgConnectOptions::from_str(url)
        .context("POSTGRES_ADMIN_URL is not a Postgres URL; it looks like postgres://user:password@127.0.0.1:5432/postgres")
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection> {
    let place =
        format!("{}:{}/{}", options.get_host(), options.get_port(), options.get_database().unwrap_or(""));
    tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options))
        .await
        .with_context(|| format!("Postgres at {place} does not answer; is the local stack up (make up)?"))?
        .with_context(|| format!("connecting to Postgres at {place} as {}", options.get_username()))
}

#[cfg(test)]
mod tests;
