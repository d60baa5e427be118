//! The reconciler: what producers sent, held against what each consumer has logged.
//!
//! A broker gives an event back only when no queue at all is bound to it; that one of several bindings is missing, or
//! that a queue was deleted with what lay in it, it does not tell. So every minute this asks each producer what it has
//! sent (walking on from where it stopped; after a start from the beginning of the window), asks each consumer in the
//! table which of that it has not handled, and names the difference. What is missing ([`book`] says when) is sent again
//! under its old id, once the consumer's queues and bindings are as they should be.
//!
//! - A consumer that was added later is asked only for what was sent after its own log begins: what was said before,
//!   nobody had a queue for.
//! - A service whose inbox is not on our virtual host is no part of this platform, or is not there yet: it is left out.
//! - Each replica of the gateway reconciles for itself; a producer sends an event again only for the first who asks.

mod book;
mod report;
mod services;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use chassis::{
    outbox::SentEvent,
    topology::{self, LADDER, check::Management},
};
use chrono::{TimeDelta, Utc};
use shared_events::{EventType, Service, catalogue::CATALOGUE};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::upstream::Upstreams;
use book::{Book, Comparison, Look, Pair, Queues, Waits};
use services::{EVENTS_MAX, Services};

pub use report::{Missing, NotAsked, Obstacle, Report};

/// Pages of one pair in one round: 50,000 events a minute are more than the platform says.
const PAGES_MAX: usize = 100;
/// Missing events that the report names; of the others it tells the number.
const NAMED_MAX: usize = 200;
/// Events that one line of the log names.
const LOGGED_MAX: usize = 5;
/// What the producers' logs say about what is sent again.
const REASON: &str = "the reconciler found that it was not handled";

/// How the reconciler works; see `RECONCILER_*` in the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// From the end of one round to the beginning of the next.
    pub interval: Duration,
    /// Events younger than this are left alone.
    pub grace: Duration,
    /// How far back the first round begins.
    pub window_hours: u32,
    /// Whether what is missing is sent again.
    pub resends: bool,
    /// Divides the delays of the retry ladder.
    pub time_scale: u32,
}

impl Settings {
    fn waits(&self) -> Waits {
        let ladder: Duration = LADDER.iter().map(|rung| rung.delay).sum();
        let delta = |wait: Duration| TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
        Waits { grace: delta(self.grace), ladder: delta(ladder / self.time_scale.max(1)) }
    }
}

/// The reconciler of one process: its settings, and what it found last.
#[derive(Debug)]
pub struct Reconciler {
    settings: Settings,
    management: Management,
    report: RwLock<Arc<Report>>,
}

impl Reconciler {
    /// With these settings; the queues are looked at through `management`.
    #[must_use]
    pub fn new(settings: Settings, management: Management) -> Self {
        let report = RwLock::new(Arc::new(empty_report(&settings)));
        Self { settings, management, report }
    }

    /// What the last round found.
    #[must_use]
    pub fn report(&self) -> Arc<Report> {
        self.report.read().map(|report| report.clone()).unwrap_or_default()
    }

    /// Compares again and again, until told to stop.
    pub async fn run(&self, upstreams: &Upstreams, pool: &PgPool, stopping: CancellationToken) {
        let services = Services { upstreams: upstreams.clone(), pool: pool.clone() };
        let mut walk = Walk {
            reconciler: self,
            services,
            book: Book::new(self.settings.waits()),
            cursors: BTreeMap::new(),
            compared_since_start: 0,
        };
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(self.settings.interval) => {}
            }
            let report = tokio::select! {
                // Nothing is half done: what was found is found again after the next start.
                () = stopping.cancelled() => return,
                report = walk.round() => report,
            };
            walk.gauge();
            if let Ok(mut last) = self.report.write() {
                *last = Arc::new(report);
            }
        }
    }
}

fn empty_report(settings: &Settings) -> Report {
    Report {
        window_hours: settings.window_hours,
        grace_seconds: settings.grace.as_secs_f64(),
        ..Report::default()
    }
}

/// Every producer with everyone who hears at least one of its events.
fn pairs() -> BTreeSet<Pair> {
    let of_entry = |entry: &'static shared_events::catalogue::Entry| {
        entry.heard_by().map(|consumer| (entry.producer, consumer.service))
    };
    CATALOGUE.iter().flat_map(of_entry).collect()
}

/// Where the comparison stands.
struct Walk<'a> {
    reconciler: &'a Reconciler,
    services: Services,
    book: Book,
    cursors: BTreeMap<Pair, String>,
    compared_since_start: u64,
}

/// What one round has met so far.
#[derive(Default)]
struct Round {
    compared: u64,
    is_behind: bool,
    /// By name; a service that did not answer is not asked again in the same round.
    not_asked: BTreeMap<String, String>,
    obstacles: Vec<Obstacle>,
}

