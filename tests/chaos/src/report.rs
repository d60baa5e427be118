//! What became of the faults: lines while they run, the table, the files.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf, time::Duration};

use serde::Serialize;

use crate::{
    arena::{Counted, Tally},
    fault::{Extent, Fault},
    judge::Verdict,
    stats::{self, Reached, bound, percentile},
};

/// More of one fault's violations are only counted on the terminal; the JSON has all.
const VIOLATIONS_SHOWN: usize = 12;

/// Where the report goes besides the terminal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    pub(crate) json: Option<PathBuf>,
    pub(crate) markdown: Option<PathBuf>,
}

/// One fault, judged.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) fault: &'static str,
    pub(crate) what: &'static str,
    /// Injections, and those that met an order on its way.
    pub(crate) trials: usize,
    pub(crate) met: usize,
    /// Orders placed.
    pub(crate) orders: usize,
    /// From the end of a fault until a new order was confirmed, in milliseconds.
    pub(crate) recovery_p50_ms: Option<u64>,
    pub(crate) recovery_p99_ms: Option<u64>,
    /// From the last fault until everything had settled; null when that could not be seen.
    pub(crate) settled_after_ms: Option<u64>,
    /// Of all, the platform's start included.
    pub(crate) seconds: u64,
    /// With 95 % confidence a trial fails less often than this.
    pub(crate) bound_95: Option<f64>,
    /// By name: how often, or how long.
    pub(crate) figures: Vec<(String, String)>,
    pub(crate) tallies: BTreeMap<Tally, u64>,
    pub(crate) violations: Vec<String>,
    /// The logs of a platform with violations.
    pub(crate) logs: Option<PathBuf>,
}

impl Row {
    /// A fault before it has begun.
    pub(crate) fn of(fault: &Fault) -> Self {
        Self {
            fault: fault.name,
            what: fault.what,
            trials: 0,
            met: 0,
            orders: 0,
            recovery_p50_ms: None,
            recovery_p99_ms: None,
            settled_after_ms: None,
            seconds: 0,
            bound_95: None,
            figures: Vec::new(),
            tallies: BTreeMap::new(),
            violations: Vec::new(),
            logs: None,
        }
    }

    /// Takes in what the fault itself counted.
    pub(crate) fn count(&mut self, counted: Counted) {
        let milliseconds = |of_hundred| percentile(&counted.recoveries, of_hundred).map(as_milliseconds);
        self.recovery_p50_ms = milliseconds(50);
        self.recovery_p99_ms = milliseconds(99);
        self.trials = counted.trials;
        self.met = counted.met;
        self.figures.splice(0..0, counted.figures);
        for (tally, times) in counted.tallies {
            *self.tallies.entry(tally).or_default() += times;
        }
        self.violations.splice(0..0, counted.violations);
    }

    /// Takes in what the oracles said.
    pub(crate) fn judged(&mut self, verdict: Verdict) {
        self.settled_after_ms = Some(as_milliseconds(verdict.settled_after));
        self.figures.extend(verdict.happened.figures());
        self.violations.extend(verdict.violations);
    }

    /// Nothing was violated.
    pub(crate) fn is_well(&self) -> bool {
        self.violations.is_empty()
    }

    /// What is printed when it is over.
    pub(crate) fn line(&self) -> String {
        let settled = self.settled_after_ms.map_or("not seen".to_owned(), seconds);
        let mut line = format!(
            "{} trials, {} met orders on their way; {} orders, settled after {settled}; {} violations; {} s",
            self.trials,
            self.met,
            self.orders,
            self.violations.len(),
            self.seconds
        );
        for violation in self.violations.iter().take(VIOLATIONS_SHOWN) {
            let _ = write!(line, "\n    VIOLATION: {violation}");
        }
        if self.violations.len() > VIOLATIONS_SHOWN {
            let _ = write!(line, "\n    … and {} more", self.violations.len() - VIOLATIONS_SHOWN);
        }
        if let Some(logs) = &self.logs {
            let _ = write!(line, "\n    logs: {}", logs.display());
        }
        line
    }

    fn cells(&self) -> [String; 10] {
        let optional = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
        let figures: Vec<String> =
            self.figures.iter().map(|(name, value)| format!("{name} {value}")).collect();
        [
            self.fault.to_owned(),
            self.trials.to_string(),
            self.met.to_string(),
            self.orders.to_string(),
            self.violations.len().to_string(),
            optional(self.recovery_p50_ms.map(seconds)),
            optional(self.recovery_p99_ms.map(seconds)),
            optional(self.settled_after_ms.map(seconds)),
            optional(self.bound_95.map(|bound| format!("{:.2} %", 100.0 * bound))),
            figures.join(", "),
        ]
    }
}

const HEADINGS: [&str; 10] = [
    "fault",
    "trials",
    "met orders on their way",
    "orders",
    "violations",
    "recovery p50",
    "p99",
    "settled after",
    "95 % bound",
    "figures",
];

/// A whole run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) faults: Vec<Row>,
    pub(crate) totals: Vec<Reached>,
    pub(crate) seconds: u64,
}

