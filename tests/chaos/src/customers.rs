//! Customers: they place orders of every kind while things break, hang up, ask again under the same
//! id, cancel, and write everything that they did and were told into a journal.
//!
//! Rates: `chaos load` tells what a machine carries. With debug programs an order costs the services 26 ms
//! of processor time where only the participants run and 130 ms where all do (upper bounds: measured on
//! two cores that other work kept busy, idle turns included), to which Postgres and the broker add their
//! own. By that estimate two quiet cores carry 30 and 10 orders a second; more piles up, deadlines pass,
//! and what is measured then is overload and not the fault.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Write as _,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use reqwest::StatusCode;
use serde_json::{Value, json};
use system_tests::{
    Http, Platform, Product,
    oracles::{Books, Claim},
    order_body,
};
use tokio::{sync::Semaphore, task::JoinHandle};
use uuid::Uuid;

mod journal;

/// Between two attempts at one order.
const PAUSE: Duration = Duration::from_millis(100);
/// How long one order may be refused before its customer gives up. Longer than any fault.
const PATIENCE: Duration = Duration::from_secs(180);

/// What kind of order; how it ends without a fault, and whom it troubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Succeeds.
    Ok,
    /// The card is declined.
    Declined,
    /// The carrier refuses it after it was paid.
    NoCarrier,
    /// The gateway fails twice, then charges.
    ErrorTwice,
    /// The gateway never answers and never charges.
    Silent,
    /// The gateway charges and does not say so.
    SilentCaptured,
    /// The gateway takes three seconds.
    Slow,
    /// The carrier refuses it and the gateway refuses to give the money back.
    RefundRefused,
    /// Succeeds, unless its customer's second thought is fast enough.
    Cancelled,
}

/// How much of what is placed.
#[derive(Clone, Debug)]
pub(crate) struct Traffic {
    /// Orders a second.
    pub(crate) rate: f64,
    /// Orders whose answer is waited for at once; beyond that the next one waits.
    pub(crate) at_once: usize,
    /// How often each kind, as weights.
    pub(crate) mix: Vec<(Kind, u32)>,
    /// Hangs up on so many of a hundred requests, after a random part of 40 ms, and asks again.
    pub(crate) hang_up_percent: u32,
}

impl Traffic {
    /// Mostly successes, with every ordinary way to fail.
    pub(crate) fn mixed(rate: f64) -> Self {
        let mix = vec![
            (Kind::Ok, 70),
            (Kind::Declined, 10),
            (Kind::NoCarrier, 8),
            (Kind::ErrorTwice, 4),
            (Kind::SilentCaptured, 1),
            (Kind::Cancelled, 7),
        ];
        Self { rate, at_once: 64, mix, hang_up_percent: 0 }
    }
}

/// What happened to one order, in its customer's eyes.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// What kind.
    pub(crate) kind: Kind,
    /// Requests made for it.
    pub(crate) attempts: usize,
    /// Requests its customer hung up on.
    pub(crate) hung_up: usize,
    /// Whether the service said that it has it.
    pub(crate) accepted: bool,
    /// When the service last said "later", or nothing.
    pub(crate) put_off_at: Option<DateTime<Utc>>,
    /// What the service answered to the wish to cancel, if it answered.
    pub(crate) cancelled: Option<u16>,
}

/// The customers of one platform.
#[derive(Clone)]
pub(crate) struct Customers {
    shared: Arc<Shared>,
}

struct Shared {
    http: Http,
    orders_url: String,
    product: Product,
    traffic: Traffic,
    dice: Mutex<StdRng>,
    journal: Mutex<BTreeMap<Uuid, Entry>>,
    path: PathBuf,
    file: Mutex<File>,
    waiting: AtomicUsize,
    closed: AtomicBool,
    complaints: Mutex<Vec<String>>,
}

impl Customers {
    /// Customers of this platform; the journal is a file of one JSON object a line.
    pub(crate) fn new(
        platform: &Platform,
        product: Product,
        traffic: Traffic,
        seed: u64,
        file: PathBuf,
    ) -> Self {
        let shared = Shared {
            http: platform.http().clone(),
            orders_url: platform.url("order", "/orders"),
            product,
            traffic,
            dice: Mutex::new(StdRng::seed_from_u64(seed)),
            journal: Mutex::default(),
            file: Mutex::new(File::create(&file).unwrap()),
            path: file,
            waiting: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            complaints: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Places orders at the rate until [`Customers::close`]; the task ends when all are accepted.
    pub(crate) fn open(&self) -> JoinHandle<()> {
        let customers = self.clone();
        tokio::spawn(async move {
            let slots = Arc::new(Semaphore::new(customers.shared.traffic.at_once));
            let mut ticks =
                tokio::time::interval(Duration::from_secs_f64(1.0 / customers.shared.traffic.rate));
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut placing = tokio::task::JoinSet::new();
            while !customers.shared.closed.load(Ordering::SeqCst) {
                ticks.tick().await;
                let Ok(slot) = slots.clone().acquire_owned().await else { return };
                let (customers, kind) = (customers.clone(), customers.kind());
                placing.spawn(async move {
                    customers.insist(kind).await;
                    drop(slot);
                });
                while placing.try_join_next().is_some() {}
            }
            while let Some(done) = placing.join_next().await {
                done.unwrap();
            }
        })
    }

    /// No further orders.
    pub(crate) fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
    }

    /// Customers who wait for an answer.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::SeqCst)
    }

