//! A tap: a temporary queue of the operator's that sees the events of all services as they pass.
//! For command-line tools and tests; a service's own events never travel this way.

use futures::StreamExt as _;
use lapin::{
    Connection, Consumer,
    options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};
use secrecy::SecretString;
use shared_events::{Envelope, EventType, Service};
use uuid::Uuid;

use super::connection::connect;

/// An open tap; closing the connection removes its queue.
#[derive(Debug)]
pub struct Tap {
    /// Held so that the queue, which belongs to this connection alone, lives as long as the tap.
    _connection: Connection,
    deliveries: Consumer,
}

impl Tap {
    /// Opens a tap for these event types (all, when empty). The user needs the rights of
    /// `operator`: to make queues named `sagactl.*` and to read every `*.events` exchange.
    ///
    /// # Errors
    /// When the broker cannot be reached, or the user lacks a right.
    pub async fn open(url: &SecretString, types: &[EventType]) -> anyhow::Result<Self> {
        let connection = connect(url, "sagactl tap").await?;
        let channel = connection.create_channel().await?;
        let queue = format!("sagactl.tap.{}", Uuid::new_v4());
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
        channel.queue_declare(queue.as_str().into(), options, FieldTable::default()).await?;
        let mut bindings: Vec<(Service, &str)> = types.iter().map(|t| (t.producer(), t.as_str())).collect();
        if bindings.is_empty() {
            bindings = Service::ALL.iter().filter(|s| s.produces()).map(|service| (*service, "#")).collect();
        }
        for (producer, key) in bindings {
            channel
                .queue_bind(
                    queue.as_str().into(),
                    producer.exchange().into(),
                    key.into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                )
                .await?;
        }
        // Without acknowledgements: the queue dies with the connection anyway, and `next` has nothing
        // to lose when a caller gives up waiting in the middle of it.
        let deliveries = channel
            .basic_consume(
                queue.as_str().into(),
                "sagactl".into(),
                BasicConsumeOptions { no_ack: true, ..Default::default() },
                FieldTable::default(),
            )
            .await?;
        Ok(Self { _connection: connection, deliveries })
    }

    /// The next event; waits for it. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the connection ends: the tap is over, and events may have been missed.
    pub async fn next(&mut self) -> anyhow::Result<Envelope> {
        loop {
            let delivery =
                self.deliveries.next().await.ok_or_else(|| anyhow::anyhow!("the tap was closed"))??;
            match Envelope::decode(&delivery.data) {
                Ok(envelope) => return Ok(envelope),
                // What a newer release says is not for this tool.
                Err(error) => tracing::warn!(%error, "the tap saw a message it cannot read"),
            }
        }
    }
}
