//! A store held against the rule: random stories, written by the engine's own transaction into a real
//! Postgres and at the same time folded purely in memory, end in the same state after every batch.
//!
//! Compared are the orders' states, the saga log, the outbox (payloads, causes, what is on its way to
//! the broker), the timers, the effects that are started, and whatever else a service keeps
//! ([`Subject::agrees`]). Batches are cut at random, some are lost before their commit and come again,
//! whole or one by one, and of some the commit was never heard of. `PROPTEST_CASES` says how many
//! stories are told; without it a few dozen, so that all services together take about a minute.

mod model;
mod stored;
mod story;
mod tally;

use std::{cell::RefCell, collections::BTreeSet, fmt::Debug, future::Future};

use chassis::{
    Participant,
    trial::{self, Given},
};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::{
    strategy::BoxedStrategy,
    test_runner::{Config, TestCaseError, TestError, TestRunner},
};
use shared_events::{CorrelationId, Draft, Envelope, Event, EventId, EventType, OrderId, Timer as _};
use sqlx::{PgPool, postgres::PgPoolOptions};
use uuid::Uuid;

pub use model::{Decided, Kept, Model};
// A service's stories need nothing else of it, and no dependency of their own.
pub use proptest;
pub use stored::same;
pub use story::Happens;

use model::Told;
use story::{Batch, Fate, Pause, Step, Story};
use tally::Tally;

/// One for the transaction, one to look, and one that still rolls back.
const CONNECTIONS_MAX: u32 = 4;
/// How long a failing story is made smaller: each attempt tells it to Postgres again.
const SHRINK_MILLISECONDS: u32 = 30_000;
const SHRINK_ATTEMPTS: u32 = 1_000;
/// Between a batch and the next attempt: the clock stands still during a batch and never between two.
const TICK: TimeDelta = TimeDelta::milliseconds(1);

/// A service whose store is held against its rule.
pub trait Subject: Sized {
    /// The participant.
    type Participant: Participant;
    /// What can happen, before a story has ids: generated, shown and shrunk.
    type Symbol: Clone + Debug + 'static;

    /// Orders of one story. Few, so that what happens to one often meets what happened to it before.
    const ORDERS: u8 = 4;

    /// Stories told when `PROPTEST_CASES` does not say. More are for a night; these find a forgotten
    /// column in the first few.
    const STORIES: u32 = 24;

    /// All stages an order must have reached in some story; a run that misses one has shown too little.
    const STAGES: &'static [&'static str];

    /// Whatever can happen to an order from outside, what leads somewhere more often than the rest.
    fn symbols() -> BoxedStrategy<Self::Symbol>;

    /// Some of the ways that orders usually take; a story's orders begin with the first steps of one.
    fn ways() -> Vec<Vec<Self::Symbol>>;

    /// Prepares one story in the database: rows that its orders share.
    fn begin(pool: &PgPool) -> impl Future<Output = Self>;

    /// The participant under test.
    fn participant(&self) -> &Self::Participant;

    /// The shared rows as they are before the story.
    fn world(&self) -> <Self::Participant as Participant>::World;

    /// What the symbol means for this order, which was in that state when its batch was put together.
    fn happens(
        &self,
        symbol: &Self::Symbol,
        order: OrderId,
        state: &<Self::Participant as Participant>::State,
    ) -> Happens<<Self::Participant as Participant>::Input>;

    /// How far an order is.
    fn stage(state: &<Self::Participant as Participant>::State) -> &'static str;

    /// What identifies an effect.
    fn effect(effect: &<Self::Participant as Participant>::Effect) -> String {
        format!("{effect:?}")
    }

    /// Whether the tables that only this service has agree with the model.
    fn agrees(
        &self,
        _pool: &PgPool,
        _model: &Model<Self::Participant>,
    ) -> impl Future<Output = Result<(), String>> {
        async { Ok(()) }
    }
}

/// The believable event of the golden file.
#[must_use]
pub fn example(event_type: EventType) -> Event {
    Envelope::decode(event_type.example().as_bytes()).expect("golden files are readable").event
}

/// Tells stories until one is told differently by rule and store.
///
/// # Panics
/// When one is, with the smallest such story that was found; or when the stories met too little.
pub fn holds<S: Subject>() {
    let service = S::Participant::SERVICE.name();
    crate::on_postgres(service, |pool| async move {
        // The runner calls back synchronously, and every story wants the runtime again.
        let quick = quick(&pool);
        tokio::task::block_in_place(|| tell_all::<S>(&quick));
        quick.close().await;
    });
}

/// The same database without waiting for its disk: no story lets Postgres itself crash, and a few
/// thousand commits wait longer than all the rest takes.
fn quick(pool: &PgPool) -> PgPool {
    let options = pool.connect_options().as_ref().clone().options([("synchronous_commit", "off")]);
    PgPoolOptions::new().max_connections(CONNECTIONS_MAX).connect_lazy_with(options)
}