    /// Everything that was placed.
    pub(crate) fn journal(&self) -> BTreeMap<Uuid, Entry> {
        self.shared.journal.lock().unwrap().clone()
    }

    /// Answers that no customer should get.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.shared.complaints.lock().unwrap().clone()
    }

    /// What the journal claims to be in the books.
    pub(crate) fn claims(&self) -> BTreeMap<Uuid, Claim> {
        let total_minor = self.shared.product.price_minor;
        let claim = |(id, entry): (Uuid, Entry)| (id, Claim { total_minor, is_accepted: entry.accepted });
        self.journal().into_iter().map(claim).collect()
    }

    /// Nobody got what their kind of order cannot get: goods for a declined card, a parcel where no
    /// carrier goes.
    pub(crate) fn undeserved(&self, books: &Books) -> Vec<String> {
        let undeserved = |id: &Uuid, kind: Kind| {
            let order = books.orders.get(id)?;
            let captures = books.outside.charges.get(id).map_or(0, |charge| charge.captures);
            match kind {
                Kind::Declined | Kind::Silent if captures > 0 => {
                    Some(format!("order {id} is {kind:?} and was captured {captures} times"))
                }
                Kind::Declined | Kind::Silent | Kind::NoCarrier | Kind::RefundRefused if order.lives() => {
                    Some(format!("order {id} is {kind:?} and is {}", order.status))
                }
                Kind::Declined
                | Kind::Silent
                | Kind::NoCarrier
                | Kind::RefundRefused
                | Kind::Ok
                | Kind::ErrorTwice
                | Kind::SilentCaptured
                | Kind::Slow
                | Kind::Cancelled => None,
            }
        };
        self.journal().iter().filter_map(|(id, entry)| undeserved(id, entry.kind)).collect()
    }

    /// Whether the journal's file tells the same as our memory: every request had one answer, and all
    /// that is accepted was noted.
    pub(crate) fn journal_adds_up(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.shared.path).unwrap();
        journal::adds_up(&text, &self.journal())
    }

    /// Places one order until the service has it, as a careful client would: no answer and a 5xx mean
    /// "ask again under the same id". Gives its id.
    pub(crate) async fn insist(&self, kind: Kind) -> Uuid {
        let (order, body) = self.draft(kind);
        self.insist_on(order, kind, &body).await;
        order
    }

    /// An order that somebody is about to place in a way of his own: its id and its request. Whoever
    /// drafts one must [`insist_on`](Self::insist_on) it in the end.
    pub(crate) fn draft(&self, kind: Kind) -> (Uuid, Value) {
        let order = Uuid::now_v7();
        self.enter(order, kind);
        (order, self.body(order, kind))
    }

    /// Takes an order into the journal that the service has already said to have, under an id of its
    /// own choice.
    pub(crate) fn adopt(&self, order: Uuid, kind: Kind, hung_up: usize) {
        self.enter(order, kind);
        (0..hung_up).for_each(|_| self.hung_up(order));
        self.note(order, "places", Value::Null, |entry| entry.attempts += 1);
        self.note(order, "accepted", Value::Null, |entry| entry.accepted = true);
    }

    /// Notes that somebody hung up on a request for an order he had drafted.
    pub(crate) fn hung_up(&self, order: Uuid) {
        self.note(order, "places", Value::Null, |entry| entry.attempts += 1);
        self.note(order, "hung up", Value::Null, |entry| entry.hung_up += 1);
    }

    fn enter(&self, order: Uuid, kind: Kind) {
        let entry =
            Entry { kind, attempts: 0, hung_up: 0, accepted: false, put_off_at: None, cancelled: None };
        self.shared.journal.lock().unwrap().insert(order, entry);
    }

    /// Asks for a drafted order until the service has it.
    pub(crate) async fn insist_on(&self, order: Uuid, kind: Kind, body: &Value) {
        self.shared.waiting.fetch_add(1, Ordering::SeqCst);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.attempt(order, body).await {
            if tokio::time::Instant::now() > deadline {
                self.complain(format!("order {order} was not accepted within {PATIENCE:?}"));
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        if kind == Kind::Cancelled {
            self.cancel(order).await;
        }
        self.shared.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    /// One request; whether the order is known to be accepted.
    async fn attempt(&self, order: Uuid, body: &Value) -> bool {
        let hang_up = self.hang_up();
        self.note(order, "places", json!(hang_up.map(|after| after.as_millis() as u64)), |e| e.attempts += 1);
        let asking = self.shared.http.post(&self.shared.orders_url, body);
        let answer = match hang_up {
            None => asking.await,
            Some(after) => match tokio::time::timeout(after, asking).await {
                Ok(answer) => answer,
                Err(_) => {
                    self.note(order, "hung up", Value::Null, |entry| entry.hung_up += 1);
                    return false;
                }
            },
        };
        match answer {
            Ok(answer) if answer.status.is_success() => {
                if answer.json()["id"] != json!(order) {
                    self.complain(format!("order {order} was answered with another: {}", answer.text));
                }
                self.note(order, "accepted", json!(answer.status.as_u16()), |entry| entry.accepted = true);
                true
            }
            Ok(answer) if answer.status == StatusCode::SERVICE_UNAVAILABLE => {
                if !answer.headers.contains_key("retry-after") {
                    self.complain(format!("a 503 without Retry-After: {}", answer.text));
                }
                self.note(order, "put off", json!(503), |entry| entry.put_off_at = Some(Utc::now()));
                false
            }
            // Another request for the same order is under way: its answer may be asked for again.
            Ok(answer) if answer.status == StatusCode::CONFLICT => {
                self.note(order, "put off", json!(409), |_| ());
                false
            }
            Ok(answer) => {
                self.note(order, "refused", json!(answer.status.as_u16()), |_| ());
                self.complain(format!("order {order} is refused: {} {}", answer.status, answer.text));
                true
            }
            Err(error) => {
                self.note(order, "no answer", json!(format!("{error:#}")), |entry| {
                    entry.put_off_at = Some(Utc::now());
                });
                false
            }
        }
    }

    /// Asks once, a little later, and takes whatever is answered.
    async fn cancel(&self, order: Uuid) {
        let after = self.shared.dice.lock().unwrap().random_range(0..150);
        tokio::time::sleep(Duration::from_millis(after)).await;
        let url = format!("{}/{order}/cancel", self.shared.orders_url);
        let answer = self.shared.http.post(&url, &json!({ "reason": "a second thought" })).await;
        let status = answer.ok().map(|answer| answer.status.as_u16());
        self.note(order, "cancels", json!(status), |entry| entry.cancelled = status);
        if let Some(status) = status.filter(|status| ![200, 202, 404, 409, 503].contains(status)) {
            self.complain(format!("cancelling order {order} is answered with {status}"));
        }
    }

    fn kind(&self) -> Kind {
        let mix = &self.shared.traffic.mix;
        let total: u32 = mix.iter().map(|(_, weight)| weight).sum();
        let mut rolled = self.shared.dice.lock().unwrap().random_range(0..total);
        for (kind, weight) in mix {
            match rolled.checked_sub(*weight) {
                Some(rest) => rolled = rest,
                None => return *kind,
            }
        }
        unreachable!("a roll is below the sum of the weights")
    }

    fn hang_up(&self) -> Option<Duration> {
        let mut dice = self.shared.dice.lock().unwrap();
        let hangs_up = dice.random_range(0..100) < self.shared.traffic.hang_up_percent;
        hangs_up.then(|| Duration::from_micros(dice.random_range(0..40_000)))
    }

    fn body(&self, order: Uuid, kind: Kind) -> Value {
        let token = match kind {
            Kind::Ok | Kind::NoCarrier | Kind::Cancelled => "tok_ok",
            Kind::Declined => "tok_declined",
            Kind::ErrorTwice => "tok_error_twice",
            Kind::Silent => "tok_timeout",
            Kind::SilentCaptured => "tok_timeout_captured",
            Kind::Slow => "tok_slow",
            Kind::RefundRefused => "tok_refund_refused",
        };
        let mut body = order_body(self.shared.product, 1, token);
        body["order_id"] = json!(order);
        // Who orders often would be held back by the fraud rules.
        body["customer_id"] = json!(order);
        if matches!(kind, Kind::NoCarrier | Kind::RefundRefused) {
            body["shipping_address"]["country"] = json!("XX");
        }
        body
    }

    fn note(&self, order: Uuid, what: &str, detail: Value, change: impl FnOnce(&mut Entry)) {
        let line = json!({ "at": chrono::Utc::now(), "order": order, "what": what, "detail": detail });
        writeln!(self.shared.file.lock().unwrap(), "{line}").unwrap();
        if let Some(entry) = self.shared.journal.lock().unwrap().get_mut(&order) {
            change(entry);
        }
    }

    fn complain(&self, complaint: String) {
        self.shared.complaints.lock().unwrap().push(complaint);
    }
}
