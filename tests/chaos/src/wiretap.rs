//! A durable queue bound to every producer's exchange, which sees what really goes over the wire.
//!
//! It is bound before the first order and emptied by a consumer of the suite's own, who comes back
//! after every fault of the broker. Since it hears everything, no event is unroutable on a platform
//! that is wiretapped; tests of their own hold what happens to those.
//!
//! A fault that publishes well-formed events of its own invention to a `<producer>.events` exchange
//! marks them with the header [`FORGED`], or they count as published without a commit. What cannot be
//! read as an event needs no mark, and events that were said already may be said again by anybody.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::StreamExt as _;
use lapin::{
    BasicProperties, Connection, ConnectionProperties, Consumer,
    message::Delivery,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions},
    types::FieldTable,
};
use shared_events::{Envelope, Service};
use system_tests::Platform;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Its name on the broker.
pub(crate) const QUEUE: &str = "chaos.wiretap";
/// The header of an event that a fault has invented.
pub(crate) const FORGED: &str = "x-forged";
/// More would wait in memory here than there.
const PREFETCH: u16 = 1_000;
/// Between two attempts to connect: the suite must not miss the moment at which the broker is back.
const PAUSE: Duration = Duration::from_millis(200);
/// A broker that is on its knees must not keep the tap from trying again.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How often a silent connection is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The tap of one platform.
pub(crate) struct Wiretap {
    seen: Arc<Mutex<Seen>>,
    listening: JoinHandle<()>,
}

/// What the tap saw so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// How often each event was published, as far as can be told: the tap's own redeliveries do not count.
    pub(crate) times: BTreeMap<Uuid, u64>,
    /// Messages that are no event.
    pub(crate) unreadable: u64,
    /// Events that a fault has invented.
    pub(crate) forged: u64,
}

impl Seen {
    /// Every event that passed.
    pub(crate) fn ids(&self) -> BTreeSet<Uuid> {
        self.times.keys().copied().collect()
    }

    /// Events that passed more than once.
    pub(crate) fn repeated(&self) -> usize {
        self.times.values().filter(|times| **times > 1).count()
    }

    fn take(&mut self, body: &[u8], properties: &BasicProperties, redelivered: bool) {
        let is_forged =
            properties.headers().as_ref().is_some_and(|headers| headers.inner().contains_key(FORGED));
        match Envelope::decode(body) {
            _ if is_forged => self.forged += 1,
            Err(_) => self.unreadable += 1,
            Ok(envelope) => {
                let times = self.times.entry(envelope.event_id.0).or_default();
                // A redelivery is nothing new, unless its first delivery never got here.
                *times = if redelivered { (*times).max(1) } else { *times + 1 };
            }
        }
    }
}

impl Wiretap {
    /// Binds the queue and begins to listen.
    pub(crate) async fn begin(platform: &Platform) -> anyhow::Result<Self> {
        let server = platform.stack().get("AMQP_ADMIN_URL");
        let server = server.rsplit_once('/').map_or(server, |(server, _)| server);
        let url = format!("{server}/{}?heartbeat=10", platform.name());
        let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
        bind(&connection, platform.services()).await?;
        let _ = connection.close(200, "bound".into()).await;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let listening = tokio::spawn({
            let seen = seen.clone();
            async move {
                loop {
                    // Whatever ends it, a dead broker or a cut connection: the queue keeps the rest.
                    let _ = listen(&url, &seen).await;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        });
        Ok(Self { seen, listening })
    }

    /// What passed so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Wiretap {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn bind(connection: &Connection, services: &[Service]) -> lapin::Result<()> {
    let channel = connection.create_channel().await?;
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(QUEUE.into(), durable, FieldTable::default()).await?;
    for service in services.iter().filter(|service| service.produces()) {
        let (exchange, options) = (service.exchange(), QueueBindOptions::default());
        channel.queue_bind(QUEUE.into(), exchange.into(), "#".into(), options, FieldTable::default()).await?;
    }
    Ok(())
}

async fn listen(url: &str, seen: &Mutex<Seen>) -> anyhow::Result<()> {
    // A question that is asked while its connection dies may never be answered.
    let (connection, mut deliveries) = tokio::time::timeout(ANSWER_WITHIN, subscribe(url)).await??;
    loop {
        let delivery = match tokio::time::timeout(LOOK_EVERY, deliveries.next()).await {
            Ok(Some(delivery)) => delivery?,
            Ok(None) => return Ok(()),
            Err(_) => {
                anyhow::ensure!(connection.status().connected(), "the connection ended in silence");
                continue;
            }
        };
        let Delivery { data, properties, redelivered, acker, .. } = delivery;
        seen.lock().unwrap().take(&data, &properties, redelivered);
        tokio::time::timeout(ANSWER_WITHIN, acker.ack(BasicAckOptions::default())).await??;
    }
}

async fn subscribe(url: &str) -> lapin::Result<(Connection, Consumer)> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    let deliveries = channel.basic_consume(QUEUE.into(), "chaos".into(), options, arguments).await?;
    Ok((connection, deliveries))
}

#[cfg(test)]
mod tests {
    use lapin::types::AMQPValue;
    use shared_events::EventType;

    use super::*;

    #[test]
    fn what_passes_twice_is_counted_and_what_the_tap_gets_again_is_not() {
        let body = EventType::OrderPlaced.example().as_bytes();
        let (plain, mut seen) = (BasicProperties::default(), Seen::default());
        seen.take(body, &plain, true);
        seen.take(body, &plain, true);
        assert_eq!((seen.ids().len(), seen.repeated()), (1, 0));
        seen.take(body, &plain, false);
        assert_eq!((seen.ids().len(), seen.repeated()), (1, 1));
    }

    #[test]
    fn nonsense_and_forgeries_are_no_events() {
        let mut seen = Seen::default();
        seen.take(b"{", &BasicProperties::default(), false);
        let mut headers = FieldTable::default();
        headers.insert(FORGED.into(), AMQPValue::Boolean(true));
        let forged = BasicProperties::default().with_headers(headers);
        seen.take(EventType::OrderPlaced.example().as_bytes(), &forged, false);
        assert_eq!((seen.ids().len(), seen.unreadable, seen.forged), (0, 1, 1));
    }
}