fn tell_all<S: Subject>(pool: &PgPool) {
    let default = Config::default();
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let cases = if asked { default.cases } else { S::STORIES };
    let max_shrink_time = SHRINK_MILLISECONDS;
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_shrink_time,
        max_shrink_iters: SHRINK_ATTEMPTS,
        ..default
    });
    let tally = RefCell::new(Tally::default());
    let handle = tokio::runtime::Handle::current();
    let told = runner.run(&story::stories(S::ORDERS, S::ways(), S::symbols()), |story| {
        handle.block_on(tell::<S>(pool, &story, &tally)).map_err(TestCaseError::fail)
    });
    match told {
        Ok(()) => {}
        Err(TestError::Fail(why, story)) => panic!("{why}\nin the story {story:#?}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
    let tally = tally.into_inner();
    println!("{}: {cases} stories: {tally:?}", S::Participant::SERVICE);
    if cases >= S::STORIES {
        tally.is_not_vacuous::<S>();
    }
}

async fn tell<S: Subject>(
    pool: &PgPool,
    story: &Story<S::Symbol>,
    tally: &RefCell<Tally>,
) -> Result<(), String> {
    let subject = S::begin(pool).await;
    let orders: Vec<OrderId> = (0..S::ORDERS).map(|_| OrderId(Uuid::now_v7())).collect();
    let model = Model::new(subject.world(), &orders);
    let clock = "2026-11-20T12:00:00Z".parse().map_err(stored::words)?;
    let mut telling =
        Telling { subject, pool, model, orders, clock, delivered: Vec::new(), tally: Tally::default() };
    for batch in &story.batches {
        telling.batch(batch).await?;
    }
    telling.tally.saw_stages::<S>(&telling.model);
    tally.borrow_mut().add(telling.tally);
    Ok(())
}

/// A story while it is told, to the database and to the model.
struct Telling<'a, S: Subject> {
    subject: S,
    pool: &'a PgPool,
    model: Model<S::Participant>,
    orders: Vec<OrderId>,
    clock: DateTime<Utc>,
    delivered: Vec<Envelope>,
    tally: Tally,
}

