//! A broker user of the suite's own, who may do anything in one virtual host and speak in any
//! service's name: the services' own users may not, which is what makes them trustworthy.

use std::time::Duration;

use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ConfirmSelectOptions},
};
use reqwest::Method;
use serde_json::json;
use system_tests::Platform;
use uuid::Uuid;

/// How long the broker may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// The user and a connection.
pub(crate) struct Impersonator {
    name: String,
    connection: Connection,
}

impl Impersonator {
    /// Makes the user and connects.
    pub(crate) async fn enter(platform: &Platform) -> Self {
        let vhost = platform.name();
        let (name, password) = (format!("chaos-{vhost}"), Uuid::new_v4().simple().to_string());
        let user = json!({ "password": password, "tags": "impersonator" });
        platform.broker().admin(Method::PUT, &format!("users/{name}"), Some(user)).await;
        let rights = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        platform.broker().admin(Method::PUT, &format!("permissions/{vhost}/{name}"), Some(rights)).await;
        let connection = connect(&name, &password, platform).await;
        Self { name, connection }
    }

    /// A channel with confirms.
    pub(crate) async fn channel(&self) -> Channel {
        confirming(&self.connection).await
    }

    /// Removes the user.
    pub(crate) async fn leave(self, platform: &Platform) {
        part(&self.connection).await;
        platform.broker().admin(Method::DELETE, &format!("users/{}", self.name), None).await;
    }
}

/// A connection as some user.
pub(crate) async fn connect(name: &str, password: &str, platform: &Platform) -> Connection {
    let (vhost, port) = (platform.name(), platform.stack().get("AMQP_PORT"));
    let url = format!("amqp://{name}:{password}@127.0.0.1:{port}/{vhost}?heartbeat=30");
    Connection::connect(&url, ConnectionProperties::default()).await.unwrap()
}

/// Says goodbye; the client library may wait for ever for the answer.
pub(crate) async fn part(connection: &Connection) {
    let _ = tokio::time::timeout(GOODBYE, connection.close(200, "bye".into())).await;
}

/// A channel with confirms.
pub(crate) async fn confirming(connection: &Connection) -> Channel {
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    channel
}

/// Publishes and waits for the confirm: whether some queue has it, or why the broker does not take it.
pub(crate) async fn publish(
    channel: &Channel,
    exchange: &str,
    key: &str,
    properties: BasicProperties,
    body: &[u8],
) -> Result<bool, lapin::Error> {
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let confirm = channel.basic_publish(exchange.into(), key.into(), options, body, properties).await?;
    Ok(matches!(confirm.await?, Confirmation::Ack(None)))
}
