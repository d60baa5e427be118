//! Whether a run was not vacuous: what a fault is there to provoke must have happened.

use std::collections::BTreeMap;

use system_tests::{
    Platform,
    oracles::{Books, DeadLetter},
};
use uuid::Uuid;

use crate::{
    arena::{Arena, Counted, Tally},
    customers::Entry,
    fault::Evidence,
    scrape::Counters,
    wiretap::Seen,
};

/// A compensation that a service handled before what it compensates.
const EARLY: [(&str, &str); 3] = [
    (
        "inventory",
        "SELECT count(*) FROM saga_log early JOIN saga_log late USING (order_id) WHERE early.id < late.id \
         AND early.input IN ('payment.failed', 'order.failed', 'order.cancelled') \
         AND late.input = 'inventory.reserve.requested'",
    ),
    (
        "payment",
        "SELECT count(*) FROM saga_log early JOIN saga_log late USING (order_id) WHERE early.id < late.id \
         AND early.input IN ('inventory.reserve.failed', 'order.failed', 'order.cancelled') \
         AND late.input IN ('order.placed', 'inventory.reserved')",
    ),
    (
        "shipping",
        "SELECT count(*) FROM saga_log early JOIN saga_log late USING (order_id) WHERE early.id < late.id \
         AND early.input IN ('order.cancel.requested', 'order.failed', 'order.cancelled') \
         AND late.input = 'order.confirmed'",
    ),
];
/// A capture that payment learned of after the order's death, and gave back.
const LATE_MONEY: &str = "SELECT count(*) FROM transactions WHERE status = 'refunded' AND EXISTS \
     (SELECT FROM saga_log dead JOIN saga_log late USING (order_id) \
      WHERE order_id = transactions.order_id AND dead.id < late.id \
      AND dead.input IN ('order.failed', 'order.cancelled') AND late.input = 'gateway:captured')";
const UNKNOWN_CHARGES: &str =
    "SELECT count(*) FROM saga_log WHERE input IN ('gateway:no_answer', 'gateway:never_heard_of')";
/// Orders that were in the database already when their customer was put off.
const UNKNOWN_COMMITS: &str = "SELECT count(*) FROM orders \
     JOIN UNNEST($1::uuid[], $2::timestamptz[]) AS asked (id, put_off_at) ON order_id = asked.id \
     WHERE created_at < put_off_at";

/// How often everything happened that may be evidence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Happened {
    pub(crate) duplicates_dropped: u64,
    pub(crate) messages_held: u64,
    pub(crate) retries: u64,
    pub(crate) dead_letters: u64,
    pub(crate) swept: u64,
    pub(crate) published_again: u64,
    pub(crate) asked_again: u64,
    pub(crate) unknown_commits: u64,
    pub(crate) early_compensations: u64,
    pub(crate) unknown_charges: u64,
    pub(crate) late_money: u64,
    pub(crate) living: u64,
    pub(crate) made_good: u64,
}

impl Happened {
    /// Counts, once everything has settled.
    pub(crate) async fn count(
        arena: &Arena,
        counters: &Counters,
        books: &Books,
        letters: &[DeadLetter],
        seen: &Seen,
    ) -> Self {
        let (platform, counted, journal) = (&arena.platform, arena.counted(), arena.customers.journal());
        let mut early_compensations = 0;
        for (service, query) in EARLY {
            early_compensations += number(platform, service, query).await;
        }
        let duplicates_dropped = counters.sum("saga_duplicates_total");
        Self {
            duplicates_dropped,
            messages_held: counters.sum("consumer_held_total"),
            retries: counters.sum("consumer_retries_total"),
            dead_letters: letters.len() as u64,
            swept: counters.sum("outbox_swept_total"),
            published_again: seen.repeated() as u64,
            asked_again: journal.values().map(|entry| entry.attempts.saturating_sub(1) as u64).sum(),
            unknown_commits: unknown_commits(platform, &journal, &counted, duplicates_dropped).await,
            early_compensations,
            unknown_charges: number(platform, "payment", UNKNOWN_CHARGES).await,
            late_money: number(platform, "payment", LATE_MONEY).await,
            living: books.living().count() as u64,
            made_good: books.orders.values().filter(|order| order.is_made_good()).count() as u64,
        }
    }

