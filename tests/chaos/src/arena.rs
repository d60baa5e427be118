//! One platform under load while something breaks: what a fault sees and what it reports to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    time::{Duration, Instant},
};

use rand::{SeedableRng as _, rngs::StdRng};
use sqlx::{Connection as _, PgConnection};
use system_tests::{Platform, Product};
use uuid::Uuid;

use crate::customers::{Customers, Kind};

/// Orders that are neither settled nor stuck with their reason.
const IN_FLIGHT: &str = "SELECT count(*) FROM orders WHERE NOT (status IN ('confirmed', 'shipped', 'delivered') \
     OR compensation IN ('complete', 'stuck'))";
/// How long a fault waits for an order to be on its way, and how often it looks.
const MOMENT_MAX: Duration = Duration::from_secs(2);
const MOMENT: Duration = Duration::from_millis(2);
/// How long one order may take after a fault before the run stops waiting for it; it then counts as
/// not recovered, and the oracles say what became of it.
const RECOVERY_MAX: Duration = Duration::from_secs(60);

/// How often a recovery is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// A database that does not answer for so long cannot be asked.
const LOOK_MAX: Duration = Duration::from_secs(2);

/// What the suite as a whole claims to have done so often; each fault counts its own share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tally {
    /// A service killed, wherever it was; those at named points among them.
    ServiceKills,
    /// … at a named crash point.
    PointKills,
    /// The broker killed or stopped.
    BrokerKills,
    /// Postgres killed.
    PostgresKills,
    /// A commit that was cut: its outcome unknown to who asked for it.
    CutCommits,
    /// A customer who hung up before the answer. Counted by the customers; faults need not.
    AbortedRequests,
    /// An order whose every event was delivered two to five times.
    MultipliedOrders,
    /// A charge that met a misbehaving gateway.
    GatewayFaults,
}

/// What would be a violation if the fault did not make it on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Allowance {
    /// Messages that nobody can handle. `Evidence::DeadLetters` allows them too.
    DeadLetters,
    /// Customers are not written to by files in a folder, so the mail is for the fault to judge.
    MailElsewhere,
}

/// What was counted while a fault was injected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    /// Injections.
    pub(crate) trials: usize,
    /// … that met an order on its way.
    pub(crate) met: usize,
    /// From the end of a fault until a new order was confirmed.
    pub(crate) recoveries: Vec<Duration>,
    /// Figures of the fault's own, by name: how often, or how long.
    pub(crate) figures: Vec<(String, String)>,
    /// What counts toward the suite's claims.
    pub(crate) tallies: BTreeMap<Tally, u64>,
    /// What the fault makes on purpose.
    pub(crate) allowances: BTreeSet<Allowance>,
    /// What went wrong in the eyes of the fault itself.
    pub(crate) violations: Vec<String>,
}

/// The platform, its customers, and chance.
pub(crate) struct Arena {
    pub(crate) platform: Platform,
    pub(crate) product: Product,
    pub(crate) customers: Customers,
    wanted: usize,
    dice: Mutex<StdRng>,
    counted: Mutex<Counted>,
}

impl Arena {
    pub(crate) fn new(
        platform: Platform,
        product: Product,
        customers: Customers,
        wanted: usize,
        seed: u64,
    ) -> Self {
        let dice = Mutex::new(StdRng::seed_from_u64(seed));
        Self { platform, product, customers, wanted, dice, counted: Mutex::default() }
    }

    /// How many trials this run wants.
    pub(crate) fn wanted(&self) -> usize {
        self.wanted
    }

    /// Whether there are trials left to make.
    pub(crate) fn goes_on(&self) -> bool {
        self.counted.lock().unwrap().trials < self.wanted
    }

    /// A choice that the run's seed repeats.
    pub(crate) fn roll<T>(&self, choose: impl FnOnce(&mut StdRng) -> T) -> T {
        choose(&mut self.dice.lock().unwrap())
    }

