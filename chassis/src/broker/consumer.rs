//! The consumer: micro-batches, one transaction for a batch, one multiple ack.
//!
//! A batch is whatever has already arrived, never waited for. Its order is: commit, then ack. A
//! message that cannot be read goes to the dead letters at once; one whose handling fails is tried
//! alone, so that it harms nobody else, and then climbs the retry ladder; while the database is
//! away all messages are held, and no attempt is spent.

#[cfg(feature = "faults")]
mod planted;

use std::{sync::Arc, time::Duration};

use chrono::{SecondsFormat, Utc};
use futures::{FutureExt as _, StreamExt as _};
use lapin::{
    Channel, Connection,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::{AMQPValue, FieldTable},
};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{
    ATTEMPT, ERROR_CLASS, ERROR_TEXT, FIRST_FAILED_AT, PRODUCER,
    connection::{BackOff, Connected, connect},
    incoming::{Incoming, Refusal, text},
    publisher::{Message, PublisherHandle, Sent, persistent},
};
use crate::{
    db::Fault,
    engine::Engine,
    faults::{Bug, Point, planted, point},
    participant::Participant,
    topology::{self, LADDER},
    work::{Cause, Work},
};

/// A question that is asked while its connection dies may never be answered; waiting longer for it
/// would silence this service for ever.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest error text a header carries; headers are no log.
const ERROR_TEXT_MAX: usize = 1_000;

/// How the consumer works; see `CONSUMER_*` in the configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Unacknowledged messages the broker may have with us.
    pub(crate) prefetch: u16,
    /// Events in one transaction.
    pub(crate) batch_size_max: usize,
}

#[derive(Debug)]
pub(crate) struct Consumer<P: Participant> {
    pub(crate) url: SecretString,
    pub(crate) engine: Arc<Engine<P>>,
    pub(crate) publisher: PublisherHandle,
    pub(crate) limits: Limits,
    pub(crate) connected: Connected,
}

/// Keeps a connection and consumes the inbox until stopped.
pub(crate) async fn run<P: Participant>(consumer: Consumer<P>, stop: CancellationToken) {
    let mut back_off = BackOff::default();
    loop {
        match consumer.serve(&stop, &mut back_off).await {
            Ok(()) => return,
            Err(error) => {
                consumer.connected.set(false);
                tracing::warn!(error = format!("{error:#}"), "consuming is interrupted; connecting again");
                if !back_off.wait(&stop).await {
                    return;
                }
            }
        }
    }
}

impl<P: Participant> Consumer<P> {
    async fn serve(&self, stop: &CancellationToken, back_off: &mut BackOff) -> anyhow::Result<()> {
        let connection = connect(&self.url, &format!("{} consume", P::SERVICE)).await?;
        let (channel, mut deliveries) = tokio::time::timeout(ANSWER_TIMEOUT, self.subscribe(&connection))
            .await
            .map_err(|_| anyhow::anyhow!("the broker gave no deliveries within {ANSWER_TIMEOUT:?}"))??;
        self.connected.set(true);
        tracing::info!(queue = P::SERVICE.inbox(), "consuming");
        loop {
            let first = tokio::select! {
                () = stop.cancelled() => None,
                delivery = deliveries.next() => Some(delivery),
            };
            let Some(first) = first else {
                // What is unacknowledged goes back to the queue.
                let _ =
                    tokio::time::timeout(Duration::from_secs(1), connection.close(200, "bye".into())).await;
                return Ok(());
            };
            // The end of the stream is a failure too: a deleted queue ends it silently.
            let first = first.ok_or_else(|| anyhow::anyhow!("the delivery stream ended"))??;
            let mut tag = first.delivery_tag;
            let mut batch = vec![Incoming::read(first, P::SERVICE)];
            while batch.len() < self.limits.batch_size_max {
                let Some(next) = deliveries.next().now_or_never() else { break };
                let next = next.ok_or_else(|| anyhow::anyhow!("the delivery stream ended"))??;
                tag = next.delivery_tag;
                batch.push(Incoming::read(next, P::SERVICE));
            }
            #[cfg(feature = "faults")]
            if planted(Bug::RetryByReject) {
                if !self.answer_one_by_one(batch, tag, &channel, stop).await? {
                    return Ok(());
                }
                continue;
            }
            if planted(Bug::AckBeforeCommit) {
                acknowledge(&channel, tag).await?;
            }
            if !self.handle(batch, &channel, stop).await? {
                return Ok(());
            }
            point(Point::BeforeAck);
            if !planted(Bug::AckBeforeCommit) {
                acknowledge(&channel, tag).await?;
            }
            #[cfg(feature = "faults")]
            self.copy_now().await;
            back_off.reset();
        }
    }

