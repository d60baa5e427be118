//! Publishing with confirms: one task, one channel, one batch at a time.
//!
//! The broker confirms and returns in its own order, and lapin can attach a returned message to the
//! wrong confirm when publishes are pipelined. So a batch is published, all of its confirms are
//! awaited, the message ids of all returns are collected, and only a message that is acknowledged
//! and not among the returned ones counts as sent.

use std::{collections::HashSet, time::Duration};

use lapin::{
    BasicProperties, Channel, Confirmation, ErrorKind,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    protocol::{AMQPErrorKind, AMQPSoftError},
    types::{AMQPValue, FieldTable},
};
use secrecy::SecretString;
use shared_events::{EventId, Service};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    CAUSATION, RESEND, VERSION,
    connection::{BackOff, Connected, connect},
};
use crate::{
    faults::{Bug, planted},
    outbox::Outgoing,
};

/// Batches that may wait for the channel.
const WAITING_MAX: usize = 64;
/// A broker that confirms nothing for so long leaves the outcome of the rest unknown: the channel is
/// closed and the sender tries again. As long as confirms keep coming, however slowly, they are waited
/// for: sending a whole batch again would only add to the load of a broker that is behind. Every other
/// question to the broker has the same limit: one that is asked while its connection dies may never be
/// answered, and would silence this service for ever.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a message may break its channel, alone, before it is the culprit.
const BROKEN_CHANNELS_MAX: u32 = 2;

/// A message to publish.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) exchange: String,
    pub(crate) routing_key: String,
    /// Whether a message that reaches no queue is to come back.
    pub(crate) mandatory: bool,
    pub(crate) properties: BasicProperties,
    pub(crate) body: Vec<u8>,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The broker has it, durably, in every queue that is bound.
    Confirmed,
    /// No queue is bound; the broker gave it back.
    Returned,
    /// This very message breaks the channel.
    Refused,
    /// The connection ended before the confirm: it may or may not be there.
    Unknown,
}

impl Message {
    /// An outbox row as a message of its producer's exchange.
    pub(crate) fn event(row: &Outgoing) -> Self {
        let entry = row.event_type.entry();
        let producer = entry.producer;
        let mut headers = FieldTable::default();
        headers.insert(VERSION.into(), AMQPValue::LongUInt(row.event_type.version()));
        if let Some(EventId(cause)) = row.causation_id {
            headers.insert(CAUSATION.into(), AMQPValue::LongString(cause.to_string().into()));
        }
        if row.resends > 0 {
            headers.insert(RESEND.into(), AMQPValue::LongInt(row.resends));
        }
        let properties = persistent(producer)
            .with_message_id(row.event_id.to_string().into())
            .with_type(row.event_type.as_str().into())
            .with_correlation_id(row.correlation_id.to_string().into())
            .with_timestamp(row.timestamp_seconds)
            .with_headers(headers);
        Self {
            exchange: producer.exchange(),
            routing_key: row.event_type.as_str().to_owned(),
            // Without any consumer in the table the broker would always give it back.
            mandatory: !entry.consumers.is_empty(),
            properties,
            body: row.body.clone().into_bytes(),
        }
    }

    fn id(&self) -> &str {
        self.properties.message_id().as_ref().map_or("", |id| id.as_str())
    }
}

/// Properties of every message we publish. The broker refuses a `user_id` that is not the
/// connection's own user, so consumers can trust it.
pub(crate) fn persistent(service: Service) -> BasicProperties {
    BasicProperties::default()
        .with_content_type("application/json".into())
        .with_delivery_mode(2)
        .with_app_id(service.name().into())
        .with_user_id(service.name().into())
}

#[derive(Debug)]
struct Batch {
    messages: Vec<Message>,
    reply: oneshot::Sender<Vec<Sent>>,
}

/// Where messages are handed in.
#[derive(Clone, Debug)]
pub(crate) struct PublisherHandle {
    sender: mpsc::Sender<Batch>,
    connected: Connected,
}

