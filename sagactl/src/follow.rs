//! Following one order's saga live: what the wiretap hears of it, in the order in which it happened.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chassis::Tap;
use secrecy::SecretString;
use shared_events::{Envelope, EventId, EventType};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::console::Palette;
use crate::endpoints::BrokerArgs;
use crate::timeline;

/// Two services' events of one cause may reach the wiretap in either order. A line is drawn this long after its event
/// was heard, so that what overtook it can still be put behind it; a person does not notice the delay.
const SETTLING: Duration = Duration::from_millis(60);

/// Everything heard about one order.
#[derive(Debug)]
pub struct Story {
    /// Whose.
    pub order_id: Uuid,
    /// In order of time, each event once, whatever was delivered twice.
    pub events: Vec<Envelope>,
    /// Whether the story came to the end it was followed to, or the time ran out.
    pub ended: bool,
}

impl Story {
    fn new(order_id: Uuid) -> Self {
        Self { order_id, events: Vec::new(), ended: false }
    }

    /// Whether that happened.
    pub fn has(&self, event_type: EventType) -> bool {
        self.find(event_type).is_some()
    }

    /// How many different events of that type were heard.
    pub fn count(&self, event_type: EventType) -> usize {
        self.events.iter().filter(|envelope| envelope.event_type() == event_type).count()
    }

    /// The first event of that type.
    pub fn find(&self, event_type: EventType) -> Option<&Envelope> {
        self.events.iter().find(|envelope| envelope.event_type() == event_type)
    }

    /// From `order.placed` to the first event of that type, in microseconds by the services' own timestamps.
    pub fn micros_to(&self, event_type: EventType) -> Option<i64> {
        self.find(event_type).map(|envelope| self.micros_since_placed(envelope))
    }

    fn micros_since_placed(&self, envelope: &Envelope) -> i64 {
        let placed = self.find(EventType::OrderPlaced).or_else(|| self.events.first());
        placed.map_or(0, |placed| {
            (envelope.timestamp - placed.timestamp).num_microseconds().unwrap_or(i64::MAX)
        })
    }

    /// Adds an event where its time puts it; one that is known already (a resend, a redelivery) is not added again.
    fn add(&mut self, envelope: Envelope) -> bool {
        if self.events.iter().any(|known| known.event_id == envelope.event_id) {
            return false;
        }
        let place = self.events.partition_point(|known| known.timestamp <= envelope.timestamp);
        self.events.insert(place, envelope);
        true
    }
}

/// The wiretap, read by a task of its own: giving up waiting for the next event can then never lose one.
pub struct Listening {
    events: mpsc::UnboundedReceiver<Result<Envelope>>,
    reader: JoinHandle<()>,
}

impl Listening {
    /// Opens the wiretap on these events; on everything the services say, when there are none.
    pub async fn to(broker: &BrokerArgs, types: &[EventType]) -> Result<Self> {
        let url = SecretString::from(broker.operator_url()?);
        let mut tap = Tap::open(&url, types).await.context(
            "listening to the events as the broker user operator; was `sagactl topology apply` run?",
        )?;
        let (sender, events) = mpsc::unbounded_channel();
        let reader = tokio::spawn(async move {
            loop {
                let heard = tap.next().await;
                let is_over = heard.is_err();
                if sender.send(heard).is_err() || is_over {
                    break;
                }
            }
        });
        Ok(Self { events, reader })
    }

    /// The next event; an error when the wiretap broke, after which events may have been missed.
    pub async fn next(&mut self) -> Result<Envelope> {
        match self.events.recv().await {
            Some(heard) => heard.context("listening to the events"),
            None => bail!("the wiretap is closed"),
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Follows an order until `is_end` says so of the story so far, drawing each event; `on_event` may act upon one (cancel
/// the order, say). Gives the story up after `limit`.
pub async fn follow(
    listening: &mut Listening,
    order_id: Uuid,
    limit: Duration,
    palette: Palette,
    is_end: impl Fn(&Story) -> bool,
    mut on_event: impl AsyncFnMut(&Envelope) -> Result<()>,
) -> Result<Story> {
    let started = Instant::now();
    let mut story = Story::new(order_id);
    let mut drawn = HashSet::new();
    let mut heard: Option<Instant> = None;
    loop {
        if heard.is_some_and(|at| at.elapsed() >= SETTLING) {
            draw(&story, &mut drawn, palette);
            heard = None;
            story.ended = is_end(&story);
        }
        let left = limit.saturating_sub(started.elapsed());
        if story.ended || (left.is_zero() && heard.is_none()) {
            return Ok(story);
        }
        let patience = heard.map_or(left, |at| SETTLING.saturating_sub(at.elapsed()));
        if let Ok(envelope) = tokio::time::timeout(patience, listening.next()).await {
            let envelope = envelope?;
            if envelope.aggregate_id == order_id && story.add(envelope.clone()) {
                on_event(&envelope).await?;
                heard = Some(Instant::now());
            }
        }
    }
}

/// Draws what is not drawn yet.
fn draw(story: &Story, drawn: &mut HashSet<EventId>, palette: Palette) {
    for envelope in &story.events {
        let is_first = drawn.is_empty();
        if drawn.insert(envelope.event_id) {
            let service = envelope.event_type().producer();
            let micros = story.micros_since_placed(envelope);
            println!("{}", timeline::row(palette, is_first, micros, service.name(), &envelope.event));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(event_type: EventType) -> Envelope {
        Envelope::decode(event_type.example().as_bytes()).expect("a golden file")
    }

    #[test]
    fn a_story_is_told_in_order_of_time_whatever_arrived_first() {
        let mut placed = example(EventType::OrderPlaced);
        let mut reserved = example(EventType::InventoryReserved);
        placed.timestamp = "2026-11-20T10:00:00Z".parse().expect("a time");
        reserved.timestamp = placed.timestamp + chrono::Duration::microseconds(2_900);
        let mut story = Story::new(placed.aggregate_id);
        assert!(story.add(reserved));
        assert!(story.add(placed));
        let told: Vec<EventType> = story.events.iter().map(Envelope::event_type).collect();
        assert_eq!(told, [EventType::OrderPlaced, EventType::InventoryReserved]);
        assert_eq!(story.micros_to(EventType::InventoryReserved), Some(2_900));
    }

    #[test]
    fn an_event_delivered_twice_is_told_once() {
        let placed = example(EventType::OrderPlaced);
        let mut story = Story::new(placed.aggregate_id);
        assert!(story.add(placed.clone()));
        assert!(!story.add(placed));
        assert_eq!(story.events.len(), 1);
    }
}