impl Round {
    fn could_ask(&self, service: Service) -> bool {
        !self.not_asked.contains_key(service.name())
    }

    fn failed(&mut self, name: &str, reason: String) {
        self.not_asked.entry(name.to_owned()).or_insert(reason);
    }
}

impl Walk<'_> {
    async fn round(&mut self) -> Report {
        let began = Instant::now();
        let mut round = Round::default();
        // Before anybody is asked: what had left its queue at this moment is in the log when it is looked for.
        let look = match self.look().await {
            Ok(look) => look,
            Err(reason) => {
                round.failed("broker", reason);
                return self.report(round, None, began);
            }
        };
        for service in Service::ALL.iter().filter(|service| !look.queues.contains_key(service)) {
            round.failed(service.name(), format!("the broker has no queue {}", service.inbox()));
        }
        let is_there = |service| look.queues.contains_key(&service);
        for pair in pairs().into_iter().filter(|pair| is_there(pair.0) && is_there(pair.1)) {
            self.ask_again(pair, &mut round).await;
            self.walk(pair, &mut round).await;
        }
        let new = self.book.judge(&look);
        self.tell(&new);
        if self.reconciler.settings.resends {
            self.send_again(&look, &mut round).await;
        }
        self.report(round, Some(&look), began)
    }

    async fn look(&self) -> Result<Look, String> {
        let at = Utc::now();
        let depths = self.reconciler.management.depths().await;
        let depths = depths.map_err(|error| format!("{:#}", anyhow::Error::new(error)))?;
        let of = |queue: &str| depths.get(queue).copied().flatten();
        let queues =
            Service::ALL.iter().filter(|service| depths.contains_key(&service.inbox())).map(|service| {
                let rungs = LADDER.iter().map(|rung| of(&topology::retry_queue(*service, *rung)));
                let queues = Queues {
                    inbox: of(&service.inbox()),
                    // One rung that is not counted leaves the whole unknown.
                    ladder: rungs.sum(),
                    dead_letters: of(&topology::dead_letter_queue(*service)),
                };
                (*service, queues)
            });
        Ok(Look { at, queues: queues.collect() })
    }

    /// Whether what is open of a pair has been handled meanwhile.
    async fn ask_again(&mut self, pair: Pair, round: &mut Round) {
        for events in self.book.open_of(pair).chunks(EVENTS_MAX) {
            if !round.could_ask(pair.1) {
                return;
            }
            match self.services.unknown(pair.1, events).await {
                Ok(answer) => self.book.handled(pair, events, &answer.unknown),
                Err(reason) => round.failed(pair.1.name(), reason),
            }
        }
    }

    /// Goes on through what a producer has sent.
    async fn walk(&mut self, pair: Pair, round: &mut Round) {
        for _ in 0..PAGES_MAX {
            if !round.could_ask(pair.0) || !round.could_ask(pair.1) || self.book.is_full() {
                round.is_behind = true;
                return;
            }
            let Some(is_last) = self.compare_page(pair, round).await else { continue };
            if is_last {
                return;
            }
        }
        round.is_behind = true;
    }

    /// One page of a pair; whether it was the last, or nothing when somebody did not answer.
    async fn compare_page(&mut self, (producer, consumer): Pair, round: &mut Round) -> Option<bool> {
        let pair = (producer, consumer);
        let reconciler = self.reconciler;
        let settings = &reconciler.settings;
        let cursor = self.cursors.get(&pair).map(String::as_str);
        let within = u64::from(settings.window_hours) * 3_600;
        let sent = self.services.sent(producer, cursor, within, settings.grace.as_secs().max(1)).await;
        let page = sent.map_err(|reason| round.failed(producer.name(), reason)).ok()?;
        let is_last = page.items.len() < EVENTS_MAX;
        let heard: Vec<(SentEvent, EventType)> = page
            .items
            .into_iter()
            // A type that only a newer release knows is for the newer gateway to compare.
            .filter_map(|event| event.event_type.parse::<EventType>().ok().map(|kind| (event, kind)))
            .filter(|(_, kind)| kind.entry().is_consumed_by(consumer))
            .collect();
        if !heard.is_empty() {
            let ids: Vec<Uuid> = heard.iter().map(|(event, _)| event.event_id).collect();
            let answer = self.services.unknown(consumer, &ids).await;
            let answer = answer.map_err(|reason| round.failed(consumer.name(), reason)).ok()?;
            let comparison = Comparison {
                pair,
                events: &heard,
                now: page.now,
                unknown: &answer.unknown,
                hearing_for: answer.hearing_since.map(|since| answer.now - since),
            };
            round.compared += self.book.compare(&comparison, Utc::now());
        }
        if let Some(cursor) = page.next_cursor {
            self.cursors.insert(pair, cursor);
        }
        Some(is_last)
    }

    /// One line for each pair of which something is newly missing.
    fn tell(&self, new: &[(Pair, Uuid)]) {
        let mut by_pair: BTreeMap<Pair, Vec<Uuid>> = BTreeMap::new();
        for (pair, event) in new {
            by_pair.entry(*pair).or_default().push(*event);
        }
        for ((producer, consumer), events) in by_pair {
            let first: Vec<String> = events.iter().take(LOGGED_MAX).map(Uuid::to_string).collect();
            let (events, first) = (events.len(), first.join(" "));
            tracing::error!(%producer, %consumer, events, first, "events were sent and not handled");
        }
    }

    /// Has the producers say again what is missing, where it can be heard now.
    async fn send_again(&mut self, look: &Look, round: &mut Round) {
        let due = self.book.due(look);
        let consumers: BTreeSet<Service> = due.iter().map(|((_, consumer), _)| *consumer).collect();
        let mut reachable = BTreeSet::new();
        for consumer in consumers {
            match self.problems(consumer).await {
                Ok(problems) if problems.is_empty() => {
                    reachable.insert(consumer);
                }
                Ok(problems) => round.obstacles.push(Obstacle { consumer, problems }),
                Err(reason) => round.failed("broker", reason),
            }
        }
        let mut by_producer: BTreeMap<Service, BTreeSet<Uuid>> = BTreeMap::new();
        let mut newest = BTreeMap::new();
        for ((producer, consumer), event) in due.into_iter().filter(|((_, c), _)| reachable.contains(c)) {
            by_producer.entry(producer).or_default().insert(event);
            if let Some(finding) = self.book.get((producer, consumer), event) {
                let newest = newest.entry(producer).or_insert(finding.published_at);
                *newest = finding.published_at.max(*newest);
            }
        }
        for (producer, events) in by_producer {
            let events: Vec<Uuid> = events.into_iter().collect();
            let before = newest[&producer] + TimeDelta::milliseconds(1);
            for events in events.chunks(EVENTS_MAX) {
                match self.services.resend(producer, events, REASON, before).await {
                    Ok(resent) => {
                        let count = resent.len() as u64;
                        metrics::counter!("reconciler_resent_total", "producer" => producer.name())
                            .increment(count);
                        resent.iter().for_each(|event| self.book.sent_again(producer, *event, Utc::now()));
                    }
                    Err(reason) => round.failed(producer.name(), reason),
                }
            }
        }
    }

    /// What keeps a consumer from hearing anything.
    async fn problems(&self, consumer: Service) -> Result<Vec<String>, String> {
        let Reconciler { management, settings, .. } = self.reconciler;
        let found = topology::check::differences(management, consumer, settings.time_scale).await;
        found.map_err(|error| format!("{:#}", anyhow::Error::new(error)))
    }

    fn report(&mut self, round: Round, look: Option<&Look>, began: Instant) -> Report {
        self.compared_since_start += round.compared;
        let now = Utc::now();
        let missing = self.book.missing();
        let named = missing.iter().take(NAMED_MAX).map(|((producer, consumer), event, finding)| Missing {
            event_id: *event,
            event_type: finding.event_type,
            order_id: finding.order,
            producer: *producer,
            consumer: *consumer,
            sent_at: finding.sent_at,
            age_seconds: (now - finding.sent_at).num_seconds(),
            missing_since: finding.missing_since.unwrap_or(now),
            resends: finding.resends,
            perhaps_a_dead_letter: look.is_none_or(|look| look.of(*consumer).dead_letters != Some(0)),
        });
        let not_asked = round.not_asked.into_iter().map(|(name, reason)| NotAsked { name, reason }).collect();
        Report {
            compared_at: Some(now),
            took_millis: began.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
            compared: round.compared,
            compared_since_start: self.compared_since_start,
            is_caught_up: !round.is_behind && look.is_some(),
            late: self.book.late(),
            missing_total: missing.len(),
            missing: named.collect(),
            not_asked,
            obstacles: round.obstacles,
            ..empty_report(&self.reconciler.settings)
        }
    }

    fn gauge(&self) {
        let mut counts: BTreeMap<Pair, u32> = pairs().into_iter().map(|pair| (pair, 0)).collect();
        for (pair, _, _) in self.book.missing() {
            *counts.entry(pair).or_default() += 1;
        }
        for ((producer, consumer), count) in counts {
            metrics::gauge!("events_unhandled", "producer" => producer.name(), "consumer" => consumer.name())
                .set(count);
        }
    }
}
