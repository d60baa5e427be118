//! The heart: a batch of inputs becomes one transaction.
//!
//! Whatever happens to an order (an event, a timer, an answer of the outside world, a command)
//! arrives here as [`Work`]. One call of [`Engine::process`] locks the orders concerned, drops what
//! was handled before, folds the inputs through `decide`, and writes state, saga log, outbox and
//! timers in a single transaction. After the commit, and only then, the events go to the relay and
//! the effects to the outside world. The caller acknowledges after `process` has returned.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, Utc};
use rand::Rng as _;
use shared_events::{
    CorrelationId, Decision, Draft, Envelope, EventId, EventType, OrderId, Rejection, Timer as _, TimerChange,
};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    db::{Fault, is_transient},
    effects::EffectRunner,
    outbox::{self, Outgoing, relay::RelayHandle},
    participant::{Change, DecisionOf, Participant},
    saga_log::{self, Emitted},
    timers::{self, Armed},
};

/// How often one transaction is run again after a deadlock or a serialization failure.
const TRANSIENT_ATTEMPTS: u32 = 3;

/// One input for one order, and what caused it.
#[derive(Debug)]
pub(crate) struct Work<P: Participant> {
    /// Which order.
    pub order: OrderId,
    /// What happened.
    pub input: P::Input,
    /// Why it happened.
    pub cause: Cause,
}

// Derived, it would ask for `P: Clone`.
impl<P: Participant> Clone for Work<P> {
    fn clone(&self) -> Self {
        Self { order: self.order, input: self.input.clone(), cause: self.cause }
    }
}

/// Where an input comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause {
    kind: CauseKind,
    /// The event behind the input; `None` when a person's command is.
    causation: Option<EventId>,
    correlation: CorrelationId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CauseKind {
    Event { event: EventId, event_type: EventType, resent: bool },
    Timer(&'static str),
    Outcome,
    Command,
}

impl Cause {
    /// A delivered event; `resent` when its sender said it again on purpose.
    #[must_use]
    pub(crate) fn event(envelope: &Envelope, resent: bool) -> Self {
        let (event, event_type) = (envelope.event_id, envelope.event_type());
        Self {
            kind: CauseKind::Event { event, event_type, resent },
            causation: Some(event),
            correlation: envelope.correlation_id,
        }
    }

    pub(crate) fn timer(name: &'static str, armed_by: Option<EventId>, correlation: CorrelationId) -> Self {
        Self { kind: CauseKind::Timer(name), causation: armed_by, correlation }
    }

    pub(crate) fn outcome(caused_by: Option<EventId>, correlation: CorrelationId) -> Self {
        Self { kind: CauseKind::Outcome, causation: caused_by, correlation }
    }

    /// A person's command.
    #[must_use]
    pub(crate) fn command(correlation: CorrelationId) -> Self {
        Self { kind: CauseKind::Command, causation: None, correlation }
    }

    pub(crate) fn timer_name(&self) -> Option<&'static str> {
        match self.kind {
            CauseKind::Timer(name) => Some(name),
            CauseKind::Event { .. } | CauseKind::Outcome | CauseKind::Command => None,
        }
    }

    fn event_id(&self) -> Option<EventId> {
        match self.kind {
            CauseKind::Event { event, .. } => Some(event),
            CauseKind::Timer(_) | CauseKind::Outcome | CauseKind::Command => None,
        }
    }
}

/// What became of one piece of work.
#[derive(Debug)]
pub(crate) enum Applied<P: Participant> {
    /// It was decided and written.
    Decided(Committed<P>),
    /// The event had been handled before; nothing changed.
    Duplicate,
    /// The event had been handled before and was sent again on purpose: our answer was, too.
    AnsweredAgain,
    /// The timer was no longer due.
    StaleTimer,
    /// A command was refused; nothing changed.
    Rejected(Rejection),
}

/// A decision that is in the database.
#[derive(Debug)]
pub struct Committed<P: Participant> {
    /// The order's state after it.
    pub state: P::State,
    /// The correlation its events carry.
    pub correlation_id: CorrelationId,
    /// What it emitted.
    pub emitted: Vec<EventType>,
}

/// The engine of one service.
#[derive(Debug)]
pub(crate) struct Engine<P: Participant> {
    participant: Arc<P>,
    pool: PgPool,
    relay: RelayHandle,
    effects: EffectRunner<P>,
}

