//! What became of each order of a load run, as the wiretap and the answers tell it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use shared_events::events::order::OrderOutcome;
use shared_events::{Envelope, Event};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::client::Order;
use crate::demo::Expected;

/// When an order counts as settled (`docs/choreography.md`, section 3): confirmed, unless more is to come; otherwise
/// completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SettlesWhen {
    Confirmed,
    Completed,
}

/// One order. Times are measured from the moment its first request was to be sent.
#[derive(Debug)]
pub(super) struct Tracked {
    started: Instant,
    settles_when: SettlesWhen,
    expected: Expected,
    accepted: bool,
    refused: Option<String>,
    absent: bool,
    answered: Option<Duration>,
    confirmed: Option<Duration>,
    settled: Option<Duration>,
    completed: bool,
    death: Option<String>,
    asked: bool,
    progressed: Option<oneshot::Sender<()>>,
}

impl Tracked {
    fn new(started: Instant, expected: Expected) -> Self {
        let settles_when = match expected {
            Expected::Confirmed | Expected::PaymentFailed => SettlesWhen::Confirmed,
            // Confirmed on the way to being undone.
            Expected::CarrierRefused | Expected::RefundStuck | Expected::CancelRace => SettlesWhen::Completed,
        };
        Self {
            started,
            settles_when,
            expected,
            accepted: false,
            refused: None,
            absent: false,
            answered: None,
            confirmed: None,
            settled: None,
            completed: false,
            death: None,
            asked: false,
            progressed: None,
        }
    }

    /// Takes in what happened `after` the start. Events may come late, twice and in any order.
    fn hear(&mut self, event: &Event, after: Duration) {
        // The events that say nothing about the order's end are many; these five say everything.
        if let Event::OrderConfirmed(_) = event {
            self.confirmed.get_or_insert(after);
        } else if let Event::OrderFailed(failed) = event {
            self.death = Some(format!("failed, {}: {}", failed.failed_step, failed.code));
        } else if let Event::OrderCancelled(_) = event {
            self.death = Some("cancelled".to_owned());
        } else if let Event::ShippingCancelRejected(_) = event {
            self.settles_when = SettlesWhen::Confirmed;
        } else if let Event::OrderCompleted(completed) = event {
            self.completed = true;
            if self.death.is_none() {
                self.death = match completed.outcome {
                    OrderOutcome::Delivered => None,
                    OrderOutcome::Failed => Some("failed".to_owned()),
                    OrderOutcome::Cancelled => Some("cancelled".to_owned()),
                };
            }
        } else {
            return;
        }
        self.settle(after);
        if let Some(progressed) = self.progressed.take() {
            // The worker may have lost its patience and gone on.
            let _ = progressed.send(());
        }
    }

    /// Draws the conclusion from the facts. A confirmed order that dies later is open again until it is completed.
    fn settle(&mut self, after: Duration) {
        let confirmed = self.confirmed.is_some() && self.settles_when == SettlesWhen::Confirmed;
        if self.completed || (confirmed && self.death.is_none()) {
            self.settled.get_or_insert(after);
        } else {
            self.settled = None;
        }
    }

    /// Takes in what the order service says, for whatever the wiretap did not hear.
    fn learn(&mut self, order: &Order) {
        self.accepted = true;
        if matches!(order.status.as_str(), "failed" | "cancelled") && self.death.is_none() {
            let failure =
                order.failure.as_ref().map(|failure| format!(", {}: {}", failure.step, failure.code));
            self.death = Some(format!("{}{}", order.status, failure.unwrap_or_default()));
        }
        let stuck_as_expected = self.expected == Expected::RefundStuck && order.compensation() == "stuck";
        if order.is_settled() || stuck_as_expected {
            self.asked = self.settled.is_none();
            self.settled.get_or_insert(self.started.elapsed());
        }
    }

    fn is_open(&self) -> bool {
        self.refused.is_none() && !self.absent && self.settled.is_none()
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) settled: u64,
}

