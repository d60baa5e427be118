//! Figures of a run: percentiles, bounds, and the claims they are held against.

use std::time::Duration;

use crate::{arena::Tally, fault::Extent};

/// What the full run must have done over all faults together; `docs/reliability.md` rests on these.
const CLAIMS: [(Tally, &str, u64); 8] = [
    (Tally::ServiceKills, "kills of services", 500),
    (Tally::PointKills, "of them at named points", 250),
    (Tally::BrokerKills, "kills and stops of the broker", 25),
    (Tally::PostgresKills, "kills of Postgres", 50),
    (Tally::CutCommits, "commits cut", 500),
    (Tally::AbortedRequests, "requests aborted", 20_000),
    (Tally::MultipliedOrders, "orders with every event delivered 2 to 5 times", 20_000),
    (Tally::GatewayFaults, "charges with a gateway that misbehaved", 10_000),
];

/// A claim, and how much of it a run has done.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub(crate) struct Reached {
    pub(crate) what: &'static str,
    pub(crate) times: u64,
    pub(crate) claimed: u64,
}

impl Reached {
    /// Whether the run did as much as the claims say.
    pub(crate) fn is_enough(&self) -> bool {
        self.times >= self.claimed
    }
}

/// The claims beside what was counted; a sample claims nothing.
pub(crate) fn reached(extent: Extent, count: impl Fn(Tally) -> u64) -> Vec<Reached> {
    let of = |wanted: u64| if extent == Extent::Full { wanted } else { 0 };
    let row = |(tally, what, wanted)| Reached { what, times: count(tally), claimed: of(wanted) };
    CLAIMS.into_iter().map(row).collect()
}

/// The nearest-rank percentile: the smallest value that so many of a hundred do not exceed.
pub(crate) fn percentile(values: &[Duration], of_hundred: usize) -> Option<Duration> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * of_hundred).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

/// How often one trial may fail at most, with 95 % confidence, when none of `trials` did: 3 in `trials`.
/// None when there was no trial, or when one failed.
pub(crate) fn bound(trials: usize, is_well: bool) -> Option<f64> {
    (is_well && trials > 0).then(|| (3.0 / trials as f64).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let values: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&values, 50), Some(Duration::from_millis(50)));
        assert_eq!(percentile(&values, 99), Some(Duration::from_millis(99)));
        assert_eq!(percentile(&values[..1], 99), Some(Duration::from_millis(100)));
        assert_eq!(percentile(&[], 99), None);
    }

    #[test]
    fn a_bound_needs_trials_and_no_failure() {
        assert_eq!(bound(300, true), Some(0.01));
        assert_eq!(bound(2, true), Some(1.0));
        assert_eq!(bound(0, true), None);
        assert_eq!(bound(300, false), None);
    }

    #[test]
    fn only_the_full_run_has_claims_to_reach() {
        assert!(reached(Extent::Sample, |_| 0).iter().all(Reached::is_enough));
        assert!(reached(Extent::Full, |_| 24).iter().all(|row| !row.is_enough()));
    }
}
