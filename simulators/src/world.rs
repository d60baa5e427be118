//! The desk at which everything is decided, under one lock, and the promise that no answer leaves
//! before all it could have seen is on disk.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::Utc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::books::Books;
use crate::config::Config;
use crate::facts::{Entry, Fact};
use crate::journal::{Journal, Lost};
use crate::outage::Outages;

/// How long a request that plays dead is kept open when its client does not give up. Longer than
/// any client's patience in this platform, so that the client's own limit is what is tested.
const SILENCE_LIMIT: Duration = Duration::from_secs(120);

/// Everything the process shares.
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) journal: Arc<Journal>,
    pub(crate) outages: Outages,
    pub(crate) stopping: CancellationToken,
    pub(crate) tasks: TaskTracker,
    desk: Mutex<Desk>,
}

/// What is behind the lock: the books, and what is under way but not yet a fact.
pub(crate) struct Desk {
    pub(crate) books: Books,
    /// Slow charges and slow bookings by key. A crash forgets them, which is the truth: nothing
    /// has happened yet.
    pub(crate) slow_charges: HashMap<String, SlowCharge>,
    pub(crate) slow_bookings: HashMap<String, SlowBooking>,
    /// Bookings of which the shipping service is being told right now.
    pub(crate) telling: HashSet<String>,
    journal: Arc<Journal>,
    booked: UnboundedSender<String>,
}

/// A charge that will be captured at a known time, unless it is voided before.
pub(crate) struct SlowCharge {
    pub(crate) until: Instant,
    pub(crate) order_id: Uuid,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
}

/// A booking that will be made at a known time, unless it is cancelled before.
pub(crate) struct SlowBooking {
    pub(crate) until: Instant,
    pub(crate) order_id: Uuid,
}

impl World {
    /// Replays the journal. The second part yields the key of every booking made from now on.
    pub(crate) fn open(config: Config) -> anyhow::Result<(Arc<Self>, UnboundedReceiver<String>)> {
        let mut books = Books::default();
        let replay = |entry: &Entry, span| books.apply(entry, span);
        let journal = Arc::new(Journal::open(&config.journal_path, replay)?);
        let (booked, bookings) = unbounded_channel();
        let desk = Desk {
            books,
            slow_charges: HashMap::new(),
            slow_bookings: HashMap::new(),
            telling: HashSet::new(),
            journal: journal.clone(),
            booked,
        };
        let world = Self {
            config,
            journal,
            outages: Outages::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
            desk: Mutex::new(desk),
        };
        Ok((Arc::new(world), bookings))
    }

    /// Decides under the lock, then waits until everything the decision saw or made is on disk.
    ///
    /// Readers wait as well: a status that a crash could take back would be a lie about money.
    /// A client that leaves meanwhile cancels only the waiting, never the decision.
    pub(crate) async fn decide<T>(&self, rule: impl FnOnce(&mut Desk) -> T) -> Result<T, Lost> {
        let (value, position) = {
            let mut desk = self.desk.lock().expect("books are not trusted after a panic in a decision");
            let value = rule(&mut desk);
            (value, self.journal.end())
        };
        self.journal.durable(position).await?;
        Ok(value)
    }

    /// Keeps a request without an answer until its client leaves (which drops this future), the
    /// process stops, or nobody can still be waiting in earnest.
    pub(crate) async fn silence(&self) {
        tokio::select! {
            () = self.stopping.cancelled() => {}
            () = tokio::time::sleep(SILENCE_LIMIT) => {}
        }
    }
}

impl Desk {
    /// Makes something a fact: in the journal's queue and in the books, in the same order.
    pub(crate) fn record(&mut self, order_id: Option<Uuid>, fact: Fact) {
        let entry = Entry { at: Utc::now(), order_id, fact };
        let span = self.journal.append(&entry);
        self.books.apply(&entry, span);
        if let Fact::BookingMade { key, .. } = entry.fact {
            // Fails only when the carrier's clock has stopped; the next start reads the journal.
            let _ = self.booked.send(key);
        }
    }
}
