//! RabbitMQ's management API, as far as an operator needs it: definitions in and out, queues and their depths.

use anyhow::{Context, Result, bail};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::client::http_client;
use crate::endpoints::{BrokerArgs, percent_encoded};

/// A queue with what lies in it.
#[derive(Debug, Clone, Deserialize)]
pub struct QueueDepth {
    /// Its name.
    pub name: String,
    /// Waiting and unacknowledged together. The broker refreshes this every five seconds.
    #[serde(default)]
    pub messages: u64,
    /// How many listen.
    #[serde(default)]
    pub consumers: u64,
}

/// A queue and the policy that the broker applies to it; none while it has not told yet.
#[derive(Debug, Clone, Deserialize)]
pub struct AppliedPolicy {
    /// The queue.
    pub name: String,
    /// The policy.
    #[serde(default)]
    pub policy: Option<String>,
}

/// A binding as the API lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Binding {
    /// The exchange; empty for the default exchange, which binds every queue by its name.
    pub source: String,
    /// The queue or exchange it leads to.
    pub destination: String,
    /// `queue` or `exchange`.
    pub destination_type: String,
    /// The key.
    pub routing_key: String,
    /// How the API names this binding in a path.
    pub properties_key: String,
}

/// The API of one broker, seen from one virtual host.
#[derive(Clone)]
pub struct Management {
    http: reqwest::Client,
    base: String,
    vhost: String,
}

impl Management {
    /// The API of the given broker; user and password are part of its URL.
    pub fn new(broker: &BrokerArgs) -> Result<Self> {
        Self::at(&broker.management_url, &broker.vhost)
    }

    /// The API at that URL, seen from that virtual host.
    pub fn at(management_url: &str, vhost: &str) -> Result<Self> {
        Ok(Self {
            http: http_client()?,
            base: management_url.trim_end_matches('/').to_owned(),
            vhost: percent_encoded(vhost),
        })
    }

    /// Creates the virtual host; one that exists is left as it is.
    pub async fn create_vhost(&self) -> Result<()> {
        self.send(Method::PUT, &format!("vhosts/{}", self.vhost), Some(&serde_json::json!({})))
            .await
            .map(drop)
    }

    /// Deletes the virtual host with everything in it; one that does not exist is no error.
    pub async fn delete_vhost(&self) -> Result<()> {
        self.send(Method::DELETE, &format!("vhosts/{}", self.vhost), None).await.map(drop)
    }

    /// Imports a definitions document. Importing the same one again changes nothing.
    pub async fn import(&self, definitions: &Value) -> Result<()> {
        self.send(Method::POST, "definitions", Some(definitions)).await.map(drop)
    }

    /// Exchanges, queues, bindings and policies of this virtual host, in the shape of a definitions document.
    pub async fn definitions(&self) -> Result<Value> {
        self.get(&format!("definitions/{}", self.vhost)).await
    }

    /// All users with their tags.
    pub async fn users(&self) -> Result<Value> {
        self.get("users").await
    }

    /// Who may do what in this virtual host.
    pub async fn permissions(&self) -> Result<Value> {
        self.get(&format!("vhosts/{}/permissions", self.vhost)).await
    }

    /// All bindings of this virtual host.
    pub async fn bindings(&self) -> Result<Vec<Binding>> {
        self.get(&format!("bindings/{}", self.vhost)).await
    }

    /// Removes a binding between an exchange and a queue.
    pub async fn unbind(&self, binding: &Binding) -> Result<()> {
        let path = format!(
            "bindings/{}/e/{}/q/{}/{}",
            self.vhost,
            percent_encoded(&binding.source),
            percent_encoded(&binding.destination),
            percent_encoded(&binding.properties_key),
        );
        self.send(Method::DELETE, &path, None).await.map(drop)
    }

    /// All queues of this virtual host, by name.
    pub async fn queues(&self) -> Result<Vec<QueueDepth>> {
        let mut queues: Vec<QueueDepth> =
            self.get(&format!("queues/{}?disable_stats=false", self.vhost)).await?;
        queues.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(queues)
    }

    /// Which policy applies to which queue of this virtual host.
    pub async fn applied_policies(&self) -> Result<Vec<AppliedPolicy>> {
        self.get(&format!("queues/{}?columns=name,policy", self.vhost)).await
    }

    /// Release of the broker, as `3.10.8`.
    pub async fn version(&self) -> Result<String> {
        let overview: Value = self.get("overview").await?;
        let version = overview.get("rabbitmq_version").and_then(Value::as_str);
        Ok(version.unwrap_or("of unknown version").to_owned())
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T> {
        let body = self.send(Method::GET, path, None).await?;
        serde_json::from_slice(&body)
            .with_context(|| format!("the management API's answer to {path} has another shape than expected"))
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Vec<u8>> {
        let mut request = self.http.request(method.clone(), format!("{}/api/{path}", self.base));
        if let Some(body) = body {
            request = request.json(body);
        }
        // The URL holds a password, so it is kept out of the error.
        let response = request.send().await.map_err(reqwest::Error::without_url).context(
            "RabbitMQ's management API does not answer; check BROKER_MANAGEMENT_URL and that the broker is up",
        )?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(reqwest::Error::without_url)?;
        if status == StatusCode::NOT_FOUND && method == Method::DELETE {
            return Ok(Vec::new());
        }
        if status == StatusCode::UNAUTHORIZED {
            bail!(
                "the management API refuses the user or password in BROKER_MANAGEMENT_URL ({method} {path})"
            );
        }
        if !status.is_success() {
            let text: String = String::from_utf8_lossy(&bytes).chars().take(400).collect();
            bail!("the management API answered {method} {path} with {status}: {text}");
        }
        Ok(bytes.to_vec())
    }
}
