//! `sagactl health`: services with their checks, the broker with its queues, the databases, in one look.

use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::join_all;
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection, Row};

use crate::broker::Management;
use crate::client::Platform;
use crate::console::{Align, Palette, grouped, table};
use crate::endpoints::{BrokerArgs, ServiceUrls};

/// A look at the platform must not take longer than this, whatever hangs.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Prints the tables; true when everything asked about is well.
pub async fn show(
    urls: &ServiceUrls,
    broker: &BrokerArgs,
    admin_url: Option<&str>,
    palette: Palette,
) -> Result<bool> {
    let services = services(urls, palette).await?;
    println!();
    let broker = broker_queues(broker, palette).await;
    let databases = match admin_url {
        Some(admin_url) => {
            println!();
            databases(admin_url, palette).await
        }
        None => true,
    };
    Ok(services && broker && databases)
}

async fn services(urls: &ServiceUrls, palette: Palette) -> Result<bool> {
    let platform = Platform::new(urls)?;
    let looks = urls.all().map(|(name, url)| {
        let platform = platform.clone();
        async move {
            let started = Instant::now();
            let health = tokio::time::timeout(LOOK_TIMEOUT, platform.health(url)).await;
            (name, url, health, started.elapsed())
        }
    });
    let mut all_well = true;
    let mut rows = Vec::new();
    for (name, url, health, took) in join_all(looks).await {
        let (status, checks) = match health {
            Ok(Ok(health)) => (health.status.clone(), checks(&health.checks)),
            Ok(Err(_)) => ("down".to_owned(), "does not answer".to_owned()),
            Err(_) => ("down".to_owned(), format!("no answer in {} s", LOOK_TIMEOUT.as_secs())),
        };
        all_well &= status == "healthy";
        rows.push(vec![name.into(), url.into(), status, format!("{:.1}", took.as_secs_f64() * 1e3), checks]);
    }
    let head = [
        ("service", Align::Left),
        ("url", Align::Left),
        ("status", Align::Left),
        ("ms", Align::Right),
        ("checks", Align::Left),
    ];
    print!("{}", table(palette, &head, &rows));
    Ok(all_well)
}

/// `database ok, broker ok`: a check is a word, or an object with a `status`.
fn checks(checks: &std::collections::BTreeMap<String, Value>) -> String {
    let words = checks.iter().map(|(name, value)| {
        let word = match value {
            Value::String(word) => word.clone(),
            Value::Bool(well) => if *well { "ok" } else { "failing" }.to_owned(),
            Value::Object(fields) => {
                fields.get("status").and_then(Value::as_str).map_or_else(|| value.to_string(), str::to_owned)
            }
            Value::Null | Value::Number(_) | Value::Array(_) => value.to_string(),
        };
        format!("{name} {word}")
    });
    words.collect::<Vec<_>>().join(", ")
}

async fn broker_queues(broker: &BrokerArgs, palette: Palette) -> bool {
    let look = async {
        let management = Management::new(broker)?;
        anyhow::Ok((management.version().await?, management.queues().await?))
    };
    let (version, queues) = match tokio::time::timeout(LOOK_TIMEOUT, look).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            println!("{} RabbitMQ: {error:#}", palette.mark(false));
            return false;
        }
        Err(_) => {
            println!("{} RabbitMQ: no answer in {} s", palette.mark(false), LOOK_TIMEOUT.as_secs());
            return false;
        }
    };
    println!("{} RabbitMQ {version}, virtual host {}", palette.mark(true), broker.vhost);
    // Only what says something: the inboxes always, retry and dead-letter queues when a message lies in them.
    let rows: Vec<Vec<String>> = queues
        .iter()
        .filter(|queue| queue.messages > 0 || queue.name.ends_with(".inbox"))
        .map(|queue| vec![queue.name.clone(), grouped(queue.messages), queue.consumers.to_string()])
        .collect();
    let head = [("queue", Align::Left), ("messages", Align::Right), ("consumers", Align::Right)];
    print!("{}", table(palette, &head, &rows));
    let dead: u64 =
        queues.iter().filter(|queue| queue.name.ends_with(".dlq")).map(|queue| queue.messages).sum();
    if dead > 0 {
        println!("{} {} dead letters wait for someone", palette.mark(false), grouped(dead));
    }
    dead == 0
}

async fn databases(admin_url: &str, palette: Palette) -> bool {
    let look = async {
        let mut connection = PgConnection::connect_with(&PgConnectOptions::from_str(admin_url)?).await?;
        let rows = sqlx::query(
            "select datname, pg_size_pretty(pg_database_size(datname)) as size,
                    (select count(*) from pg_stat_activity a where a.datname = d.datname) as connections
             from pg_database d where not datistemplate and datname <> 'postgres' order by datname",
        )
        .fetch_all(&mut connection)
        .await?;
        connection.close().await?;
        rows.iter()
            .map(|row| {
                let connections: i64 = row.try_get("connections")?;
                Ok(vec![row.try_get("datname")?, row.try_get("size")?, connections.to_string()])
            })
            .collect::<Result<Vec<Vec<String>>, sqlx::Error>>()
    };
    match tokio::time::timeout(LOOK_TIMEOUT, look).await {
        Ok(Ok(rows)) => {
            let head = [("database", Align::Left), ("size", Align::Right), ("connections", Align::Right)];
            println!("{} Postgres", palette.mark(true));
            print!("{}", table(palette, &head, &rows));
            true
        }
        Ok(Err(error)) => {
            println!("{} Postgres: {error}", palette.mark(false));
            false
        }
        Err(_) => {
            println!("{} Postgres: no answer in {} s", palette.mark(false), LOOK_TIMEOUT.as_secs());
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_shown_as_words_whatever_their_shape() {
        let listed = serde_json::json!({"broker": {"status": "ok"}, "database": "ok", "relay": false});
        let listed = serde_json::from_value(listed).expect("a map");
        assert_eq!(checks(&listed), "broker ok, database ok, relay failing");
    }
}