impl PublisherHandle {
    /// Publishes and waits for all confirms; one answer per message, in order. While the broker is
    /// away this waits.
    pub(crate) async fn publish(&self, messages: Vec<Message>) -> Vec<Sent> {
        let count = messages.len();
        let (reply, answer) = oneshot::channel();
        if self.sender.send(Batch { messages, reply }).await.is_err() {
            return vec![Sent::Unknown; count];
        }
        answer.await.unwrap_or_else(|_| vec![Sent::Unknown; count])
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connected.get()
    }

    pub(crate) fn connected(&self) -> Connected {
        self.connected.clone()
    }
}

/// The publisher's own end, taken by [`run`].
#[derive(Debug)]
pub(crate) struct Publisher {
    url: SecretString,
    name: String,
    receiver: mpsc::Receiver<Batch>,
    connected: Connected,
}

pub(crate) fn channel(url: SecretString, name: &str) -> (PublisherHandle, Publisher) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let connected = Connected::default();
    let handle = PublisherHandle { sender, connected: connected.clone() };
    (handle, Publisher { url, name: format!("{name} publish"), receiver, connected })
}

/// Keeps a connection and publishes what is handed in, until stopped.
pub(crate) async fn run(mut publisher: Publisher, stop: CancellationToken) {
    let mut back_off = BackOff::default();
    loop {
        match serve(&mut publisher, &stop, &mut back_off).await {
            Ok(()) => return,
            Err(error) => {
                publisher.connected.set(false);
                tracing::warn!(error = format!("{error:#}"), "publishing is interrupted; connecting again");
                if !back_off.wait(&stop).await {
                    return;
                }
            }
        }
    }
}

async fn serve(
    publisher: &mut Publisher,
    stop: &CancellationToken,
    back_off: &mut BackOff,
) -> anyhow::Result<()> {
    let connection = connect(&publisher.url, &publisher.name).await?;
    let channel = confirming_channel(&connection).await?;
    publisher.connected.set(true);
    tracing::info!("publishing");
    let mut look = tokio::time::interval(Duration::from_secs(1));
    loop {
        let batch = tokio::select! {
            biased;
            batch = publisher.receiver.recv() => batch,
            () = stop.cancelled() => publisher.receiver.try_recv().ok(),
            // A connection that dies while nothing is published must be noticed as well.
            _ = look.tick() => {
                anyhow::ensure!(connection.status().connected() && channel.status().connected(), "connection lost");
                continue;
            }
        };
        let Some(batch) = batch else {
            // Closing politely is a courtesy; the process is about to end.
            let _ = tokio::time::timeout(Duration::from_secs(1), connection.close(200, "bye".into())).await;
            return Ok(());
        };
        let Outcome { sent, failure, is_silent } = send(&channel, &batch.messages).await;
        let closed = !channel.status().connected();
        if closed && connection.status().connected() {
            // A channel error on a living connection: one of these messages may be the culprit.
            let sent = one_by_one(&connection, &batch.messages, sent).await;
            let _ = batch.reply.send(sent);
            anyhow::bail!("the channel was closed by the broker");
        }
        let _ = batch.reply.send(sent);
        anyhow::ensure!(!closed && failure.is_none(), "connection lost");
        anyhow::ensure!(!is_silent, "the broker confirmed nothing for {CONFIRM_TIMEOUT:?}");
        back_off.reset();
    }
}

async fn confirming_channel(connection: &lapin::Connection) -> anyhow::Result<Channel> {
    let open = async {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        anyhow::Ok(channel)
    };
    tokio::time::timeout(CONFIRM_TIMEOUT, open)
        .await
        .map_err(|_| anyhow::anyhow!("the broker opened no channel within {CONFIRM_TIMEOUT:?}"))?
}

/// What became of a batch.
struct Outcome {
    sent: Vec<Sent>,
    /// The first error, if there was one.
    failure: Option<lapin::Error>,
    /// Whether the broker was waited for in vain. A message that it refuses to take now (its queue is
    /// full) is unknown as well, and no reason to end the connection.
    is_silent: bool,
}

