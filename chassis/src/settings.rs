//! What every service is configured with; a participant adds its own.

use std::{net::SocketAddr, str::FromStr, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    broker::{self, consumer::Limits},
    config::{ConfigError, Reader},
    db,
    topology::check::Management,
};

/// How log records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LogFormat {
    Text,
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("it is `text` or `json`"),
        }
    }
}

/// What every service is configured with.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) http_addr: SocketAddr,
    pub(crate) database_url: SecretString,
    pub(crate) database_connections_max: u32,
    pub(crate) amqp_url: SecretString,
    pub(crate) management_url: SecretString,
    pub(crate) limits: Limits,
    pub(crate) time_scale: u32,
    pub(crate) json_logs: bool,
    pub(crate) drain_notice: Duration,
}

impl Settings {
    pub(crate) fn read(env: &mut Reader) -> Result<Self, ConfigError> {
        let log_format: LogFormat =
            env.read("LOG_FORMAT", Some("text"), "`json` for one JSON object a line, or `text`.")?;
        Ok(Self {
            http_addr: env.read("HTTP_ADDR", None, "Address and port to serve HTTP on, 127.0.0.1:8001.")?,
            database_url: env.checked_secret(
                "DATABASE_URL",
                "The service's own Postgres database.",
                db::check_url,
            )?,
            database_connections_max: env.read_in(
                "DATABASE_CONNECTIONS_MAX",
                "10",
                4..=100,
                "Connections to the database, a third of them for HTTP; ten keep two cores busy.",
            )?,
            amqp_url: env.checked_secret(
                "AMQP_URL",
                "RabbitMQ, as the service's own user.",
                broker::connection::check_url,
            )?,
            management_url: env.checked_secret(
                "BROKER_MANAGEMENT_URL",
                "RabbitMQ's management API, http://user:password@host:15672; the topology is checked there.",
                |url| Management::new(url, "/").map(drop).map_err(|problem| problem.to_string()),
            )?,
            limits: Limits {
                prefetch: env.read_in(
                    "CONSUMER_PREFETCH",
                    "256",
                    1..=10_000,
                    "Unacknowledged messages held at once; two batches, so that one arrives while one is written.",
                )?,
                batch_size_max: env.read_in(
                    "CONSUMER_BATCH_SIZE_MAX",
                    "128",
                    1..=1_000,
                    "Events in one transaction; beyond about 100 a larger batch gains nothing.",
                )?,
            },
            time_scale: env.time_scale()?,
            json_logs: log_format == LogFormat::Json,
            drain_notice: Duration::from_millis(env.read_in(
                "DRAIN_NOTICE_MS",
                "500",
                0..=60_000,
                "How long connections are still taken after SIGTERM, while /readyz says 503 already; longer than \
                 your load balancer takes to notice.",
            )?),
        })
    }

    /// The management API, for the virtual host that the AMQP URL names.
    pub(crate) fn management(&self) -> anyhow::Result<Management> {
        Ok(Management::new(self.management_url.expose_secret(), &self.vhost())?)
    }

    fn vhost(&self) -> String {
        let url = self.amqp_url.expose_secret();
        let path = url.split('?').next().unwrap_or_default().rsplit_once('@').map_or("", |(_, place)| place);
        let vhost = path.split_once('/').map_or("", |(_, vhost)| vhost);
        if vhost.is_empty() { "/".to_owned() } else { vhost.replace("%2f", "/").replace("%2F", "/") }
    }
}