impl Report {
    /// Of these rows; only a full run of all faults is held against the claims.
    pub(crate) fn of(extent: Extent, is_whole: bool, seed: u64, rows: Vec<Row>, took: Duration) -> Self {
        let extent = if is_whole { extent } else { Extent::Sample };
        let count = |tally| rows.iter().filter_map(|row| row.tallies.get(&tally)).sum();
        let totals = stats::reached(extent, count);
        Self { seed, faults: rows, totals, seconds: took.as_secs() }
    }

    /// No violation, and as much was done as is claimed.
    pub(crate) fn is_well(&self) -> bool {
        self.faults.iter().all(Row::is_well) && self.totals.iter().all(Reached::is_enough)
    }

    /// Prints the table and writes the files.
    pub(crate) fn publish(&self, files: &Files) -> anyhow::Result<()> {
        print!("\n{}\n{}", self.table(), self.summary());
        if let Some(path) = &files.json {
            std::fs::write(path, serde_json::to_string_pretty(self)?)?;
        }
        if let Some(path) = &files.markdown {
            std::fs::write(path, self.markdown())?;
        }
        Ok(())
    }

    /// Columns for a terminal; the figures stand below each fault, because there are many.
    fn table(&self) -> String {
        let rows: Vec<[String; 10]> = self.faults.iter().map(Row::cells).collect();
        let heads = HEADINGS.map(str::to_owned);
        let width = |column: usize| {
            let cells = std::iter::once(&heads).chain(&rows).map(|cells| cells[column].chars().count());
            cells.max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..9).map(width).collect();
        let mut table = String::new();
        for cells in std::iter::once(&heads).chain(&rows) {
            let _ = write!(table, "{:<1$}", cells[0], widths[0]);
            for (cell, width) in cells[1..9].iter().zip(&widths[1..]) {
                let _ = write!(table, "  {cell:>width$}");
            }
            table.push('\n');
            if !cells[9].is_empty() && cells != &heads {
                let _ = writeln!(table, "    {}", cells[9]);
            }
        }
        table
    }

    fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let mut text = line(&HEADINGS.map(str::to_owned));
        text.push_str("|---|--:|--:|--:|--:|--:|--:|--:|--:|---|\n");
        text.extend(self.faults.iter().map(|row| line(&row.cells().map(|cell| cell.replace('|', "\\|")))));
        text.push_str("\n| over all faults | times | claimed |\n|---|--:|--:|\n");
        for Reached { what, times, claimed } in &self.totals {
            let _ = writeln!(text, "| {what} | {times} | {claimed} |");
        }
        let _ = write!(text, "\n{}", self.summary());
        text
    }

    fn summary(&self) -> String {
        let sum = |of: fn(&Row) -> usize| self.faults.iter().map(of).sum::<usize>();
        let mut text = String::new();
        for row in self.totals.iter().filter(|row| row.times > 0 || !row.is_enough()) {
            let claim = match (row.claimed, row.is_enough()) {
                (0, _) => String::new(),
                (claimed, true) => format!(", {claimed} are claimed"),
                (claimed, false) => format!(": FEWER than the {claimed} that are claimed"),
            };
            let _ = writeln!(text, "{} {}{claim}", row.times, row.what);
        }
        let _ = writeln!(
            text,
            "{} faults, {} trials that met orders on their way, {} orders, {} violations in {} min {} s; seed {}",
            self.faults.len(),
            sum(|row| row.met),
            sum(|row| row.orders),
            sum(|row| row.violations.len()),
            self.seconds / 60,
            self.seconds % 60,
            self.seed
        );
        text
    }
}

/// What is known while a fault is running.
pub(crate) fn progress(name: &str, counted: &Counted, wanted: usize, orders: usize) -> String {
    let violations = counted.violations.len();
    format!("{name}: {} of {wanted} trials, {orders} orders, {violations} violations", counted.trials)
}

/// The bound that a row's trials allow.
pub(crate) fn bound_of(row: &Row) -> Option<f64> {
    bound(row.met, row.is_well())
}

fn as_milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

fn seconds(milliseconds: u64) -> String {
    format!("{:.2} s", milliseconds as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults;

    fn report(violation: Option<&str>) -> Report {
        let mut row = Row::of(faults::all().next().unwrap());
        row.count(Counted { trials: 10, met: 6, ..Counted::default() });
        row.violations.extend(violation.map(str::to_owned));
        row.bound_95 = bound_of(&row);
        Report::of(Extent::Sample, true, 7, vec![row], Duration::from_secs(61))
    }

    #[test]
    fn a_report_has_bound_seed_and_violations_and_is_ill_with_one() {
        let well = report(None);
        assert!(well.is_well());
        assert!(well.table().contains("50.00 %"), "3 in the 6 trials that met something");
        assert!(well.summary().contains("seed 7") && well.summary().contains("1 min 1 s"));
        let ill = report(Some("order 1 is lost"));
        assert!(!ill.is_well());
        assert!(ill.faults[0].line().contains("order 1 is lost"));
        assert_eq!(ill.faults[0].bound_95, None, "what failed has no bound");
    }

    #[test]
    fn a_full_run_that_did_less_than_is_claimed_is_ill() {
        let rows = report(None).faults;
        let full = Report::of(Extent::Full, true, 7, rows.clone(), Duration::ZERO);
        assert!(!full.is_well() && full.summary().contains("FEWER than the 500"));
        assert!(Report::of(Extent::Full, false, 7, rows, Duration::ZERO).is_well(), "some faults only");
    }
}
