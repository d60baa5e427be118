//! Dead letters: each says why.

use reqwest::Method;
use serde_json::{Value, json};
use shared_events::Service;
use uuid::Uuid;

use crate::Platform;

/// More than any fault makes, so that none is overlooked.
const LETTERS_MAX: u32 = 100_000;
/// Bodies are not looked at, and may be huge.
const BODY_BYTES_MAX: u32 = 200;

/// A message that a service gave up.
#[derive(Clone, Debug)]
pub struct DeadLetter {
    /// Who.
    pub service: Service,
    /// The event's id, where its message has one.
    pub event: Option<Uuid>,
    /// Under which key it came.
    pub routing_key: String,
    /// Its headers.
    pub headers: Value,
}

/// All dead letters of a platform, looked at and put back.
pub async fn dead_letters(platform: &Platform) -> Vec<DeadLetter> {
    let mut letters = Vec::new();
    for service in platform.services() {
        let path = format!("queues/{}/{service}.dlq/get", platform.broker().vhost());
        let wish = json!({
            "count": LETTERS_MAX, "ackmode": "ack_requeue_true", "encoding": "auto", "truncate": BODY_BYTES_MAX,
        });
        let found = platform.broker().admin(Method::POST, &path, Some(wish)).await;
        letters.extend(found.as_array().unwrap().iter().map(|letter| read(*service, letter)));
    }
    letters
}

fn read(service: Service, letter: &Value) -> DeadLetter {
    let properties = &letter["properties"];
    DeadLetter {
        service,
        event: properties["message_id"].as_str().and_then(|id| id.parse().ok()),
        routing_key: letter["routing_key"].as_str().unwrap_or_default().to_owned(),
        headers: properties["headers"].clone(),
    }
}

/// Each dead letter says what class of error, in which words, after how many attempts, and who sent it.
#[must_use]
pub fn told_why(letters: &[DeadLetter]) -> Vec<String> {
    let silent = |letter: &DeadLetter| {
        let text = |name: &str| letter.headers[name].as_str().is_some_and(|text| !text.is_empty());
        let mut missing = Vec::new();
        missing
            .extend(["x-error-class", "x-error-text", "x-producer"].into_iter().filter(|name| !text(name)));
        missing.extend((!letter.headers["x-attempt"].is_u64()).then_some("x-attempt"));
        (!missing.is_empty()).then(|| {
            let (service, key, event) = (letter.service, &letter.routing_key, letter.event);
            format!("a dead letter of {service} ({key}, event {event:?}) has no {}", missing.join(", "))
        })
    };
    letters.iter().filter_map(silent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_that_does_not_say_why_is_told() {
        let letter = json!({
            "routing_key": "order.placed",
            "properties": { "message_id": Uuid::nil(), "headers": {
                "x-error-class": "malformed", "x-error-text": "no JSON", "x-producer": "order", "x-attempt": 1,
            }},
        });
        let well = read(Service::Payment, &letter);
        assert_eq!(well.event, Some(Uuid::nil()));
        assert_eq!(told_why(std::slice::from_ref(&well)), Vec::<String>::new());
        for name in ["x-error-class", "x-error-text", "x-producer", "x-attempt"] {
            let mut silent = well.clone();
            silent.headers.as_object_mut().unwrap().remove(name);
            assert!(told_why(&[silent])[0].contains(name), "{name}");
        }
        let by_broker = DeadLetter { headers: Value::Null, ..well };
        assert_eq!(told_why(&[by_broker]).len(), 1);
    }
}
