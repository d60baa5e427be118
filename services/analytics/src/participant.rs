//! The saga's side: analytics hears every event, adds it to what it knows, and says nothing.

use std::{collections::HashMap, convert::Infallible};

use chassis::{App, Change, DecisionOf, Participant, config};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use shared_events::{
    Currency, Decision, Envelope, Event, EventType, NoTimer, OrderId, Outcome, Rejection, Service,
};
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use crate::{
    counters::Counters,
    facts::OrderFacts,
    mirror::Mirror,
    store::{self, Batch},
};

/// Analytics as an observer of the saga, with what its routes need.
#[derive(Clone, Debug)]
pub struct Analytics {
    mirror: Mirror,
    main_currency: Currency,
}

impl Analytics {
    /// The counters in Redis.
    #[must_use]
    pub const fn mirror(&self) -> &Mirror {
        &self.mirror
    }

    /// The currency of amounts that name none.
    #[must_use]
    pub const fn main_currency(&self) -> Currency {
        self.main_currency
    }
}

/// Analytics as its environment wants it.
///
/// # Errors
/// Names the variable that makes no sense.
pub fn participant(env: &mut config::Reader) -> Result<Analytics, config::ConfigError> {
    const REDIS_DOC: &str = "Redis, for the fast counters; without it they are read from the database.";
    let url = env.secret("REDIS_URL", Some("redis://127.0.0.1:6379/"), REDIS_DOC)?;
    let key_prefix =
        env.read("REDIS_KEY_PREFIX", Some("analytics"), "What every key of ours in Redis begins with.")?;
    let main_currency = env.read(
        "MAIN_CURRENCY",
        Some("USD"),
        "ISO 4217 code: amounts of `/metrics` are in it, and leave out orders in other currencies.",
    )?;
    let mirror =
        Mirror::new(url.expose_secret(), key_prefix).map_err(|problem| config::ConfigError::Invalid {
            name: "REDIS_URL",
            value: "***".to_owned(),
            problem: problem.to_string(),
            doc: REDIS_DOC,
        })?;
    Ok(Analytics { mirror, main_currency })
}

impl Participant for Analytics {
    const SERVICE: Service = Service::Analytics;
    /// `/metrics` is the business figures that the seed's users ask for.
    const PROMETHEUS_PATH: &'static str = "/prometheus";
    type State = OrderFacts;
    type Input = Envelope;
    type Effect = Infallible;
    type Timer = NoTimer;
    type World = ();

    /// Every type, also one that is added tomorrow: it is counted without being understood.
    fn handles(_event_type: EventType) -> bool {
        true
    }

    fn event_input(envelope: &Envelope) -> Envelope {
        envelope.clone()
    }

    fn timer_input(timer: NoTimer) -> Envelope {
        match timer {}
    }

    fn input_name(input: &Envelope) -> String {
        input.event_type().to_string()
    }

    fn decide(
        &self,
        (): &(),
        facts: &OrderFacts,
        input: &Envelope,
        _at: DateTime<Utc>,
    ) -> Result<DecisionOf<Self>, Rejection> {
        Ok(decide(facts, input))
    }

    fn answers(_facts: &OrderFacts, _asked: EventType) -> Vec<EventType> {
        Vec::new()
    }

    async fn load(tx: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, OrderFacts>> {
        store::load(tx, orders).await
    }

    async fn save(
        &self,
        tx: &mut PgConnection,
        changes: &[Change<Self>],
        (): &(),
        at: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        store::save(tx, &batch(changes), at).await
    }

    async fn background(app: App<Self>, stopping: CancellationToken) {
        app.participant().mirror.keep_current(app.pool(), stopping).await;
    }
}

/// Adds the event to the facts.
fn decide(facts: &OrderFacts, input: &Envelope) -> Decision<OrderFacts, Infallible, NoTimer> {
    let after = facts.heard(input);
    if after == *facts {
        Decision::ignored(after, "counted; it adds nothing to what is known of the order")
    } else {
        Decision::to(after, Outcome::Completed).note("counted, and noted for the order")
    }
}

/// What all these changes together write.
fn batch(changes: &[Change<Analytics>]) -> Batch<'_> {
    let mut counters = Counters::default();
    let (mut facts, mut lines) = (Vec::new(), Vec::new());
    for change in changes {
        if change.before != change.after {
            facts.push((change.order, &change.after));
            counters.moved(&change.before, &change.after);
        }
        for envelope in &change.inputs {
            counters.count(envelope.event_type());
        }
        // The first time an order is placed; what comes of a second time, which nobody should say, must
        // not depend on whether it is in the same batch.
        let placed = change.inputs.iter().find_map(|envelope| {
            let Event::OrderPlaced(placed) = &envelope.event else { return None };
            Some((change.order, placed.items.as_slice()))
        });
        lines.extend(placed.filter(|_| change.before.placed.is_none()));
    }
    Batch { facts, lines, counters }
}
