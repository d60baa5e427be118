//! How deep the broker's queues are, as its management API says.

use std::{collections::HashMap, sync::LazyLock, time::Duration};

use reqwest::{Client, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// The management API is slow on a busy broker, and whoever asks for the status is waiting.
const TIMEOUT: Duration = Duration::from_secs(5);

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let client = Client::builder().timeout(TIMEOUT).no_proxy().build();
    client
        .expect("these settings are constants, and the TLS provider is installed with the upstreams' client")
});

/// Messages by queue. The broker counts every five seconds, so a number may be that old; a queue
/// that was made a moment ago has none yet.
pub(super) type Depths = HashMap<String, Option<u64>>;

#[derive(Deserialize)]
struct Queue {
    name: String,
    messages: Option<u64>,
}

/// Asks for all queues of the virtual host.
///
/// # Errors
/// A sentence for the status, without the credentials of the URL.
pub(super) async fn depths(management: &SecretString, amqp: &SecretString) -> Result<Depths, String> {
    let url = queues_url(management.expose_secret(), amqp.expose_secret())
        .ok_or("BROKER_MANAGEMENT_URL and AMQP_URL must be URLs")?;
    let call = async {
        let response = CLIENT.get(url).send().await?.error_for_status()?;
        response.json::<Vec<Queue>>().await
    };
    let queues = call.await.map_err(|error| reason(&error))?;
    Ok(queues.into_iter().map(|queue| (queue.name, queue.messages)).collect())
}

/// The queues of the virtual host that the AMQP URL names, which stands there encoded already.
fn queues_url(management: &str, amqp: &str) -> Option<Url> {
    let amqp = Url::parse(amqp).ok()?;
    let vhost = amqp.path().trim_start_matches('/');
    let vhost = if vhost.is_empty() { "%2F" } else { vhost };
    Url::parse(&format!("{}/api/queues/{vhost}?columns=name,messages", management.trim_end_matches('/'))).ok()
}

fn reason(error: &reqwest::Error) -> String {
    match error.status() {
        Some(status) => format!("RabbitMQ's management API answers {status}"),
        None if error.is_timeout() => {
            format!("RabbitMQ's management API is silent for {} s", TIMEOUT.as_secs())
        }
        None => "RabbitMQ's management API cannot be reached".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queues_of_the_virtual_host_are_asked_for() {
        let url = |amqp: &str| queues_url("http://u:p@h:15672/", amqp).unwrap().to_string();
        assert_eq!(url("amqp://u:p@h:5672/%2f"), "http://u:p@h:15672/api/queues/%2f?columns=name,messages");
        assert!(url("amqp://u:p@h:5672/shop-1").contains("/api/queues/shop-1?"));
        assert!(url("amqp://u:p@h:5672").contains("/api/queues/%2F?"));
    }
}
