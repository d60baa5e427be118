//! The summary of a run, for people and as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::aftermath::Aftermath;
use super::stats::Percentiles;
use super::tracker::Tally;
use crate::console::{Align, Palette, counted, grouped, table};

/// How many orders that did not settle are named.
const NAMED: usize = 10;

/// What was measured outside the orders themselves.
#[derive(Debug, Clone)]
pub(super) struct Measured {
    pub(super) source: String,
    pub(super) placing: Duration,
    pub(super) total: Duration,
    pub(super) settled_while_placing: u64,
    pub(super) repeated: u64,
}

/// The figures of one run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Where the orders came from.
    pub source: String,
    /// Orders the service took.
    pub accepted: u64,
    /// Orders it refused, by its words.
    pub refused: BTreeMap<String, u64>,
    /// Orders nobody answered for.
    pub unanswered: u64,
    /// Accepted orders that are confirmed, or failed or cancelled and made good.
    pub settled: u64,
    /// Of these, how many the wiretap missed and the order service told about.
    pub settled_by_asking: u64,
    /// Settled orders by how they ended.
    pub outcomes: BTreeMap<String, u64>,
    /// Accepted orders that did not settle in time.
    pub open: Vec<String>,
    /// Requests sent again because the first got no answer.
    pub repeated_requests: u64,
    /// Seconds from the first request to the answer to the last.
    pub placing_seconds: f64,
    /// Seconds until the last order had settled.
    pub total_seconds: f64,
    /// Orders that settled while others were being placed, for each second of placing: the platform's pace under load,
    /// free of the last few orders whose gateway is silent.
    pub sagas_per_second: f64,
    /// `POST /orders` to its answer.
    pub answered: Option<Percentiles>,
    /// `POST /orders` to `order.confirmed` heard.
    pub confirmed: Option<Percentiles>,
    /// `POST /orders` to `order.completed` heard, of failed and cancelled orders.
    pub made_good: Option<Percentiles>,
    /// Books and queues.
    pub aftermath: Aftermath,
}

impl Report {
    pub(super) fn new(measured: Measured, tally: Tally, aftermath: Aftermath) -> Self {
        let placing_seconds = measured.placing.as_secs_f64();
        Self {
            source: measured.source,
            accepted: tally.counts.accepted,
            refused: tally.refusals,
            unanswered: tally.unanswered,
            settled: tally.counts.settled,
            settled_by_asking: tally.settled_by_asking,
            outcomes: tally.outcomes,
            open: tally.open.iter().map(ToString::to_string).collect(),
            repeated_requests: measured.repeated,
            placing_seconds,
            total_seconds: measured.total.as_secs_f64(),
            sagas_per_second: measured.settled_while_placing as f64 / placing_seconds.max(f64::EPSILON),
            answered: Percentiles::of(tally.answered),
            confirmed: Percentiles::of(tally.confirmed),
            made_good: Percentiles::of(tally.made_good),
            aftermath,
        }
    }

    /// Every order was taken and settled, the books balance, the queues are empty.
    pub fn is_well(&self) -> bool {
        self.refused.is_empty() && self.unanswered == 0 && self.open.is_empty() && self.aftermath.is_clean()
    }

    /// The summary as people read it.
    pub fn text(&self, palette: Palette) -> String {
        let mut text = format!("\n{}\n", palette.strong(&self.source));
        text.push_str(&format!(
            "{} accepted · {} settled · placed in {:.1} s, settled after {:.1} s · {:.0} sagas/s\n\n",
            grouped(self.accepted),
            grouped(self.settled),
            self.placing_seconds,
            self.total_seconds,
            self.sagas_per_second,
        ));
        text.push_str(&self.outcome_table(palette));
        text.push('\n');
        text.push_str(&self.time_table(palette));
        text.push('\n');
        for (well, line) in self.verdicts() {
            text.push_str(&format!("{} {line}\n", palette.mark(well)));
        }
        text
    }

    fn outcome_table(&self, palette: Palette) -> String {
        let mut by_count: Vec<(&String, &u64)> = self.outcomes.iter().collect();
        by_count.sort_by(|left, right| right.1.cmp(left.1).then(left.0.cmp(right.0)));
        let rows: Vec<Vec<String>> = by_count
            .into_iter()
            .map(|(outcome, count)| {
                let share = *count as f64 * 100.0 / self.settled.max(1) as f64;
                vec![outcome.clone(), grouped(*count), format!("{share:.1} %")]
            })
            .collect();
        let head = [("outcome", Align::Left), ("orders", Align::Right), ("share", Align::Right)];
        table(palette, &head, &rows)
    }

    fn time_table(&self, palette: Palette) -> String {
        let rows = [
            ("POST to answer", self.answered),
            ("POST to confirmed", self.confirmed),
            ("POST to made good", self.made_good),
        ];
        let rows: Vec<Vec<String>> = rows
            .into_iter()
            .filter_map(|(name, figures)| figures.map(|figures| (name, figures)))
            .map(|(name, figures)| {
                let cells = [figures.p50_ms, figures.p95_ms, figures.p99_ms, figures.max_ms];
                let cells = cells.iter().map(|cell| format!("{cell:.1}"));
                std::iter::once(name.to_owned()).chain(cells).chain([grouped(figures.count as u64)]).collect()
            })
            .collect();
        let head = [
            ("milliseconds", Align::Left),
            ("p50", Align::Right),
            ("p95", Align::Right),
            ("p99", Align::Right),
            ("max", Align::Right),
            ("orders", Align::Right),
        ];
        table(palette, &head, &rows)
    }

    fn verdicts(&self) -> Vec<(bool, String)> {
        let mut lines = vec![if self.open.is_empty() {
            (true, "every accepted order settled".to_owned())
        } else {
            let named: Vec<&str> = self.open.iter().take(NAMED).map(String::as_str).collect();
            let open = counted(self.open.len() as u64, "accepted order");
            (false, format!("{open} did not settle in time: {}", named.join(", ")))
        }];
        for (why, count) in &self.refused {
            lines.push((false, format!("{} refused: {why}", counted(*count, "order"))));
        }
        if self.unanswered > 0 {
            lines.push((
                false,
                format!("{} got no answer and do not exist", counted(self.unanswered, "order")),
            ));
        }
        if self.repeated_requests > 0 {
            lines.push((
                true,
                format!("{} sent again with the same key", counted(self.repeated_requests, "request")),
            ));
        }
        if self.settled_by_asking > 0 {
            lines.push((
                true,
                format!("{} found settled by asking", counted(self.settled_by_asking, "order")),
            ));
        }
        let after = &self.aftermath;
        lines.push((after.stock_balanced, balanced("stock", after.stock_balanced)));
        lines.push((after.ledger_balanced, balanced("ledger", after.ledger_balanced)));
        for difference in after.differences.iter().take(NAMED) {
            lines.push((false, difference.to_string()));
        }
        if after.waiting.is_empty() {
            lines.push((true, format!("inboxes, retry and dead-letter queues empty ({})", after.queues)));
        }
        for (queue, messages) in &after.waiting {
            lines.push((false, format!("{queue} still holds {}", counted(*messages, "message"))));
        }
        lines
    }
}

fn balanced(books: &str, well: bool) -> String {
    format!("{books} {}", if well { "balanced" } else { "does not balance" })
}

#[cfg(test)]
mod tests;
