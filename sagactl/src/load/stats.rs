//! Percentiles of what was measured: exact, from all samples, since a run holds at most a few hundred thousand.

use std::time::Duration;

use serde::Serialize;

/// The figures of one distribution, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    /// How many were measured.
    pub count: usize,
    /// Half were faster.
    pub p50_ms: f64,
    /// Of 20, 19 were faster.
    pub p95_ms: f64,
    /// Of 100, 99 were faster.
    pub p99_ms: f64,
    /// None was slower.
    pub max_ms: f64,
}

impl Percentiles {
    /// The figures of these samples; nothing when there are none.
    pub fn of(mut samples: Vec<Duration>) -> Option<Self> {
        samples.sort_unstable();
        let max_ms = milliseconds(*samples.last()?);
        Some(Self {
            count: samples.len(),
            p50_ms: milliseconds(nearest_rank(&samples, 50)),
            p95_ms: milliseconds(nearest_rank(&samples, 95)),
            p99_ms: milliseconds(nearest_rank(&samples, 99)),
            max_ms,
        })
    }
}

/// The smallest sample that at least `percent` of all do not exceed (the nearest-rank definition).
fn nearest_rank(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted[rank - 1]
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_a_hundred_are_their_ranks() {
        let samples = (1..=100).rev().map(Duration::from_millis).collect();
        let found = Percentiles::of(samples).expect("samples");
        assert_eq!((found.p50_ms, found.p95_ms, found.p99_ms, found.max_ms), (50.0, 95.0, 99.0, 100.0));
    }

    #[test]
    fn one_sample_is_every_percentile_and_none_is_none() {
        let found = Percentiles::of(vec![Duration::from_millis(7)]).expect("a sample");
        assert_eq!((found.p50_ms, found.p99_ms, found.count), (7.0, 7.0, 1));
        assert_eq!(Percentiles::of(Vec::new()), None);
    }
}
