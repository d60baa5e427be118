//! A delivery, read: the envelope or the reason why there is none, and what its headers say.

use lapin::{
    BasicProperties,
    message::Delivery,
    types::{AMQPValue, FieldTable},
};
use shared_events::{Envelope, Service};

use super::{ATTEMPT, PRODUCER, RESEND};
use crate::topology::OPERATOR;

/// A message as the consumer sees it.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) body: Vec<u8>,
    pub(crate) properties: BasicProperties,
    pub(crate) routing_key: String,
    /// Attempts made before this one.
    pub(crate) attempt: u32,
    pub(crate) resent: bool,
    /// Who published it, by the broker's word.
    pub(crate) producer: String,
    pub(crate) content: Result<Envelope, Refusal>,
}

/// Why a message goes to the dead letters at once.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) class: &'static str,
    pub(crate) text: String,
}

impl Incoming {
    /// Reads a delivery to the inbox of `consumer`.
    pub(crate) fn read(delivery: Delivery, consumer: Service) -> Self {
        let headers = delivery.properties.headers().clone().unwrap_or_default();
        let user = delivery.properties.user_id().as_ref().map(ToString::to_string).unwrap_or_default();
        let producer = producer(&user, &headers, consumer);
        let content = content(&delivery.data, consumer, &producer);
        Self {
            routing_key: delivery.routing_key.to_string(),
            attempt: number(&headers, ATTEMPT),
            resent: number(&headers, RESEND) > 0,
            producer,
            content,
            properties: delivery.properties,
            body: delivery.data,
        }
    }
}

/// Who said it first. A retry copy comes from its consumer and a redriven dead letter from an
/// operator; both name the producer that was verified when the original arrived. Nobody else is
/// believed, and no service may write to another one's redelivery exchange.
fn producer(user: &str, headers: &FieldTable, consumer: Service) -> String {
    let copied = user == consumer.name() || user == OPERATOR;
    text(headers, PRODUCER).filter(|_| copied).unwrap_or_else(|| user.to_owned())
}

fn content(body: &[u8], consumer: Service, producer: &str) -> Result<Envelope, Refusal> {
    let envelope =
        Envelope::decode(body).map_err(|error| Refusal { class: error.class(), text: error.to_string() })?;
    let entry = envelope.event_type().entry();
    if entry.producer.name() != producer {
        let text = format!("`{}` is said by {}, not by `{producer}`", entry.event_type, entry.producer);
        return Err(Refusal { class: "wrong_producer", text });
    }
    if !entry.is_consumed_by(consumer) {
        let text = format!("`{}` is not for {consumer}", entry.event_type);
        return Err(Refusal { class: "not_for_us", text });
    }
    Ok(envelope)
}

// Header values come in sixteen types; the two texts are the only ones meant here.
#[allow(clippy::wildcard_enum_match_arm)]
pub(crate) fn text(headers: &FieldTable, name: &str) -> Option<String> {
    match headers.inner().get(name)? {
        AMQPValue::LongString(value) => Some(value.to_string()),
        AMQPValue::ShortString(value) => Some(value.to_string()),
        _ => None,
    }
}

// … and any whole number will do, whatever width the sender chose.
#[allow(clippy::wildcard_enum_match_arm)]
fn number(headers: &FieldTable, name: &str) -> u32 {
    let value = headers.inner().get(name).map_or(0, |value| match value {
        AMQPValue::ShortShortInt(n) => i64::from(*n),
        AMQPValue::ShortInt(n) => i64::from(*n),
        AMQPValue::LongInt(n) => i64::from(*n),
        AMQPValue::LongLongInt(n) => *n,
        AMQPValue::ShortShortUInt(n) => i64::from(*n),
        AMQPValue::ShortUInt(n) => i64::from(*n),
        AMQPValue::LongUInt(n) => i64::from(*n),
        _ => 0,
    });
    value.try_into().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_copy_of_our_own_or_a_redrive_may_name_another_producer() {
        let mut headers = FieldTable::default();
        headers.insert(PRODUCER.into(), AMQPValue::LongString("order".into()));
        let heard = |user: &str| producer(user, &headers, Service::Inventory);
        assert_eq!(heard("inventory"), "order", "a retry copy");
        assert_eq!(heard("operator"), "order", "a redriven dead letter");
        assert_eq!(heard("payment"), "payment", "somebody who claims to be another");
        assert_eq!(producer("order", &FieldTable::default(), Service::Inventory), "order", "an original");
    }
}