impl<P: Participant> Engine<P> {
    pub(crate) fn new(
        participant: Arc<P>,
        pool: PgPool,
        relay: RelayHandle,
        effects: EffectRunner<P>,
    ) -> Self {
        Self { participant, pool, relay, effects }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Applies a batch in one transaction. On success every piece of work is in the database (or was
    /// found to need nothing); on a fault none of it is.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the database is away: the same batch may be tried again later.
    /// [`Fault::Failed`] when something in the batch cannot be written, or a handler panicked.
    pub(crate) async fn process(&self, works: &[Work<P>]) -> Result<Vec<Applied<P>>, Fault> {
        let started = std::time::Instant::now();
        let mut attempt = 1;
        let written = loop {
            match self.attempt(works).await {
                Ok(written) => break written,
                Err(Interrupted::Database(error)) if is_transient(&error) && attempt < TRANSIENT_ATTEMPTS => {
                    attempt += 1;
                    metrics::counter!("saga_transactions_repeated_total").increment(1);
                    let jitter = rand::rng().random_range(2..20);
                    tokio::time::sleep(Duration::from_millis(jitter)).await;
                }
                Err(Interrupted::Database(error)) => return Err(Fault::sort(error)),
                Err(Interrupted::Panicked(words)) => {
                    return Err(Fault::Failed(format!("the handler panicked: {words}")));
                }
            }
        };
        metrics::histogram!("saga_batch_seconds").record(started.elapsed().as_secs_f64());
        metrics::histogram!("saga_batch_size").record(works.len() as f64);
        self.relay.hand_over(written.outgoing);
        for effect in written.effects {
            self.effects.start(self.participant.clone(), effect);
        }
        Ok(written.applied)
    }

    /// Runs the transaction in a task of its own, so that neither a dropped future nor a panic can
    /// leave it half done on a pooled connection.
    async fn attempt(&self, works: &[Work<P>]) -> Result<Written<P>, Interrupted> {
        let (pool, participant) = (self.pool.clone(), self.participant.clone());
        let works = works.to_vec();
        let task = tokio::spawn(async move {
            let mut tx = pool.begin().await?;
            let written = write_batch(&mut tx, participant.as_ref(), &works).await?;
            crate::faults::point("before_commit");
            tx.commit().await?;
            crate::faults::point("after_commit");
            sqlx::Result::Ok(written)
        });
        match task.await {
            Ok(result) => result.map_err(Interrupted::Database),
            Err(join) => Err(Interrupted::Panicked(panic_words(join))),
        }
    }
}

enum Interrupted {
    Database(sqlx::Error),
    Panicked(String),
}

fn panic_words(join: tokio::task::JoinError) -> String {
    match join.try_into_panic() {
        Ok(panic) => panic
            .downcast_ref::<&str>()
            .map(|words| (*words).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".to_owned()),
        Err(other) => other.to_string(),
    }
}

/// An effect to be done after the commit.
#[derive(Debug)]
pub(crate) struct StartedEffect<P: Participant> {
    pub(crate) order: OrderId,
    pub(crate) effect: P::Effect,
    pub(crate) caused_by: Option<EventId>,
    pub(crate) correlation: CorrelationId,
}

struct Written<P: Participant> {
    applied: Vec<Applied<P>>,
    outgoing: Vec<Outgoing>,
    effects: Vec<StartedEffect<P>>,
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

async fn write_batch<P: Participant>(
    tx: &mut PgConnection,
    participant: &P,
    works: &[Work<P>],
) -> sqlx::Result<Written<P>> {
    let orders: Vec<OrderId> =
        works.iter().map(|work| work.order).collect::<HashSet<_>>().into_iter().collect();
    let at = lock(tx, &orders).await?;

    let events: Vec<EventId> = works.iter().filter_map(|work| work.cause.event_id()).collect();
    let mut seen = saga_log::seen(tx, &events).await?;
    let due: Vec<_> = works.iter().filter_map(|w| w.cause.timer_name().map(|name| (w.order, name))).collect();
    let mut fired: HashSet<_> = timers::fire(tx, &due, at).await?.into_iter().collect();

    let states = P::load(tx, &orders).await?;
    let inputs: Vec<_> = works.iter().map(|work| (work.order, &work.input)).collect();
    let mut world = participant.load_world(tx, &inputs).await?;

    let mut batch = Batch::new(at, states, &orders);
    let mut applied = Vec::with_capacity(works.len());
    for work in works {
        applied.push(fold(&mut batch, participant, &mut world, &mut seen, &mut fired, work));
    }

    let changes: Vec<Change<P>> = batch.changes.into_values().filter(|c| !c.inputs.is_empty()).collect();
    participant.save(tx, &changes, &world, at).await?;
    saga_log::append(tx, &batch.log, at).await?;
    let mut outgoing = outbox::append_claimed(tx, &batch.emitted).await?;
    outgoing.extend(outbox::resend(tx, &batch.resends).await?);
    let (arm, disarm): (Vec<_>, Vec<_>) = batch.timers.into_iter().partition(|(_, armed)| armed.is_some());
    timers::arm(tx, &arm.into_iter().filter_map(|(_, armed)| armed).collect::<Vec<_>>()).await?;
    timers::disarm(tx, &disarm.into_iter().map(|(key, _)| key).collect::<Vec<_>>()).await?;
    Ok(Written { applied, outgoing, effects: batch.effects })
}

/// Takes the locks of these orders, in one order for everyone, and reads the database's clock.
///
/// Advisory locks also cover orders that have no row yet, so that the first events of an order,
/// arriving at two replicas at once, wait for each other. Two orders that share a lock merely wait.
async fn lock(tx: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<DateTime<Utc>> {
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
            if !seen.insert(event) {
                return batch.again(work.order, event_type, resent);
            }
        }
        CauseKind::Timer(name) => {
            if !fired.remove(&(work.order, name.to_owned())) {
                return Applied::StaleTimer;
            }
        }
        CauseKind::Outcome | CauseKind::Command => {}
    }
    let at = batch.at;
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
        let correlation = work.cause.correlation;

        let first = self.emitted.len();
        for event in emit {
            debug_assert_eq!(event.event_type().producer(), P::SERVICE, "a service says only its own events");
            // What a command leads to has no event behind it but the command's first event.
            let causation = work.cause.causation.or_else(|| self.emitted.get(first).map(|e| e.event_id));
            let draft = Draft {
                event_id: EventId(Uuid::now_v7()),
                aggregate_id: work.order.0,
                correlation_id: correlation,
                causation_id: causation,
                timestamp: self.at,
            };
            self.emitted.push(Envelope::new(draft, event));
        }
        let emitted = &self.emitted[first..];
        let last_word = emitted.last().map(|envelope| envelope.event_id).or(work.cause.causation);
        let mut named: Vec<Emitted> = emitted
            .iter()
            .map(|e| Emitted { event_id: Some(e.event_id), event_type: e.event_type(), resent: false })
            .collect();
        named.extend(resend.iter().map(|t| Emitted { event_id: None, event_type: *t, resent: true }));
        let emitted_types = emitted.iter().map(Envelope::event_type).collect();

        for change in timers {
            let (name, armed) = match change {
                TimerChange::Disarm(timer) => (timer.name(), None),
                TimerChange::Arm(timer, after) => {
                    let armed = Armed {
                        order: work.order,
                        name: timer.name(),
                        due_at: self.at + after,
                        armed_by: last_word,
                        correlation,
                    };
                    (timer.name(), Some(armed))
                }
            };
            self.timers.insert((work.order, name), armed);
        }
        self.resends.extend(resend.into_iter().map(|event_type| (work.order, event_type)));
        self.effects.extend(effects.iter().filter(|effect| P::is_outside(effect)).map(|effect| {
            StartedEffect { order: work.order, effect: effect.clone(), caused_by: last_word, correlation }
        }));
        report::<P>(work, &input, outcome, &note, alarm.as_deref());
        self.log.push(saga_log::Entry {
            order: work.order,
            event: work.cause.event_id(),
            input,
            outcome,
            note: alarm.map_or(note.clone(), |alarm| join_words(&note, &alarm)),
            correlation,
            causation: work.cause.causation.filter(|_| work.cause.event_id().is_none()),
            emitted: named,
        });
        let change = self.change(work.order);
        change.inputs.push(work.input.clone());
        change.effects.extend(effects);
        change.after = state.clone();
        Committed { state, correlation_id: correlation, emitted: emitted_types }
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
