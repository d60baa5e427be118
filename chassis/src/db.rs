//! The service's own database: the pool, its guards, and transactions that no client can break off.

use std::time::Duration;

use futures::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    PgConnection, PgPool, Postgres, Transaction,
    error::DatabaseError,
    postgres::{PgConnectOptions, PgDatabaseError, PgPoolOptions, PgSeverity},
};

use crate::faults::{Bug, Point, planted, point};

/// How long a statement may run. Ours take milliseconds; whatever takes seconds is stuck.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a statement may wait for another transaction's lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a transaction may stand idle before the server ends it: no transaction of ours waits
/// for anything but the database.
const IDLE_IN_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait for a connection before the caller is told that the database is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why work on the database did not succeed, sorted by what is to be done about it.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database cannot be reached or is shutting down: wait, and do the same again.
    #[error("database unavailable")]
    Unavailable(#[source] sqlx::Error),
    /// This very work cannot be done: retrying at once would fail again.
    #[error("{0}")]
    Failed(String),
}

impl Fault {
    /// Sorts a database error.
    #[must_use]
    pub fn sort(error: sqlx::Error) -> Self {
        if is_unavailable(&error) { Self::Unavailable(error) } else { Self::Failed(error.to_string()) }
    }
}

// The list of a library's errors is open; what is not named here is no sign of an absent database.
#[allow(clippy::wildcard_enum_match_arm)]
fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        // An error that ends the session is about the session, whatever its code: a database that
        // takes no connections says 55000, which within a session is the statement's own fault.
        sqlx::Error::Database(database) if ends_session(database.as_ref()) => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            // 08 connection, 28 login refused, 3D no such database, 53 out of resources, 57 shutdown,
            // crash or statement timeout, 58 disk; 25P03 idle timeout, 25006 read-only (a standby),
            // 55P03 lock not available, 42501 no right (not provisioned).
            // None of them is the fault of a message.
            let classes = ["08", "28", "3D", "53", "57", "58"];
            let codes = ["25P03", "25006", "55P03", "42501"];
            classes.iter().any(|class| code.starts_with(class)) || codes.contains(&code.as_ref())
        }),
        other => matches!(
            other,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
        ),
    }
}

fn ends_session(error: &dyn DatabaseError) -> bool {
    error
        .try_downcast_ref::<PgDatabaseError>()
        .is_some_and(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic))
}

/// Whether the same transaction, run again, may well succeed: serialization failure or deadlock.
#[must_use]
pub(crate) fn is_transient(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(database)
        if database.code().is_some_and(|code| code == "40001" || code == "40P01"))
}

/// Whether the pool could be opened with this URL. (The driver itself takes any scheme.)
pub(crate) fn check_url(url: &str) -> Result<(), String> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err("it must begin with postgres://".to_owned());
    }
    // The driver's words do not repeat the URL.
    url.parse::<PgConnectOptions>().map(drop).map_err(|problem| problem.to_string())
}

/// The two pools of a service; both open lazily, for a service starts without its database and
/// waits for it.
#[derive(Clone, Debug)]
pub(crate) struct Pools {
    /// For the engine, the relay and the timers, whose transactions all run in tasks of their own.
    pub(crate) saga: PgPool,
    /// For HTTP handlers, whose clients may hang up at any moment. `begin` is not cancel-safe: a
    /// dropped future can leave an open transaction behind, which the next borrower would
    /// unknowingly continue; so each connection that comes back is rolled back.
    pub(crate) http: PgPool,
}

/// Opens both pools; a third of the connections is for HTTP.
///
/// # Errors
/// When the URL cannot be read.
pub(crate) fn pools(url: &SecretString, service: &str, connections_max: u32) -> sqlx::Result<Pools> {
    let options: PgConnectOptions = url.expose_secret().parse()?;
    let options = options
        .application_name(service)
        .options([
            ("statement_timeout", milliseconds(STATEMENT_TIMEOUT)),
            ("lock_timeout", milliseconds(LOCK_TIMEOUT)),
            ("idle_in_transaction_session_timeout", milliseconds(IDLE_IN_TRANSACTION_TIMEOUT)),
            // Plans must not flip while a table grows from empty to millions of rows.
            ("plan_cache_mode", "force_generic_plan".to_owned()),
        ])
        .statement_cache_capacity(256);
    let options = if planted(Bug::SynchronousCommitOff) {
        options.options([("synchronous_commit", "off")])
    } else {
        options
    };
    let for_http = (connections_max / 3).max(1);
    let pool = |connections: u32| {
        PgPoolOptions::new()
            .max_connections(connections)
            .min_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .max_lifetime(Duration::from_secs(30 * 60))
    };
    let guarded = pool(for_http).after_release(|connection, _| {
        Box::pin(async move {
            if planted(Bug::CancelledTransactions) {
                return Ok(true);
            }
            // `BEGIN` first, because a lone `ROLLBACK` outside a transaction is a warning in the
            // server's log each time.
            sqlx::raw_sql("BEGIN; ROLLBACK").execute(connection).await?;
            Ok(true)
        })
    });
    Ok(Pools {
        saga: pool(connections_max - for_http).connect_lazy_with(options.clone()),
        http: guarded.connect_lazy_with(options),
    })
}

fn milliseconds(duration: Duration) -> String {
    duration.as_millis().to_string()
}

/// Runs `work` in a transaction of a task of its own: a client that hangs up cannot cancel it
/// between `BEGIN` and `COMMIT`. Write the work as `|tx| Box::pin(async move { … })`.
///
/// # Errors
/// What `work` returned, or a database error. A commit that seems to fail may have succeeded: never
/// answer "it did not happen" from it.
pub async fn in_transaction<T, E, F>(pool: &PgPool, work: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<sqlx::Error> + Send + 'static,
    F: for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
{
    let pool = pool.clone();
    let transaction = async move {
        let mut tx: Transaction<'static, Postgres> = pool.begin().await?;
        let value = work(&mut tx).await?;
        tx.commit().await?;
        point(Point::BeforeAnswer);
        Ok(value)
    };
    #[cfg(feature = "faults")]
    if planted(Bug::CancelledTransactions) {
        return transaction.await;
    }
    match tokio::spawn(transaction).await {
        Ok(result) => result,
        Err(join) => {
            let error = std::io::Error::other(format!("the transaction's task ended: {join}"));
            Err(sqlx::Error::Io(error).into())
        }
    }
}

/// Refuses a database that could forget what it acknowledged, or that is not migrated.
///
/// # Errors
/// A sentence that says what to change.
pub(crate) async fn check(pool: &PgPool) -> Result<(), String> {
    let failed = |error: sqlx::Error| format!("cannot ask the database: {error}");
    let setting: String =
        sqlx::query_scalar("SHOW synchronous_commit").fetch_one(pool).await.map_err(failed)?;
    if setting == "off" && !planted(Bug::SynchronousCommitOff) {
        return Err(
            "synchronous_commit is off: acknowledged orders would be lost in a crash; set it to on".into()
        );
    }
    let migrated: bool = sqlx::query_scalar("SELECT to_regclass('timers') IS NOT NULL")
        .fetch_one(pool)
        .await
        .map_err(failed)?;
    if migrated { Ok(()) } else { Err("the database is not migrated: run `sagactl provision`".into()) }
}