    /// What was to happen and did not.
    pub(crate) fn missing(&self, wanted: &[Evidence]) -> Vec<String> {
        let lacks = |evidence: &&Evidence| !self.has(**evidence);
        wanted.iter().filter(lacks).map(|evidence| format!("proved nothing: {}", words(*evidence))).collect()
    }

    fn has(&self, evidence: Evidence) -> bool {
        match evidence {
            Evidence::DuplicatesDropped => self.duplicates_dropped > 0,
            Evidence::MessagesHeld => self.messages_held > 0,
            Evidence::Retries => self.retries > 0,
            Evidence::DeadLetters => self.dead_letters > 0,
            Evidence::Swept => self.swept > 0,
            Evidence::AskedAgain => self.asked_again > 0,
            Evidence::UnknownCommits => self.unknown_commits > 0,
            Evidence::EarlyCompensations => self.early_compensations > 0,
            Evidence::UnknownCharges => self.unknown_charges > 0,
            Evidence::LateMoney => self.late_money > 0,
            Evidence::BothEnds => self.living > 0 && self.made_good > 0,
        }
    }

    /// What happened at all, for the table.
    pub(crate) fn figures(&self) -> Vec<(String, String)> {
        let all = [
            ("duplicates dropped", self.duplicates_dropped),
            ("messages held", self.messages_held),
            ("retries", self.retries),
            ("dead letters", self.dead_letters),
            ("found by the sweep", self.swept),
            ("events published again", self.published_again),
            ("asked again", self.asked_again),
            ("unknown commits", self.unknown_commits),
            ("early compensations", self.early_compensations),
            ("unknown charges", self.unknown_charges),
            ("late money sent back", self.late_money),
        ];
        let happened = all.into_iter().filter(|(_, times)| *times > 0);
        happened.map(|(name, times)| (name.to_owned(), times.to_string())).collect()
    }
}

fn words(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::DuplicatesDropped => "no service dropped an event that it had handled before",
        Evidence::MessagesHeld => "no consumer held messages while its database was away",
        Evidence::Retries => "no message climbed the retry ladder",
        Evidence::DeadLetters => "no message was given up",
        Evidence::Swept => "the sweep found nothing that a process had left behind",
        Evidence::AskedAgain => "no customer had to ask again",
        Evidence::UnknownCommits => "no commit took effect whose outcome was unknown",
        Evidence::EarlyCompensations => "no compensation came before what it compensates",
        Evidence::UnknownCharges => "no charge went unanswered",
        Evidence::LateMoney => "no money came after its order had died and went back",
        Evidence::BothEnds => "not both ends were seen: an order that succeeds and one that is made good",
    }
}

async fn number(platform: &Platform, service: &str, query: &str) -> u64 {
    platform.count(service, query).await.try_into().unwrap_or_default()
}

/// Seen by a customer, who was put off although the order existed; or by a consumer, whose commit the
/// fault cut on the wire and whose redelivered messages turned out to be handled.
async fn unknown_commits(
    platform: &Platform,
    journal: &BTreeMap<Uuid, Entry>,
    counted: &Counted,
    duplicates_dropped: u64,
) -> u64 {
    let put_off = journal.iter().filter_map(|(id, entry)| entry.put_off_at.map(|at| (*id, at)));
    let (ids, times): (Vec<_>, Vec<_>) = put_off.unzip();
    let by_customers: i64 = sqlx::query_scalar(UNKNOWN_COMMITS)
        .bind(ids)
        .bind(times)
        .fetch_one(&mut platform.database("order").await)
        .await
        .unwrap();
    let cut = counted.tallies.get(&Tally::CutCommits).copied().unwrap_or_default();
    by_customers.try_into().unwrap_or(0) + cut.min(duplicates_dropped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_its_evidence_proved_nothing() {
        let vacuous = Happened { living: 3, ..Happened::default() };
        let wanted = [
            Evidence::DuplicatesDropped,
            Evidence::MessagesHeld,
            Evidence::Retries,
            Evidence::DeadLetters,
            Evidence::Swept,
            Evidence::AskedAgain,
            Evidence::UnknownCommits,
            Evidence::EarlyCompensations,
            Evidence::UnknownCharges,
            Evidence::LateMoney,
            Evidence::BothEnds,
        ];
        assert_eq!(vacuous.missing(&wanted).len(), wanted.len());
        let seen = Happened { retries: 1, made_good: 1, ..vacuous };
        assert_eq!(seen.missing(&[Evidence::Retries, Evidence::BothEnds]), Vec::<String>::new());
    }
}
