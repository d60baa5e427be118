//! One batch in one transaction: locks, what was handled before, the fold through `decide`, and
//! everything that follows from it, written set by set.

#[cfg(feature = "faults")]
mod planted;

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use shared_events::{Decision, Draft, Envelope, Event, EventId, EventType, OrderId, Timer as _, TimerChange};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    faults::{Bug, Point, planted, point},
    outbox::{self, Outgoing},
    participant::{Change, DecisionOf, Participant},
    record,
    saga_log::{self, Emitted},
    timers::table::{self as timers, Armed},
    work::{Applied, CauseKind, Committed, StartedEffect, Work},
};

/// What a batch leaves to do after its commit, and what became of each of its works.
pub(crate) struct Written<P: Participant> {
    pub(crate) applied: Vec<Applied<P>>,
    pub(crate) outgoing: Vec<Outgoing>,
    pub(crate) effects: Vec<StartedEffect<P>>,
}

/// All that a batch wants to write, collected while its inputs are folded.
struct Batch<P: Participant> {
    at: DateTime<Utc>,
    changes: BTreeMap<OrderId, Change<P>>,
    log: Vec<saga_log::Entry>,
    emitted: Vec<Envelope>,
    resends: Vec<(OrderId, EventType)>,
    /// The last word on each timer: `Some` arms, `None` disarms.
    timers: BTreeMap<(OrderId, &'static str), Option<Armed>>,
    effects: Vec<StartedEffect<P>>,
}

/// Applies the works in sequence and writes what follows; the caller commits.
pub(crate) async fn write_batch<P: Participant>(
    tx: &mut PgConnection,
    participant: &P,
    works: &[Work<P>],
) -> sqlx::Result<Written<P>> {
    let orders = orders_of(works);
    let at = lock(tx, &orders).await?;
    write_locked(tx, participant, works, &orders, at).await
}

pub(crate) fn orders_of<P: Participant>(works: &[Work<P>]) -> Vec<OrderId> {
    works.iter().map(|work| work.order).collect::<HashSet<_>>().into_iter().collect()
}

/// The same, once the locks of all these orders are held, at that time.
pub(crate) async fn write_locked<P: Participant>(
    tx: &mut PgConnection,
    participant: &P,
    works: &[Work<P>],
    orders: &[OrderId],
    at: DateTime<Utc>,
) -> sqlx::Result<Written<P>> {
    let events: Vec<EventId> = works.iter().filter_map(|work| work.cause.event_id()).collect();
    let mut seen = saga_log::seen(tx, &events).await?;
    let due: Vec<_> = works.iter().filter_map(|w| w.cause.timer_name().map(|name| (w.order, name))).collect();
    let mut fired: HashSet<_> = timers::fire(tx, &due, at).await?.into_iter().collect();

    let states = P::load(tx, orders).await?;
    let inputs: Vec<_> = works.iter().map(|work| (work.order, &work.input)).collect();
    let mut world = participant.load_world(tx, &inputs).await?;

    let mut batch = Batch::new(at, states, orders);
    let mut applied = Vec::with_capacity(works.len());
    for work in works {
        applied.push(fold(&mut batch, participant, &mut world, &mut seen, &mut fired, work));
    }
    #[cfg(feature = "faults")]
    planted::tolerate_repetition(tx, &mut batch.log).await?;

    let changes: Vec<Change<P>> = batch.changes.into_values().filter(|c| !c.inputs.is_empty()).collect();
    participant.save(tx, &changes, &world, at).await?;
    let timers: Vec<_> = batch.timers.into_iter().collect();
    #[cfg(feature = "faults")]
    let timers = crate::timers::planted::kept_in_memory(timers, &due, at);
    let mut outgoing = record::write(tx, &batch.log, &batch.emitted, &timers, at).await?;
    outgoing.extend(outbox::resend(tx, &batch.resends).await?);
    Ok(Written { applied, outgoing, effects: batch.effects })
}

/// Takes the locks of these orders, in one order for everyone, and reads the database's clock.
///
/// Advisory locks also cover orders that have no row yet, so that the first events of an order,
/// arriving at two replicas at once, wait for each other. Two orders that share a lock merely wait.
pub(crate) async fn lock(tx: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<DateTime<Utc>> {
    let mut keys: Vec<i64> = orders.iter().map(|order| lock_key(order.0)).collect();
    keys.sort_unstable();
    keys.dedup();
    sqlx::query_scalar(
        "WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(key) FROM UNNEST($1::bigint[]) AS key) \
         SELECT clock_timestamp() FROM (SELECT count(*) FROM locked) AS all_locked",
    )
    .bind(keys)
    .fetch_one(tx)
    .await
}

fn lock_key(id: Uuid) -> i64 {
    let (high, low) = id.as_u64_pair();
    (high ^ low).cast_signed()
}

fn fold<P: Participant>(
    batch: &mut Batch<P>,
    participant: &P,
    world: &mut P::World,
    seen: &mut HashSet<EventId>,
    fired: &mut HashSet<(OrderId, String)>,
    work: &Work<P>,
) -> Applied<P> {
    match work.cause.kind {
        CauseKind::Event { event, event_type, resent } => {
            if !seen.insert(event) && !planted(Bug::NoInbox) {
                return batch.again(work.order, event_type, resent);
            }
        }
        CauseKind::Timer(name) => {
            // It was due when the batch began; a decision of this very batch may have disarmed it since,
            // or armed it anew for later.
            let meant_otherwise = batch.timers.contains_key(&(work.order, name));
            if !fired.remove(&(work.order, name.to_owned())) || meant_otherwise {
                return Applied::StaleTimer;
            }
        }
        CauseKind::Outcome | CauseKind::Command => {}
    }
    let at = batch.at;
    point(Point::PanicInDecide);
    let decision = match participant.decide(world, &batch.change(work.order).after, &work.input, at) {
        Ok(decision) => decision,
        Err(rejection) => return Applied::Rejected(rejection),
    };
    participant.absorb(world, work.order, &decision);
    Applied::Decided(batch.record(work, decision))
}

impl<P: Participant> Batch<P> {
    fn new(at: DateTime<Utc>, mut states: HashMap<OrderId, P::State>, orders: &[OrderId]) -> Self {
        let changes = orders
            .iter()
            .map(|order| {
                let before = states.remove(order).unwrap_or_default();
                let change = Change {
                    order: *order,
                    after: before.clone(),
                    before,
                    inputs: Vec::new(),
                    effects: Vec::new(),
                };
                (*order, change)
            })
            .collect();
        Self {
            at,
            changes,
            log: Vec::new(),
            emitted: Vec::new(),
            resends: Vec::new(),
            timers: BTreeMap::new(),
            effects: Vec::new(),
        }
    }

    fn change(&mut self, order: OrderId) -> &mut Change<P> {
        self.changes.get_mut(&order).expect("a batch has a change for each order of its works")
    }

    /// An event that was handled before: dropped, or answered again when it was resent on purpose.
    fn again(&mut self, order: OrderId, event_type: EventType, resent: bool) -> Applied<P> {
        metrics::counter!("saga_duplicates_total").increment(1);
        if !resent {
            return Applied::Duplicate;
        }
        let answers = P::answers(&self.change(order).after, event_type);
        self.resends.extend(answers.into_iter().map(|answer| (order, answer)));
        Applied::AnsweredAgain
    }

    fn record(&mut self, work: &Work<P>, decision: DecisionOf<P>) -> Committed<P> {
        let Decision { state, outcome, note, emit, resend, timers, effects, alarm } = decision;
        let input = P::input_name(&work.input);
        report(work, &input, outcome, &note, alarm.as_deref());

        let said = self.emit(work, emit);
        // What follows from this decision was caused by its last word, or by the input itself.
        let last_word = said.last().and_then(|emitted| emitted.event_id).or(work.cause.causation);
        let emitted_types = said.iter().map(|emitted| emitted.event_type).collect();
        let again = resend.iter().map(|t| Emitted { event_id: None, event_type: *t, resent: true });
        self.log.push(saga_log::Entry {
            order: work.order,
            event: work.cause.event_id(),
            input,
            outcome,
            note: alarm.map_or(note.clone(), |alarm| join_words(&note, &alarm)),
            correlation: work.cause.correlation,
            causation: work.cause.causation.filter(|_| work.cause.event_id().is_none()),
            emitted: said.into_iter().chain(again).collect(),
        });
        self.resends.extend(resend.into_iter().map(|event_type| (work.order, event_type)));
        self.set_timers(work, timers, last_word);
        self.effects.extend(effects.iter().filter(|effect| P::is_outside(effect)).map(|effect| {
            StartedEffect {
                order: work.order,
                effect: effect.clone(),
                caused_by: last_word,
                correlation: work.cause.correlation,
            }
        }));
        let change = self.change(work.order);
        change.inputs.push(work.input.clone());
        change.effects.extend(effects);
        change.after = state.clone();
        Committed { state, correlation_id: work.cause.correlation, emitted: emitted_types }
    }

    /// Puts new facts into their envelopes.
    fn emit(&mut self, work: &Work<P>, events: Vec<Event>) -> Vec<Emitted> {
        let first = self.emitted.len();
        for event in events {
            debug_assert_eq!(event.event_type().producer(), P::SERVICE, "a service says only its own events");
            // What a command leads to has no event behind it but the command's first event.
            let causation = work.cause.causation.or_else(|| self.emitted.get(first).map(|e| e.event_id));
            let draft = Draft {
                event_id: EventId(Uuid::now_v7()),
                aggregate_id: work.order.0,
                correlation_id: work.cause.correlation,
                causation_id: causation,
                timestamp: self.at,
            };
            self.emitted.push(Envelope::new(draft, event));
        }
        let named =
            |e: &Envelope| Emitted { event_id: Some(e.event_id), event_type: e.event_type(), resent: false };
        self.emitted[first..].iter().map(named).collect()
    }

    fn set_timers(&mut self, work: &Work<P>, timers: Vec<TimerChange<P::Timer>>, armed_by: Option<EventId>) {
        for change in timers {
            let (timer, armed) = match change {
                TimerChange::Disarm(timer) => (timer, None),
                TimerChange::Arm(timer, after) => {
                    let (order, correlation) = (work.order, work.cause.correlation);
                    let due_at = self.at + after;
                    (timer, Some(Armed { order, name: timer.name(), due_at, armed_by, correlation }))
                }
            };
            self.timers.insert((work.order, timer.name()), armed);
        }
    }
}

fn join_words(note: &str, alarm: &str) -> String {
    if note.is_empty() { format!("ALARM: {alarm}") } else { format!("{note}; ALARM: {alarm}") }
}

fn report<P: Participant>(
    work: &Work<P>,
    input: &str,
    outcome: shared_events::Outcome,
    note: &str,
    alarm: Option<&str>,
) {
    let status = outcome.as_str();
    metrics::counter!("saga_inputs_total", "input" => input.to_owned(), "outcome" => status).increment(1);
    let (order_id, correlation_id) = (work.order, work.cause.correlation);
    let event_id = work.cause.event_id().map(tracing::field::display);
    let causation_id = work.cause.causation.map(tracing::field::display);
    tracing::debug!(%order_id, %correlation_id, event_id, causation_id, input, status, note, "decided");
    if let Some(alarm) = alarm {
        metrics::counter!("saga_alarms_total", "input" => input.to_owned()).increment(1);
        tracing::error!(%order_id, %correlation_id, event_id, causation_id, input, status, alarm, "a person has to look");
    }
}
