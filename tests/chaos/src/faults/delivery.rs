//! Every event delivered several times, late and out of order.
//!
//! A repeater stands in the middle: the producers' exchanges lead to its queue instead of the
//! inboxes, and it hands each event to every consumer that hears it two to five times, each copy
//! with a delay of its own. It acknowledges an event when the broker has confirmed all copies.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::StreamExt as _;
use lapin::{
    Channel,
    message::Delivery,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions,
        QueueDeleteOptions,
    },
    types::FieldTable,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use shared_events::{EventType, Service, catalogue::CATALOGUE};
use system_tests::Platform;
use tokio::{task::JoinHandle, time::Instant};
use uuid::Uuid;

use super::impersonator::{Impersonator, publish};
use crate::{
    arena::{Arena, Tally},
    customers::Traffic,
    fault::{Evidence, Fault, Trials, by_build, everybody, participants},
};

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "every event two to five times",
        what: "each event to each of its consumers 2 to 5 times, each copy 0 to 2 s late, some up to 20 s",
        trials: Trials { sample: 80, full: 2_000 },
        options: everybody,
        traffic: || Traffic::mixed(by_build(12.0, 15.0)),
        inject: |arena| Box::pin(repeated(arena)),
        evidence: &[Evidence::DuplicatesDropped, Evidence::EarlyCompensations, Evidence::BothEnds],
    },
    Fault {
        name: "every event two to five times, many orders",
        what: "the same for the services that carry the saga alone",
        trials: Trials { sample: 0, full: 18_200 },
        options: participants,
        traffic: || Traffic::mixed(40.0),
        inject: |arena| Box::pin(repeated(arena)),
        evidence: &[Evidence::DuplicatesDropped, Evidence::EarlyCompensations, Evidence::BothEnds],
    },
];

const QUEUE: &str = "chaos.repeater";
/// Events that may be under way to the inboxes at once.
const PREFETCH: u16 = 20_000;
/// One copy in so many is later than the others.
const STRAGGLERS: u32 = 60;
/// How late most copies are at most.
const LATE_MILLIS: u64 = 2_000;
/// The same for stragglers; a short run cannot wait that long.
const STRAGGLER_MILLIS: u64 = 20_000;
const STRAGGLER_MILLIS_SHORT: u64 = 4_000;
/// Trials from which a run is a long one.
const LONG_RUN: usize = 1_000;
/// How long the orders may take to end after the last was placed, and the repeater to fall silent.
const ENDING: Duration = Duration::from_secs(120);

/// What went through.
#[derive(Default)]
struct Counts {
    events: AtomicUsize,
    copies: AtomicUsize,
    /// Events whose copies are not all confirmed.
    under_way: AtomicUsize,
    /// Orders whose first event went through.
    orders: Mutex<HashSet<Uuid>>,
    complaints: Mutex<Vec<String>>,
}

struct Repeater {
    impersonator: Impersonator,
    channel: Channel,
    counts: Arc<Counts>,
    working: JoinHandle<()>,
}

async fn repeated(arena: &Arena) {
    let stragglers = if arena.wanted() >= LONG_RUN { STRAGGLER_MILLIS } else { STRAGGLER_MILLIS_SHORT };
    let dice = StdRng::seed_from_u64(arena.roll(|dice| dice.random()));
    let repeater = Repeater::stand(&arena.platform, dice, stragglers).await;
    while arena.goes_on() && !repeater.working.is_finished() {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let multiplied = repeater.counts.orders.lock().unwrap().len();
        // Every one of them is on its way when its events are multiplied.
        (arena.counted().trials..multiplied.min(arena.wanted())).for_each(|_| arena.trial(true));
    }
    arena.customers.close();
    let deadline = Instant::now() + ENDING;
    while arena.in_flight().await > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    if !repeater.falls_silent(deadline).await {
        arena.violation("the repeater did not get rid of all it was given".to_owned());
    }
    let counts = repeater.leave(&arena.platform).await;
    counts.complaints.lock().unwrap().drain(..).for_each(|complaint| arena.violation(complaint));
    let multiplied = counts.orders.lock().unwrap().len();
    arena.tally(Tally::MultipliedOrders, multiplied as u64);
    arena.figure("orders multiplied", multiplied);
    arena.figure("events", counts.events.load(Ordering::SeqCst));
    arena.figure("deliveries", counts.copies.load(Ordering::SeqCst));
    arena.recovers().await;
}

/// Which of these platforms' inboxes is bound to which events.
fn bindings(platform: &Platform) -> impl Iterator<Item = (EventType, Service)> {
    CATALOGUE
        .iter()
        .flat_map(|entry| platform.hearers(entry.event_type).map(move |hearer| (entry.event_type, hearer)))
}

