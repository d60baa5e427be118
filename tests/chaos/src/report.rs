//! What became of a fault: the oracles' words, the table, the file.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde::Serialize;
use uuid::Uuid;

use crate::{arena::Arena, fault::Fault};

/// One fault, judged.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) fault: &'static str,
    /// Injections, and those that met an order on its way.
    pub(crate) trials: usize,
    pub(crate) met: usize,
    /// Orders placed and accepted.
    pub(crate) orders: usize,
    /// From the end of a fault until a new order was confirmed, in milliseconds.
    pub(crate) recovery_p50_ms: Option<u64>,
    pub(crate) recovery_p99_ms: Option<u64>,
    /// From the last fault until everything had settled.
    pub(crate) settled_after_ms: u64,
    pub(crate) seconds: u64,
    pub(crate) figures: Vec<(String, String)>,
    pub(crate) violations: Vec<String>,
}

impl Row {
    /// Nothing was violated.
    pub(crate) fn is_well(&self) -> bool {
        self.violations.is_empty()
    }

    /// One line of progress.
    pub(crate) fn line(&self) -> String {
        format!("{self:?}")
    }
}

/// Lets the sagas end and asks every oracle.
pub(crate) async fn judge(fault: &Fault, arena: &Arena, began: Instant) -> Row {
    let mended = Instant::now();
    let orders: Vec<Uuid> = arena.customers.journal().into_keys().collect();
    arena.platform.until_settled(&orders).await;
    let counted = arena.counted();
    let mut recoveries = counted.recoveries.clone();
    recoveries.sort_unstable();
    let percentile = |p: usize| {
        recoveries
            .get((recoveries.len() * p / 100).min(recoveries.len().saturating_sub(1)))
            .map(|d| d.as_millis() as u64)
    };
    Row {
        fault: fault.name,
        trials: counted.trials,
        met: counted.met,
        orders: orders.len(),
        recovery_p50_ms: percentile(50),
        recovery_p99_ms: percentile(99),
        settled_after_ms: mended.elapsed().as_millis() as u64,
        seconds: Duration::as_secs(&began.elapsed()),
        figures: counted.figures,
        violations: counted.violations.into_iter().chain(arena.customers.complaints()).collect(),
    }
}

/// The whole table.
pub(crate) fn print(seed: u64, rows: &[Row]) {
    for row in rows {
        println!("{}", row.line());
    }
    println!("seed {seed}");
}

/// The same for machines.
pub(crate) fn write(path: &Path, seed: u64, rows: &[Row]) -> anyhow::Result<()> {
    std::fs::write(
        path,
        serde_json::to_string_pretty(&serde_json::json!({ "seed": seed, "faults": rows }))?,
    )?;
    Ok(())
}
