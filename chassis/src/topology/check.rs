//! Whether the broker really has what the catalogue wants.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use shared_events::Service;

use super::{Binding, bindings, queues};

/// The management API is slow on a busy broker; a check is in no hurry.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where to look: the management API as one user sees it.
#[derive(Clone, Debug)]
pub struct Management {
    client: reqwest::Client,
    base: String,
    user: String,
    password: String,
    vhost: String,
}

/// Why the broker could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ManagementError {
    /// The URL is not `http://user:password@host:port`.
    #[error("{0} is not a URL of the form http://user:password@host:port")]
    Url(String),
    /// No answer, or none that can be read.
    #[error("the management API does not answer")]
    Http(#[from] reqwest::Error),
}

impl Management {
    /// Reads `http://user:password@host:port`.
    ///
    /// # Errors
    /// When the URL has another form.
    pub fn new(url: &str, vhost: &str) -> Result<Self, ManagementError> {
        let bad = || ManagementError::Url(url.split('@').next_back().unwrap_or_default().to_owned());
        let mut parsed = reqwest::Url::parse(url).map_err(|_| bad())?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(bad());
        }
        let (user, password) =
            (parsed.username().to_owned(), parsed.password().unwrap_or_default().to_owned());
        parsed.set_username("").map_err(|()| bad())?;
        parsed.set_password(None).map_err(|()| bad())?;
        let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        let base = parsed.as_str().trim_end_matches('/').to_owned();
        Ok(Self { client, base, user, password, vhost: vhost.replace('/', "%2F") })
    }

    /// Messages in each queue of the virtual host, waiting and unacknowledged together. The broker counts
    /// every five seconds, so a number may be that old; a queue made a moment ago has none yet.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    pub async fn depths(&self) -> Result<BTreeMap<String, Option<u64>>, ManagementError> {
        let path = format!("queues/{}?columns=name,messages", self.vhost);
        let queues = self.get(&path).await?.unwrap_or_default();
        let rows = queues.as_array().into_iter().flatten();
        Ok(rows
            .map(|row| (row["name"].as_str().unwrap_or_default().to_owned(), row["messages"].as_u64()))
            .collect())
    }

    async fn get(&self, path: &str) -> Result<Option<Value>, ManagementError> {
        let url = format!("{}/api/{path}", self.base);
        let response = self.client.get(url).basic_auth(&self.user, Some(&self.password)).send().await?;
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(response.error_for_status()?.json().await?))
    }
}

/// Everything that is missing or different for one consumer; empty when all is well.
///
/// # Errors
/// When the broker cannot be asked.
pub async fn differences(
    management: &Management,
    service: Service,
    time_scale: u32,
) -> Result<Vec<String>, ManagementError> {
    let mut found = Vec::new();
    if !service.consumes() {
        return Ok(found);
    }
    let vhost = &management.vhost;
    let policies = management.get(&format!("policies/{vhost}")).await?.unwrap_or_default();
    let mut bound = BTreeSet::new();
    for queue in queues(service, time_scale) {
        let Some(actual) = management.get(&format!("queues/{vhost}/{}", queue.name)).await? else {
            found.push(format!("queue {} is missing", queue.name));
            continue;
        };
        if actual["type"] != "quorum" {
            found.push(format!("queue {} is {}, not a quorum queue", queue.name, actual["type"]));
        }
        let effective = effective_policy(&actual, &policies);
        for (key, wanted) in queue.policy.as_object().into_iter().flatten() {
            if effective.get(key) != Some(wanted) {
                let has = effective.get(key).cloned().unwrap_or(Value::Null);
                found.push(format!("queue {}: {key} is {has}, not {wanted}", queue.name));
            }
        }
        let rows = management.get(&format!("queues/{vhost}/{}/bindings", queue.name)).await?;
        for row in rows.as_ref().and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            bound.insert(Binding {
                exchange: text("source"),
                queue: text("destination"),
                routing_key: text("routing_key"),
            });
        }
    }
    for binding in bindings(service) {
        if !bound.contains(&binding) {
            let Binding { exchange, queue, routing_key } = binding;
            found.push(format!("binding {exchange} -[{routing_key}]-> {queue} is missing"));
        }
    }
    Ok(found)
}

/// What the broker applies to a queue. It says so with its statistics, up to five seconds after the
/// queue was made; until then the policy of the queue's own name has to do.
fn effective_policy<'a>(queue: &'a Value, policies: &'a Value) -> &'a Value {
    let reported = &queue["effective_policy_definition"];
    if reported.as_object().is_some_and(|definition| !definition.is_empty()) {
        return reported;
    }
    let named = policies.as_array().into_iter().flatten().find(|policy| policy["name"] == queue["name"]);
    named.map_or(reported, |policy| &policy["definition"])
}