/// Publishes a batch and awaits every confirm.
async fn send(channel: &Channel, messages: &[Message]) -> Outcome {
    let mut confirms = Vec::with_capacity(messages.len());
    let (mut failure, mut is_silent) = (None, false);
    let mut deadline = tokio::time::Instant::now() + CONFIRM_TIMEOUT;
    for message in messages {
        let published = channel.basic_publish(
            message.exchange.as_str().into(),
            message.routing_key.as_str().into(),
            BasicPublishOptions { mandatory: message.mandatory, ..Default::default() },
            &message.body,
            message.properties.clone(),
        );
        match tokio::time::timeout_at(deadline, published).await {
            Ok(Ok(confirm)) => confirms.push(confirm),
            Ok(Err(error)) => {
                failure = Some(error);
                break;
            }
            Err(_) => {
                is_silent = true;
                break;
            }
        }
    }
    let mut sent = vec![Sent::Unknown; messages.len()];
    if planted(Bug::MarkBeforeConfirm) {
        sent[..confirms.len()].fill(Sent::Confirmed);
        return Outcome { sent, failure, is_silent };
    }
    let mut returned: HashSet<String> = HashSet::new();
    for (slot, confirm) in sent.iter_mut().zip(confirms) {
        let confirmation = match tokio::time::timeout_at(deadline, confirm).await {
            Ok(Ok(confirmation)) => confirmation,
            Ok(Err(error)) => {
                failure.get_or_insert(error);
                continue;
            }
            Err(_) => {
                is_silent = true;
                continue;
            }
        };
        if !is_silent {
            deadline = tokio::time::Instant::now() + CONFIRM_TIMEOUT;
        }
        if confirmation.is_ack() {
            *slot = Sent::Confirmed;
        }
        if let Confirmation::Ack(Some(message)) | Confirmation::Nack(Some(message)) = confirmation {
            let id = message.delivery.properties.message_id().as_ref().map(ToString::to_string);
            returned.insert(id.unwrap_or_default());
        }
    }
    if !returned.is_empty() && !planted(Bug::ReturnedIsSent) {
        for (slot, message) in sent.iter_mut().zip(messages) {
            if *slot == Sent::Confirmed && returned.contains(message.id()) {
                *slot = Sent::Returned;
            }
        }
    }
    Outcome { sent, failure, is_silent }
}

/// Whether the broker finds fault with the message itself (it is too large, or its properties are
/// false). A missing exchange or right is a fault of the topology: the event has to wait until
/// somebody mends it.
fn is_own_fault(error: &lapin::Error) -> bool {
    let ErrorKind::ProtocolError(error) = error.kind() else { return false };
    *error.kind() == AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED)
}

/// Sends what is unknown again, each alone on a channel of its own, to find the one that the broker
/// refuses. Duplicates are absorbed by the consumers.
async fn one_by_one(connection: &lapin::Connection, messages: &[Message], mut sent: Vec<Sent>) -> Vec<Sent> {
    for (slot, message) in sent.iter_mut().zip(messages).filter(|(slot, _)| **slot == Sent::Unknown) {
        for attempt in 1..=BROKEN_CHANNELS_MAX {
            let Ok(channel) = confirming_channel(connection).await else { return sent };
            let Outcome { sent: outcome, failure, .. } = send(&channel, std::slice::from_ref(message)).await;
            *slot = outcome[0];
            if *slot != Sent::Unknown {
                break;
            }
            // Silence and a lost connection are nobody's fault.
            let Some(error) = failure else { return sent };
            if !is_own_fault(&error) {
                tracing::error!(exchange = message.exchange, %error, "the broker does not take events");
                return sent;
            }
            if attempt == BROKEN_CHANNELS_MAX {
                *slot = Sent::Refused;
            }
        }
    }
    sent
}