impl<S: Subject> Telling<'_, S> {
    async fn batch(&mut self, batch: &Batch<S::Symbol>) -> Result<(), String> {
        let mut told = self.wait(&batch.pause);
        for step in &batch.steps {
            told.extend(self.step(step));
        }
        if batch.fate != Fate::Committed {
            self.tally.fates.insert(format!("{:?}", batch.fate));
        }
        match batch.fate {
            Fate::Committed => self.commit(&told).await,
            Fate::Lost => {
                self.lose(&told).await?;
                self.commit(&told).await
            }
            Fate::LostThenAlone => {
                self.lose(&told).await?;
                for one in told.chunks(1) {
                    self.commit(one).await?;
                }
                Ok(())
            }
            Fate::Unknown => {
                self.commit(&told).await?;
                self.commit(&told).await
            }
        }
    }

    /// Lets time pass; gives the timers that a sweep then sees due.
    fn wait(&mut self, pause: &Pause) -> Vec<Told<S::Participant>> {
        let mut armed: Vec<_> = self
            .model
            .orders
            .iter()
            .flat_map(|(order, kept)| kept.timers.iter().map(|(name, armed)| (armed.due_at, *order, *name)))
            .collect();
        armed.sort_unstable();
        match pause {
            Pause::Milliseconds(milliseconds) => {
                self.clock += TimeDelta::milliseconds(*milliseconds);
                return Vec::new();
            }
            Pause::UntilTimer(_) if armed.is_empty() => return Vec::new(),
            Pause::UntilTimer(which) => self.clock = self.clock.max(armed[which % armed.len()].0),
        }
        let due = armed.into_iter().filter(|(due_at, ..)| *due_at <= self.clock);
        let timer = |name| <S::Participant as Participant>::Timer::from_name(name);
        due.filter_map(|(_, order, name)| Some(self.timer(order, timer(name)?))).collect()
    }

    fn timer(&self, order: OrderId, timer: <S::Participant as Participant>::Timer) -> Told<S::Participant> {
        let armed = self.model.orders[&order].timers.get(timer.name());
        let armed_by = armed.and_then(|armed| armed.armed_by);
        let correlation = armed.map_or(correlation(order, 0), |armed| armed.correlation);
        Told::Timer { order, timer, armed_by, correlation }
    }

    fn step(&mut self, step: &Step<S::Symbol>) -> Option<Told<S::Participant>> {
        match step {
            Step::New { order, correlation: action, what } => {
                let order = self.orders[usize::from(*order)];
                let correlation = correlation(order, *action);
                Some(match self.subject.happens(what, order, &self.model.orders[&order].state) {
                    Happens::Event(event, ago) => {
                        let draft = Draft {
                            event_id: EventId(Uuid::now_v7()),
                            aggregate_id: order.0,
                            correlation_id: correlation,
                            causation_id: None,
                            timestamp: self.clock - ago,
                        };
                        let envelope = Envelope::new(draft, *event);
                        self.delivered.push(envelope.clone());
                        Told::Event { envelope: Box::new(envelope), resent: false }
                    }
                    Happens::Outcome(input) => {
                        let caused_by = self.model.orders[&order].last_effect.flatten();
                        Told::Outcome { order, input, caused_by, correlation }
                    }
                    Happens::Command(input) => Told::Command { order, input, correlation },
                })
            }
            Step::Again { back, resent } => {
                let count = self.delivered.len();
                let envelope = self.delivered.get(count.checked_sub(1 + back % count.max(1))?)?;
                Some(Told::Event { envelope: Box::new(envelope.clone()), resent: *resent })
            }
            Step::Timer { order, timer } => {
                let all = <S::Participant as Participant>::Timer::ALL;
                let timer = all.get(timer.checked_rem(all.len())?)?;
                Some(self.timer(self.orders[usize::from(*order)], *timer))
            }
        }
    }

    /// The transaction is dropped before its commit, as by a crash: nothing of it may be seen.
    async fn lose(&mut self, told: &[Told<S::Participant>]) -> Result<(), String> {
        let given = self.given(told);
        let mut tx = self.pool.begin().await.map_err(stored::words)?;
        trial::write_batch(&mut tx, self.subject.participant(), &given, self.clock)
            .await
            .map_err(stored::words)?;
        drop(tx);
        self.clock += TICK;
        self.agrees(&BTreeSet::new()).await
    }

    async fn commit(&mut self, told: &[Told<S::Participant>]) -> Result<(), String> {
        let given = self.given(told);
        let mut tx = self.pool.begin().await.map_err(stored::words)?;
        let left = trial::write_batch(&mut tx, self.subject.participant(), &given, self.clock)
            .await
            .map_err(stored::words)?;
        tx.commit().await.map_err(stored::words)?;
        let leaves = self.model.take(self.subject.participant(), told, self.clock);
        self.tally.saw(told, &leaves);
        if left.became != leaves.became {
            return Err(format!(
                "the batch became\n  {:?}\nand the fold\n  {:?}",
                left.became, leaves.became
            ));
        }
        self.agrees(&leaves.outgoing).await?;

        let ids = leaves.outgoing.iter().map(|(order, place)| self.model.orders[order].said[*place].id);
        let wanted: BTreeSet<_> = ids.map(|id| id.map(|id| id.0)).collect();
        let handed_over: BTreeSet<_> = left.outgoing.iter().map(|id| Some(id.0)).collect();
        if handed_over != wanted {
            return Err(format!("the relay got\n  {handed_over:?}\nand not\n  {wanted:?}"));
        }
        let asked = left.effects.iter();
        let asked: Vec<_> =
            asked.map(|e| (e.order, S::effect(&e.effect), e.caused_by, e.correlation)).collect();
        let started = leaves.started.iter();
        let started: Vec<_> = started
            .map(|e| (e.order, S::effect(&e.effect), self.model.id(e.caused_by), e.correlation))
            .collect();
        if asked != started {
            return Err(format!("the engine starts\n  {asked:?}\nand the fold asks for\n  {started:?}"));
        }
        self.clock += TICK;
        Ok(())
    }

    async fn agrees(&mut self, outgoing: &BTreeSet<(OrderId, usize)>) -> Result<(), String> {
        stored::agrees(self.pool, &mut self.model, outgoing).await?;
        self.subject.agrees(self.pool, &self.model).await
    }

    /// What the engine is given: the model's causes under the ids that the outbox has for them.
    fn given(&self, told: &[Told<S::Participant>]) -> Vec<Given<S::Participant>> {
        let one = |told: &Told<S::Participant>| match told {
            Told::Event { envelope, resent } => Given::event(envelope, *resent),
            Told::Timer { order, timer, armed_by, correlation } => {
                Given::timer(*order, *timer, self.model.id(*armed_by), *correlation)
            }
            Told::Outcome { order, input, caused_by, correlation } => {
                Given::outcome(*order, input.clone(), self.model.id(*caused_by), *correlation)
            }
            Told::Command { order, input, correlation } => {
                Given::command(*order, input.clone(), *correlation)
            }
        };
        told.iter().map(one).collect()
    }
}

/// The correlation of an order's first, or second, action.
fn correlation(order: OrderId, action: u8) -> CorrelationId {
    CorrelationId(Uuid::from_u128(order.0.as_u128() ^ (u128::from(action) + 1)))
}
