//! The broker as a test sees it: through the management API, so that no test needs an AMQP client.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Http, Stack};

/// One virtual host.
#[derive(Clone, Debug)]
pub struct Broker {
    http: Http,
    stack: Stack,
    vhost: String,
}

impl Broker {
    pub(crate) fn new(http: Http, stack: Stack, vhost: String) -> Self {
        Self { http, stack, vhost }
    }

    /// Calls the management API as administrator.
    pub async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let base = self.stack.get("BROKER_MANAGEMENT_URL");
        let answer = self
            .http
            .send(method, &format!("{base}/api/{path}"), body.map(|body| body.to_string()), &[])
            .await
            .unwrap();
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text);
        if answer.text.is_empty() { Value::Null } else { answer.json() }
    }

    /// Publishes as one of the services; `true` when a queue took it.
    pub async fn publish(
        &self,
        user: &str,
        exchange: &str,
        key: &str,
        properties: Value,
        body: &str,
    ) -> bool {
        let base = self.stack.get("BROKER_MANAGEMENT_URL");
        let password = self.stack.get(&format!("{}_AMQP_PASSWORD", user.to_uppercase()));
        let base = base.replace("guest:guest@", &format!("{user}:{password}@"));
        let mut properties = properties;
        properties["user_id"] = json!(user);
        properties["delivery_mode"] = json!(2);
        // A body that is no text is written as `base64:…`.
        let (encoding, body) = match body.strip_prefix("base64:") {
            Some(bytes) => ("base64", bytes),
            None => ("string", body),
        };
        let message = json!({
            "properties": properties, "routing_key": key, "payload": body, "payload_encoding": encoding,
        });
        let url = format!("{base}/api/exchanges/{}/{exchange}/publish", self.vhost);
        let answer = self.http.post(&url, &message).await.unwrap();
        answer.expect(200)["routed"] == true
    }

    /// Publishes an event body under its own type, as its producer would.
    pub async fn publish_event(&self, user: &str, body: &str, headers: Value) -> bool {
        let parsed: Value = serde_json::from_str(body).unwrap();
        let key = parsed["event_type"].as_str().unwrap().to_owned();
        let properties = json!({ "message_id": parsed["event_id"], "headers": headers });
        self.publish(user, &format!("{user}.events"), &key, properties, body).await
    }

    /// Messages waiting in a queue, looked at and put back.
    pub async fn peek(&self, queue: &str) -> Vec<Value> {
        let body = json!({ "count": 100, "ackmode": "ack_requeue_true", "encoding": "auto" });
        let path = format!("queues/{}/{queue}/get", self.vhost);
        self.admin(Method::POST, &path, Some(body)).await.as_array().unwrap().clone()
    }

    /// Messages taken out of a queue for good.
    pub async fn take(&self, queue: &str) -> Vec<Value> {
        let body = json!({ "count": 1000, "ackmode": "ack_requeue_false", "encoding": "auto" });
        let path = format!("queues/{}/{queue}/get", self.vhost);
        self.admin(Method::POST, &path, Some(body)).await.as_array().unwrap().clone()
    }

    /// Cuts every connection of this virtual host, and says how many there were. The broker still
    /// lists, for some seconds, those that have gone.
    pub async fn close_connections(&self) -> usize {
        let path = format!("vhosts/{}/connections", self.vhost);
        let connections = self.admin(Method::GET, &path, None).await;
        let base = self.stack.get("BROKER_MANAGEMENT_URL");
        let mut cut = 0;
        for connection in connections.as_array().unwrap() {
            // `127.0.0.1:40001 -> 127.0.0.1:5672`
            let name = connection["name"].as_str().unwrap().replace(' ', "%20").replace('>', "%3E");
            let url = format!("{base}/api/connections/{name}");
            let answer = self.http.send(Method::DELETE, &url, None, &[]).await.unwrap();
            cut += usize::from(answer.status.is_success());
        }
        cut
    }

    /// Takes all bindings of one event away from an inbox, as a careless operator might.
    pub async fn unbind(&self, exchange: &str, queue: &str, key: &str) {
        let path = format!("bindings/{}/e/{exchange}/q/{queue}/{key}", self.vhost);
        self.admin(Method::DELETE, &path, None).await;
    }

    /// Puts a binding back.
    pub async fn bind(&self, exchange: &str, queue: &str, key: &str) {
        let path = format!("bindings/{}/e/{exchange}/q/{queue}", self.vhost);
        self.admin(Method::POST, &path, Some(json!({ "routing_key": key, "arguments": {} }))).await;
    }

    /// The virtual host, as it stands in URLs of the management API.
    #[must_use]
    pub fn vhost(&self) -> &str {
        &self.vhost
    }
}