    /// One injection; `met` says whether it met work in flight. Others do not count as evidence.
    pub(crate) fn trial(&self, met: bool) {
        let mut counted = self.counted.lock().unwrap();
        counted.trials += 1;
        counted.met += usize::from(met);
    }

    /// A figure of the fault's own for the table.
    pub(crate) fn figure(&self, name: &str, value: impl ToString) {
        self.counted.lock().unwrap().figures.push((name.to_owned(), value.to_string()));
    }

    /// So many more of what the suite's claims count, over all faults together.
    pub(crate) fn tally(&self, what: Tally, times: u64) {
        *self.counted.lock().unwrap().tallies.entry(what).or_default() += times;
    }

    /// Says that the fault makes this on purpose.
    pub(crate) fn allow(&self, what: Allowance) {
        self.counted.lock().unwrap().allowances.insert(what);
    }

    /// Something the fault itself saw go wrong.
    pub(crate) fn violation(&self, what: String) {
        println!("    VIOLATION: {what}");
        self.counted.lock().unwrap().violations.push(what);
    }

    /// What was counted so far.
    pub(crate) fn counted(&self) -> Counted {
        self.counted.lock().unwrap().clone()
    }

    /// How many orders are on their way, those included whose customers wait for an answer; these alone
    /// when the database cannot be asked.
    pub(crate) async fn in_flight(&self) -> usize {
        let asked = async {
            let mut database = self.orders_database().await?;
            sqlx::query_scalar::<_, i64>(IN_FLIGHT).fetch_one(&mut database).await
        };
        let on_their_way = tokio::time::timeout(LOOK_MAX, asked).await.ok().and_then(Result::ok);
        on_their_way.unwrap_or_default() as usize + self.customers.waiting()
    }

    /// Waits for a moment at which an order is on its way, for a fault that would otherwise prove nothing;
    /// `false` when there was none for a while.
    pub(crate) async fn meets(&self) -> bool {
        let deadline = Instant::now() + MOMENT_MAX;
        let Ok(mut database) = self.orders_database().await else { return self.customers.waiting() > 0 };
        while Instant::now() < deadline {
            let met = sqlx::query_scalar::<_, i64>(IN_FLIGHT).fetch_one(&mut database).await;
            if self.customers.waiting() > 0 || met.is_ok_and(|orders| orders > 0) {
                return true;
            }
            tokio::time::sleep(MOMENT).await;
        }
        false
    }

    /// As superuser and past every proxy, but Postgres itself may be away.
    async fn orders_database(&self) -> sqlx::Result<PgConnection> {
        let server = self.platform.stack().get("POSTGRES_ADMIN_URL");
        let server = server.rsplit_once('/').map_or(server, |(server, _)| server);
        PgConnection::connect(&format!("{server}/{}_order", self.platform.name())).await
    }

    /// Places an order that succeeds, and measures until it is confirmed: the fault is over for its
    /// users. Seen by a look at the database every 10 ms.
    pub(crate) async fn recovers(&self) {
        let began = Instant::now();
        let order = self.customers.insist(Kind::Ok).await;
        if self.until_settled(order, RECOVERY_MAX).await {
            self.counted.lock().unwrap().recoveries.push(began.elapsed());
        } else {
            self.violation(format!("order {order} did not settle within {RECOVERY_MAX:?} after a fault"));
        }
    }

    async fn until_settled(&self, order: Uuid, patience: Duration) -> bool {
        const SETTLED: &str = "SELECT status IN ('confirmed', 'shipped', 'delivered') OR compensation = 'complete' \
             FROM orders WHERE order_id = $1";
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            // Postgres may be what is away.
            let Ok(mut database) = self.orders_database().await else {
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            };
            loop {
                let settled =
                    sqlx::query_scalar::<_, bool>(SETTLED).bind(order).fetch_optional(&mut database).await;
                match settled {
                    Ok(Some(true)) => return true,
                    Ok(_) if Instant::now() > deadline => return false,
                    Ok(_) => tokio::time::sleep(LOOK_EVERY).await,
                    Err(_) => break,
                }
            }
        }
        false
    }
}
