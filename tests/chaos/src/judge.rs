//! After a fault: the sagas get a minute to end, and every oracle is asked.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use shared_events::Service;
use system_tests::{
    Platform,
    oracles::{self, Books, DeadLetter, Events},
};
use uuid::Uuid;

use crate::{
    arena::{Allowance, Arena},
    evidence::Happened,
    fault::{Evidence, Fault},
    scrape::Scrape,
    wiretap::Wiretap,
};

/// Every saga has ended so soon after the last fault, at the suite's time scale.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);
/// Waited beyond that, to tell what is late from what is lost.
const PATIENCE: Duration = Duration::from_secs(90);
/// What follows the sagas without being part of them: mail, figures, connections that come back.
const TRAILING: Duration = Duration::from_secs(20);
/// From so many trials on, everything that the fault is there to provoke must have happened.
const TRIALS_FOR_EVIDENCE: usize = 8;
/// Between two looks, unless looking itself takes longer.
const LOOK_EVERY: Duration = Duration::from_millis(150);

/// What the oracles said.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// From the last fault until nothing moved any more.
    pub(crate) settled_after: Duration,
    /// What happened meanwhile.
    pub(crate) happened: Happened,
    /// One sentence each.
    pub(crate) violations: Vec<String>,
}

/// Lets the sagas end and asks every oracle.
pub(crate) async fn judge(fault: &Fault, arena: &Arena, wiretap: &Wiretap, scrape: &Scrape) -> Verdict {
    let platform = &arena.platform;
    let counted = arena.counted();
    let (settled_after, books, events) = until_quiet(platform).await;
    let letters = oracles::dead_letters(platform).await;
    let mut violations = Vec::new();
    if settled_after > SETTLED_WITHIN {
        violations.push(format!(
            "everything had settled only {:.0} s after the last fault, {} s are promised",
            settled_after.as_secs_f64(),
            SETTLED_WITHIN.as_secs()
        ));
    }
    violations.extend(oracles::ended(&books));
    violations.extend(oracles::accepted(&arena.customers.claims(), &books));
    violations.extend(arena.customers.journal_adds_up());
    violations.extend(arena.customers.undeserved(&books));
    violations.extend(oracles::money(&books));
    violations.extend(oracles::stock(&books));
    violations.extend(oracles::parcels(&books));
    violations.extend(events.unheard(&addresses(&letters)));
    violations.extend(events.said_twice());
    violations.extend(events.unsent());
    violations.extend(oracles::told_why(&letters));
    let may_die = counted.allowances.contains(&Allowance::DeadLetters)
        || fault.evidence.contains(&Evidence::DeadLetters);
    if !may_die {
        violations.extend(letters.iter().map(unexpected));
    }
    // Observers may still say what follows from the end of a saga while the books are read.
    violations.extend(lasting(async || Events::read(platform).await.handled_wrongly()).await);
    let wiretapped = async || Events::read(platform).await.wiretapped(&wiretap.seen().ids());
    violations.extend(lasting(wiretapped).await);
    violations.extend(lasting(async || oracles::unready(platform).await).await);
    violations.extend(lasting(async || oracles::audits(platform).await).await);
    let figures = async || {
        let (books, events) = (Books::read(platform).await, Events::read(platform).await);
        oracles::figures(platform, &books, &events).await
    };
    violations.extend(lasting(figures).await);
    if !counted.allowances.contains(&Allowance::MailElsewhere) {
        violations.extend(lasting(async || oracles::mail(platform).await).await);
    }
    violations.extend(oracles::panics(platform.logs()));
    let counters = scrape.finish().await;
    let happened = Happened::count(arena, &counters, &books, &letters, &wiretap.seen()).await;
    // A handful of trials may miss by chance what many surely meet.
    let wanted = if counted.trials < TRIALS_FOR_EVIDENCE { &[Evidence::BothEnds] } else { fault.evidence };
    violations.extend(happened.missing(wanted));
    Verdict { settled_after, happened, violations }
}

/// Waits until every saga has ended, everything that was said is sent and handled, and no mail waits; or
/// until there is no hope. Gives how long that took, and the books as they are then.
pub(crate) async fn until_quiet(platform: &Platform) -> (Duration, Books, Events) {
    let began = Instant::now();
    loop {
        let looking = Instant::now();
        let (books, events) = (Books::read(platform).await, Events::read(platform).await);
        if is_quiet(platform, &books, &events).await || began.elapsed() > PATIENCE {
            return (looking - began, books, events);
        }
        tokio::time::sleep(LOOK_EVERY.max(looking.elapsed() / 2)).await;
    }
}

async fn is_quiet(platform: &Platform, books: &Books, events: &Events) -> bool {
    if !oracles::unended(books).is_empty() || !events.unsent().is_empty() {
        return false;
    }
    let unheard = events.unheard(&BTreeSet::new());
    if !unheard.is_empty() {
        // Only now is it worth looking through the dead letters.
        let letters = oracles::dead_letters(platform).await;
        if !events.unheard(&addresses(&letters)).is_empty() {
            return false;
        }
    }
    !platform.services().contains(&Service::Notification)
        || platform.count("notification", "SELECT count(*) FROM notifications WHERE status = 'queued'").await
            == 0
}

/// Asks again until there is no complaint, or it lasts.
async fn lasting(mut oracle: impl AsyncFnMut() -> Vec<String>) -> Vec<String> {
    let deadline = Instant::now() + TRAILING;
    loop {
        let complaints = oracle().await;
        if complaints.is_empty() || Instant::now() > deadline {
            return complaints;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Which event lies dead with whom.
fn addresses(letters: &[DeadLetter]) -> BTreeSet<(Service, Uuid)> {
    letters.iter().filter_map(|letter| letter.event.map(|event| (letter.service, event))).collect()
}

fn unexpected(letter: &DeadLetter) -> String {
    let DeadLetter { service, event, routing_key, headers } = letter;
    let (class, text) = (&headers["x-error-class"], &headers["x-error-text"]);
    format!("{service} gave up {routing_key} {event:?}: {class}: {text}")
}
