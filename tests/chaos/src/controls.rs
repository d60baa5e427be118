//! The suite itself put to the test: each planted bug must be caught, by the oracle that is there for it.

use std::{path::Path, time::Instant};

use chassis::faults::Bug;
use serde::Serialize;

use crate::{fault, report::Row, runner};

/// How often chance may fail to bring a bug to light.
const ATTEMPTS_MAX: u64 = 3;
/// What a run without evidence says; it catches nothing.
const VACUOUS: &str = "proved nothing";

/// A bug, where it does damage, and what an oracle says about it.
struct Control {
    bug: Bug,
    fault: &'static str,
    trials: usize,
    /// One of these stands in the violation that catches it.
    words: &'static [&'static str],
}

const LOST: &[&str] = &["has not handled", "has not ended"];
const UNSENT: &[&str] = &["has not sent", "the wiretap never saw it"];
const MONEY: &[&str] = &["captured and", "was captured 2 times"];
const STOCK: &[&str] = &["its stock is still", "are reserved,", "are on hand and", "have left,"];

const CONTROLS: [Control; 20] = [
    control(Bug::NoInbox, "every event two to five times", 60, &["times about order", "handled event"]),
    control(Bug::AckBeforeCommit, "service dies at a named point", 30, LOST),
    control(Bug::AckOnFailure, "handler that panics", 6, LOST),
    control(Bug::MarkBeforeConfirm, "broker killed", 2, &["the wiretap never saw it", "has not handled"]),
    control(Bug::ReturnedIsSent, "event nobody is bound for", 2, LOST),
    control(Bug::CursorRelay, "service dies at a named point", 30, UNSENT),
    control(Bug::NoSweep, "service dies at a named point", 20, UNSENT),
    control(Bug::PublishBeforeCommit, "commit of unknown outcome", 40, &["stands in no outbox"]),
    control(Bug::NoTombstone, "every event two to five times", 250, STOCK),
    control(Bug::ReadThenWriteStock, "one of two replicas killed", 12, STOCK),
    control(Bug::TimeoutIsFailure, "gateway and carrier misbehave", 120, MONEY),
    control(Bug::SecondKey, "gateway and carrier misbehave", 120, &["captured 2 times", "under the key"]),
    control(Bug::RetryByReject, "input that cannot be written", 1, &["each becomes a dead letter"]),
    control(Bug::SynchronousCommitOff, "Postgres killed", 4, &["does not exist", "stands in no outbox"]),
    control(Bug::AnswerBeforeCommit, "Postgres killed", 3, &["was accepted and does not exist"]),
    control(Bug::AckBeforeCopy, "service dies at a named point", 40, LOST),
    control(Bug::TimersInMemory, "service killed at any moment", 16, &["has not ended"]),
    control(
        Bug::CancelledTransactions,
        "clients hang up",
        600,
        &["has not", "does not exist", "nobody placed"],
    ),
    control(Bug::RefundSkipped, "gateway and carrier misbehave", 400, MONEY),
    control(Bug::FailedCommitIsFailure, "commit of unknown outcome", 60, &["is refused"]),
];