    async fn subscribe(&self, connection: &Connection) -> anyhow::Result<(Channel, lapin::Consumer)> {
        let channel = connection.create_channel().await?;
        channel.basic_qos(self.limits.prefetch, BasicQosOptions::default()).await?;
        let deliveries = channel
            .basic_consume(
                P::SERVICE.inbox().into(),
                format!("{}-{}", P::SERVICE, std::process::id()).into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        Ok((channel, deliveries))
    }

    /// Sees to it that each message of the batch is in the database, on the ladder or among the
    /// dead letters; `false` when told to stop before that was reached (nothing is acknowledged).
    async fn handle(
        &self,
        batch: Vec<Incoming>,
        channel: &Channel,
        stop: &CancellationToken,
    ) -> anyhow::Result<bool> {
        let mut readable = Vec::with_capacity(batch.len());
        for incoming in batch {
            match &incoming.content {
                Ok(_) => readable.push(incoming),
                Err(refusal) => self.dead_letter(&incoming, &refusal.clone()).await?,
            }
        }
        if readable.is_empty() {
            return Ok(true);
        }
        match self.process(&readable, channel, stop).await? {
            Processed::Written => Ok(true),
            Processed::Stopped => Ok(false),
            Processed::Failed(reason) if planted(Bug::AckOnFailure) => {
                tracing::error!(reason, "handling failed");
                Ok(true)
            }
            Processed::Failed(reason) if readable.len() == 1 => {
                self.retry(&readable[0], &reason).await?;
                Ok(true)
            }
            Processed::Failed(_) => {
                for incoming in readable {
                    match self.process(std::slice::from_ref(&incoming), channel, stop).await? {
                        Processed::Written => {}
                        Processed::Stopped => return Ok(false),
                        Processed::Failed(reason) => self.retry(&incoming, &reason).await?,
                    }
                }
                Ok(true)
            }
        }
    }

    /// One transaction; waits as long as the database is away.
    async fn process(
        &self,
        batch: &[Incoming],
        channel: &Channel,
        stop: &CancellationToken,
    ) -> anyhow::Result<Processed> {
        let works: Vec<Work<P>> = batch
            .iter()
            .filter_map(|incoming| {
                let envelope = incoming.content.as_ref().ok()?;
                Some(Work {
                    order: envelope.order_id(),
                    cause: Cause::event(envelope, incoming.resent),
                    input: P::event_input(envelope),
                })
            })
            .collect();
        let mut back_off = BackOff::default();
        loop {
            match self.engine.process(&works).await {
                Ok(_) => return Ok(Processed::Written),
                Err(Fault::Failed(reason)) => return Ok(Processed::Failed(reason)),
                Err(fault @ Fault::Unavailable(_)) => {
                    metrics::counter!("consumer_held_total").increment(1);
                    tracing::warn!(
                        error = format!("{:#}", anyhow::Error::new(fault)),
                        messages = works.len(),
                        "the database is away; holding messages"
                    );
                    if !back_off.wait(stop).await {
                        return Ok(Processed::Stopped);
                    }
                    anyhow::ensure!(
                        channel.status().connected(),
                        "the connection ended while messages were held"
                    );
                }
            }
        }
    }

    /// Puts a copy on the next rung of the ladder, or among the dead letters after the last.
    async fn retry(&self, incoming: &Incoming, reason: &str) -> anyhow::Result<()> {
        let Some(rung) = LADDER.get(incoming.attempt as usize) else {
            let refusal = Refusal {
                class: "exhausted",
                text: format!("given up after {} attempts: {reason}", incoming.attempt + 1),
            };
            return self.dead_letter(incoming, &refusal).await;
        };
        metrics::counter!("consumer_retries_total", "rung" => rung.name).increment(1);
        tracing::warn!(
            event_id = event_id(incoming),
            event_type = incoming.routing_key,
            attempt = incoming.attempt + 1,
            delay = rung.name,
            reason,
            "handling failed; trying again later"
        );
        let headers = failure_headers(incoming, "retry", reason);
        self.copy(incoming, topology::retry_exchange(P::SERVICE), rung.name.to_owned(), headers).await
    }

    async fn dead_letter(&self, incoming: &Incoming, refusal: &Refusal) -> anyhow::Result<()> {
        metrics::counter!("dead_letters_total", "class" => refusal.class).increment(1);
        tracing::error!(
            event_id = event_id(incoming),
            routing_key = incoming.routing_key,
            class = refusal.class,
            reason = refusal.text,
            "dead letter"
        );
        let headers = failure_headers(incoming, refusal.class, &refusal.text);
        let key = incoming.routing_key.clone();
        self.copy(incoming, topology::dead_letter_exchange(P::SERVICE), key, headers).await
    }

    /// Publishes a copy and waits for its confirm; only then may the original be acknowledged. A
    /// crash in between leaves both, and the inbox absorbs the second.
    async fn copy(
        &self,
        incoming: &Incoming,
        exchange: String,
        routing_key: String,
        headers: FieldTable,
    ) -> anyhow::Result<()> {
        let mut properties = persistent(P::SERVICE).with_headers(headers);
        if let Some(id) = incoming.properties.message_id() {
            properties = properties.with_message_id(id.clone());
        }
        if let Some(kind) = incoming.properties.kind() {
            properties = properties.with_type(kind.clone());
        }
        if let Some(correlation) = incoming.properties.correlation_id() {
            properties = properties.with_correlation_id(correlation.clone());
        }
        let message =
            Message { exchange, routing_key, mandatory: true, properties, body: incoming.body.clone() };
        #[cfg(feature = "faults")]
        if planted(Bug::AckBeforeCopy) {
            planted::copy_later(message);
            return Ok(());
        }
        let sent = self.publisher.publish(vec![message]).await;
        point(Point::AfterCopy);
        anyhow::ensure!(
            sent == [Sent::Confirmed],
            "a copy for retry or dead letters was not taken: {sent:?}"
        );
        Ok(())
    }
}

/// Acknowledges this delivery and all before it.
async fn acknowledge(channel: &Channel, tag: u64) -> anyhow::Result<()> {
    let ack = channel.basic_ack(tag, BasicAckOptions { multiple: true });
    tokio::time::timeout(ANSWER_TIMEOUT, ack)
        .await
        .map_err(|_| anyhow::anyhow!("an ack could not be sent within {ANSWER_TIMEOUT:?}"))??;
    Ok(())
}

enum Processed {
    Written,
    Failed(String),
    Stopped,
}

fn event_id(incoming: &Incoming) -> String {
    match &incoming.content {
        Ok(envelope) => envelope.event_id.to_string(),
        Err(_) => incoming.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// The original's headers, and what went wrong.
fn failure_headers(incoming: &Incoming, class: &str, reason: &str) -> FieldTable {
    let mut headers = without_deaths(incoming.properties.headers().as_ref());
    let words =
        |text: &str| AMQPValue::LongString(text.chars().take(ERROR_TEXT_MAX).collect::<String>().into());
    headers.insert(ATTEMPT.into(), AMQPValue::LongUInt(incoming.attempt.saturating_add(1)));
    if text(&headers, FIRST_FAILED_AT).is_none() {
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        headers.insert(FIRST_FAILED_AT.into(), words(&now));
    }
    headers.insert(ERROR_CLASS.into(), words(class));
    headers.insert(ERROR_TEXT.into(), words(reason));
    headers.insert(PRODUCER.into(), words(&incoming.producer));
    headers
}

/// The headers without the broker's own record of dead-lettering: one that names this inbox would
/// make the way back from the ladder look like a cycle, and the broker drops what goes in cycles.
fn without_deaths(headers: Option<&FieldTable>) -> FieldTable {
    let mut kept = FieldTable::default();
    for (name, value) in headers.iter().flat_map(|table| table.inner()) {
        let by_broker = ["x-death", "x-first-death", "x-last-death"];
        if !by_broker.iter().any(|prefix| name.as_str().starts_with(prefix)) {
            kept.insert(name.clone(), value.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_for_the_ladder_forgets_that_the_broker_once_parked_it() {
        let mut headers = FieldTable::default();
        for name in ["x-death", "x-first-death-queue", "x-last-death-reason", "x-attempt", "version"] {
            headers.insert(name.into(), AMQPValue::LongUInt(1));
        }
        let kept = without_deaths(Some(&headers));
        let names: Vec<_> = kept.inner().keys().map(|name| name.as_str()).collect();
        assert_eq!(names, ["version", "x-attempt"]);
    }
}