/// What a run came to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    pub(super) unanswered: u64,
    pub(super) settled_by_asking: u64,
    pub(super) outcomes: BTreeMap<String, u64>,
    pub(super) refusals: BTreeMap<String, u64>,
    pub(super) open: Vec<Uuid>,
    pub(super) answered: Vec<Duration>,
    pub(super) confirmed: Vec<Duration>,
    pub(super) made_good: Vec<Duration>,
}

/// All orders of a run. The lock is held for the length of a hash lookup, or of one pass over the orders.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    orders: Mutex<HashMap<Uuid, Tracked>>,
}

impl Tracker {
    /// Starts to watch an order, before its request is sent: its events may be faster than the answer. The receiver
    /// hears when the order is confirmed, or will never be.
    pub(super) fn begin(&self, id: Uuid, started: Instant, expected: Expected) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut tracked = Tracked::new(started, expected);
        tracked.progressed = Some(sender);
        self.lock().insert(id, tracked);
        receiver
    }

    /// The order service took the order.
    pub(super) fn accepted(&self, id: Uuid) {
        self.change(id, |tracked| {
            tracked.accepted = true;
            tracked.answered = Some(tracked.started.elapsed());
        });
    }

    /// The order service will never take it.
    pub(super) fn refused(&self, id: Uuid, why: String) {
        self.change(id, |tracked| tracked.refused = Some(why));
    }

    /// The order service has never heard of it. That counts only after its request was given up: an order that was taken,
    /// or still may be, stays open.
    pub(super) fn absent(&self, id: Uuid) {
        self.change(id, |tracked| tracked.absent = !tracked.accepted);
    }

    /// The cancellation came too late: the order goes on, and confirmed is its end again.
    pub(super) fn goes_on(&self, id: Uuid) {
        self.change(id, |tracked| {
            tracked.settles_when = SettlesWhen::Confirmed;
            let after = tracked.started.elapsed();
            tracked.settle(after);
        });
    }

    /// Takes in an event; those of other people's orders are passed over.
    pub(super) fn hear(&self, envelope: &Envelope) {
        self.change(envelope.aggregate_id, |tracked| {
            let after = tracked.started.elapsed();
            tracked.hear(&envelope.event, after);
        });
    }

    /// Takes in the order service's own word.
    pub(super) fn learn(&self, id: Uuid, order: &Order) {
        self.change(id, |tracked| tracked.learn(order));
    }

    /// How far the run is.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for tracked in self.lock().values() {
            counts.accepted += u64::from(tracked.accepted);
            counts.refused += u64::from(tracked.refused.is_some());
            counts.settled += u64::from(tracked.accepted && tracked.settled.is_some());
        }
        counts
    }

    /// Orders that have not ended and started at least `age` ago.
    pub(super) fn open(&self, age: Duration) -> Vec<Uuid> {
        let orders = self.lock();
        let open = orders.iter().filter(|(_, tracked)| tracked.is_open() && tracked.started.elapsed() >= age);
        open.map(|(id, _)| *id).collect()
    }

    /// Everything, added up.
    pub(super) fn tally(&self) -> Tally {
        let mut tally = Tally { counts: self.counts(), ..Tally::default() };
        for (id, tracked) in self.lock().iter() {
            if let Some(why) = &tracked.refused {
                *tally.refusals.entry(why.clone()).or_default() += 1;
                continue;
            }
            if !tracked.accepted {
                tally.unanswered += 1;
                continue;
            }
            tally.answered.extend(tracked.answered);
            tally.confirmed.extend(tracked.confirmed);
            let Some(settled) = tracked.settled else {
                tally.open.push(*id);
                continue;
            };
            tally.settled_by_asking += u64::from(tracked.asked);
            let outcome = tracked.death.clone().unwrap_or_else(|| "confirmed".to_owned());
            *tally.outcomes.entry(outcome).or_default() += 1;
            if tracked.death.is_some() && !tracked.asked {
                tally.made_good.push(settled);
            }
        }
        tally
    }

    fn change(&self, id: Uuid, change: impl FnOnce(&mut Tracked)) {
        if let Some(tracked) = self.lock().get_mut(&id) {
            change(tracked);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Tracked>> {
        // Nothing under the lock leaves an order half changed, so a panic elsewhere spoils nothing.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