impl Repeater {
    /// First the new way, then the old one is closed: meanwhile an event may take both.
    async fn stand(platform: &Platform, dice: StdRng, stragglers: u64) -> Self {
        let impersonator = Impersonator::enter(platform).await;
        let channel = impersonator.channel().await;
        let durable = QueueDeclareOptions { durable: true, ..Default::default() };
        channel.queue_declare(QUEUE.into(), durable, FieldTable::default()).await.unwrap();
        for service in Service::ALL.iter().filter(|service| service.produces()) {
            let (exchange, options) = (service.exchange(), QueueBindOptions::default());
            let all = "#".into();
            channel
                .queue_bind(QUEUE.into(), exchange.into(), all, options, FieldTable::default())
                .await
                .unwrap();
        }
        for (event, hearer) in bindings(platform) {
            let (inbox, exchange) = (hearer.inbox(), event.producer().exchange());
            let key = event.as_str().into();
            channel.queue_unbind(inbox.into(), exchange.into(), key, FieldTable::default()).await.unwrap();
        }
        let counts = Arc::new(Counts::default());
        let hearers = move |event: EventType, running: &[Service]| -> Vec<Service> {
            running.iter().copied().filter(|service| event.entry().is_consumed_by(*service)).collect()
        };
        let running = platform.services().to_vec();
        let (consuming, publishing) = (impersonator.channel().await, impersonator.channel().await);
        consuming.basic_qos(PREFETCH, BasicQosOptions::default()).await.unwrap();
        let options = BasicConsumeOptions::default();
        let mut deliveries = consuming
            .basic_consume(QUEUE.into(), "repeater".into(), options, FieldTable::default())
            .await
            .unwrap();
        let (counting, mut dice) = (counts.clone(), dice);
        let working = tokio::spawn(async move {
            while let Some(Ok(delivery)) = deliveries.next().await {
                let Ok(event) = delivery.routing_key.as_str().parse::<EventType>() else {
                    counting.complain(format!("`{}` is no event type", delivery.routing_key));
                    continue;
                };
                let plan = plan(&hearers(event, &running), &mut dice, stragglers);
                counting.enter(event, &delivery);
                tokio::spawn(repeat(delivery, plan, publishing.clone(), counting.clone()));
            }
        });
        Self { impersonator, channel, counts, working }
    }

    /// Whether nothing was under way for a second, before the deadline.
    async fn falls_silent(&self, deadline: Instant) -> bool {
        let mut seen = usize::MAX;
        while Instant::now() < deadline + ENDING {
            let events = self.counts.events.load(Ordering::SeqCst);
            if events == seen && self.counts.under_way.load(Ordering::SeqCst) == 0 {
                return true;
            }
            seen = events;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        false
    }

    /// Opens the old way again and then goes.
    async fn leave(self, platform: &Platform) -> Arc<Counts> {
        platform.apply_topology().await;
        for service in Service::ALL.iter().filter(|service| service.produces()) {
            let (exchange, all) = (service.exchange(), "#".into());
            self.channel
                .queue_unbind(QUEUE.into(), exchange.into(), all, FieldTable::default())
                .await
                .unwrap();
        }
        self.falls_silent(Instant::now()).await;
        let left = self.channel.queue_delete(QUEUE.into(), QueueDeleteOptions::default()).await.unwrap();
        if left > 0 {
            self.counts.complain(format!("{left} events were still with the repeater when it left"));
        }
        self.impersonator.leave(platform).await;
        self.working.abort();
        self.counts
    }
}

/// Who gets a copy, and after how many milliseconds; the first to come first.
fn plan(hearers: &[Service], dice: &mut StdRng, stragglers: u64) -> Vec<(u64, Service)> {
    let mut plan = Vec::new();
    for hearer in hearers {
        for _ in 0..dice.random_range(2..=5) {
            let latest = if dice.random_range(0..STRAGGLERS) == 0 { stragglers } else { LATE_MILLIS };
            plan.push((dice.random_range(0..latest), *hearer));
        }
    }
    plan.sort_unstable();
    plan
}

/// Publishes all copies of an event, each in its time, and then acknowledges it.
async fn repeat(delivery: Delivery, plan: Vec<(u64, Service)>, channel: Channel, counts: Arc<Counts>) {
    let came = Instant::now();
    let copies: Vec<_> = plan
        .into_iter()
        .map(|(after, hearer)| {
            let (channel, delivery) = (&channel, &delivery);
            async move {
                tokio::time::sleep_until(came + Duration::from_millis(after)).await;
                // To this inbox alone, with everything its producer wrote on it.
                let exchange = format!("{hearer}.redeliver");
                let (key, properties) = (delivery.routing_key.as_str(), delivery.properties.clone());
                publish(channel, &exchange, key, properties, &delivery.data).await
            }
        })
        .collect();
    let number = copies.len();
    let outcomes = futures::future::join_all(copies).await;
    let stored = outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count();
    counts.copies.fetch_add(stored, Ordering::SeqCst);
    if stored < number {
        let event = delivery.properties.message_id().clone().unwrap_or_default();
        counts.complain(format!("only {stored} of {number} copies of event {event} reached an inbox"));
    }
    if let Err(error) = delivery.acker.ack(BasicAckOptions::default()).await {
        counts.complain(format!("an event could not be acknowledged: {error}"));
    }
    counts.under_way.fetch_sub(1, Ordering::SeqCst);
}

impl Counts {
    fn enter(&self, event: EventType, delivery: &Delivery) {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        self.events.fetch_add(1, Ordering::SeqCst);
        if event == EventType::OrderPlaced {
            let body: serde_json::Value = serde_json::from_slice(&delivery.data).unwrap_or_default();
            let order: Option<Uuid> = body["aggregate_id"].as_str().and_then(|id| id.parse().ok());
            self.orders.lock().unwrap().extend(order);
        }
    }

    fn complain(&self, complaint: String) {
        self.complaints.lock().unwrap().push(complaint);
    }
}