const fn control(bug: Bug, fault: &'static str, trials: usize, words: &'static [&'static str]) -> Control {
    Control { bug, fault, trials, words }
}

/// What became of one bug.
#[derive(Debug, Serialize)]
struct Outcome {
    bug: &'static str,
    fault: &'static str,
    attempts: u64,
    seconds: u64,
    /// The words that caught it; none when nothing did.
    caught: Option<String>,
}

/// Runs every planted bug under the fault that must expose it; says whether all were caught.
pub(crate) async fn run(seed: u64, only: &[String], json: Option<&Path>) -> anyhow::Result<bool> {
    let chosen: Vec<&Control> = CONTROLS
        .iter()
        .filter(|control| {
            only.is_empty() || only.iter().any(|word| control.bug.name().contains(word.as_str()))
        })
        .collect();
    anyhow::ensure!(!chosen.is_empty(), "no planted bug is called {only:?}; see `chaos list`");
    println!("seed {seed}; {} planted bugs", chosen.len());
    let mut outcomes = Vec::new();
    for (index, control) in chosen.iter().enumerate() {
        let (name, what) = (control.bug.name(), control.bug.what());
        println!("[{}/{}] {name}: {what}", index + 1, chosen.len());
        let outcome = attempt(control, seed).await;
        println!("    {}", outcome.line());
        outcomes.push(outcome);
    }
    let caught = outcomes.iter().filter(|outcome| outcome.caught.is_some()).count();
    println!("\n{:<26} {:<38} {:>8} {:>7}  caught by", "planted bug", "fault", "attempts", "seconds");
    for outcome in &outcomes {
        let words = outcome.caught.as_deref().unwrap_or("NOT CAUGHT");
        println!(
            "{:<26} {:<38} {:>8} {:>7}  {words}",
            outcome.bug, outcome.fault, outcome.attempts, outcome.seconds
        );
    }
    println!("{caught} of {} planted bugs caught; seed {seed}", outcomes.len());
    if let Some(path) = json {
        let report = serde_json::json!({ "seed": seed, "controls": outcomes });
        std::fs::write(path, serde_json::to_string_pretty(&report)?)?;
    }
    Ok(caught == outcomes.len())
}

async fn attempt(control: &Control, seed: u64) -> Outcome {
    let fault = fault::chosen(&[control.fault.to_owned()])[0];
    let began = Instant::now();
    let mut outcome =
        Outcome { bug: control.bug.name(), fault: fault.name, attempts: 0, seconds: 0, caught: None };
    while outcome.caught.is_none() && outcome.attempts < ATTEMPTS_MAX {
        let planted = [("PLANTED_BUG", control.bug.name())];
        let row = runner::one(fault, control.trials, seed.wrapping_add(outcome.attempts), &planted).await;
        outcome.attempts += 1;
        outcome.caught = control.catch(&row);
        if outcome.caught.is_none() {
            println!("    not yet: {}", row.line());
        }
        // What a planted bug leaves behind is no use to anybody.
        if let Some(logs) = row.logs {
            let _ = std::fs::remove_dir_all(logs);
        }
    }
    outcome.seconds = began.elapsed().as_secs();
    outcome
}

impl Control {
    /// The first violation that has its words.
    fn catch(&self, row: &Row) -> Option<String> {
        let says = |violation: &&String| {
            !violation.starts_with(VACUOUS) && self.words.iter().any(|word| violation.contains(word))
        };
        row.violations.iter().find(says).cloned()
    }
}

impl Outcome {
    fn line(&self) -> String {
        match &self.caught {
            Some(words) => format!("caught in {} s: {words}", self.seconds),
            None => format!("NOT CAUGHT in {} attempts", self.attempts),
        }
    }
}

/// Prints every planted bug.
pub(crate) fn list() {
    println!("\n{:<26} {:<38} what it is", "planted bug", "fault that exposes it");
    for control in &CONTROLS {
        println!("{:<26} {:<38} {}", control.bug.name(), control.fault, control.bug.what());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_planted_bug_has_one_control_under_a_fault_that_exists() {
        for bug in Bug::ALL {
            assert_eq!(CONTROLS.iter().filter(|control| control.bug == *bug).count(), 1, "{}", bug.name());
        }
        for control in &CONTROLS {
            assert!(!fault::chosen(&[control.fault.to_owned()]).is_empty(), "{}", control.fault);
        }
    }

    #[test]
    fn only_the_oracle_that_is_there_for_a_bug_catches_it() {
        let control = control(Bug::NoSweep, "service dies at a named point", 1, UNSENT);
        let mut row = Row::of(fault::chosen(&[control.fault.to_owned()])[0]);
        row.violations.push("proved nothing: the wiretap never saw it".to_owned());
        row.violations.push("order 1 is pending/none, cancel none: it has not ended".to_owned());
        assert_eq!(control.catch(&row), None);
        row.violations.push("order has not sent order.placed 7".to_owned());
        assert!(control.catch(&row).unwrap().contains("order.placed 7"));
    }
}
