//! The embedded migrations: one sequence per service, made of the chassis' tables and its own.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnection;

/// A folder's name and its embedded migrations.
type Folder = (&'static str, fn() -> Migrator);

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// The folder of the tables every service has (outbox, saga log, timers), versions 1 to 999; the services' own start at 1000.
const CHASSIS: &str = "chassis";

/// The services that have migrations, in alphabetical order.
pub(super) fn services() -> Vec<&'static str> {
    let folders = FOLDERS.iter().map(|(name, _)| *name);
    folders.filter(|name| *name != CHASSIS).collect()
}

/// Applies what is new, as the connected owner, and says how many were new and how many there are.
pub(super) async fn apply(connection: &mut PgConnection, service: &str) -> Result<(usize, usize)> {
    let before = applied_count(connection).await?;
    let migrator = migrator(service)?;
    migrator.run(&mut *connection).await.with_context(|| format!("migrating the database of {service}"))?;
    let after = applied_count(connection).await?;
    Ok((after - before, after))
}

/// The whole sequence of one service. A version that two files claim is a mistake of ours and is named.
fn migrator(service: &str) -> Result<Migrator> {
    let mut by_version = BTreeMap::new();
    for (folder, embedded) in FOLDERS {
        if *folder == CHASSIS || *folder == service {
            for migration in embedded().iter().cloned() {
                let version = migration.version;
                if by_version.insert(version, migration).is_some() {
                    bail!("migration {version} of {service} exists twice: services number theirs from 1000");
                }
            }
        }
    }
    Ok(Migrator::with_migrations(by_version.into_values().collect()))
}

async fn applied_count(connection: &mut PgConnection) -> Result<usize> {
    let known: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(&mut *connection)
        .await?;
    if !known {
        return Ok(0);
    }
    let count: i64 = sqlx::query_scalar("select count(*) from _sqlx_migrations where success")
        .fetch_one(&mut *connection)
        .await?;
    Ok(usize::try_from(count).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chassis_is_no_service_and_every_service_has_one_sequence() {
        assert!(!services().contains(&CHASSIS));
        for service in services() {
            let versions: Vec<i64> = migrator(service)
                .expect("no version twice")
                .iter()
                .map(|migration| migration.version)
                .collect();
            assert!(versions.is_sorted(), "{service}: {versions:?}");
            assert!(
                versions.first().is_some_and(|first| *first < 1000),
                "{service} begins with the chassis' tables"
            );
        }
    }
}
