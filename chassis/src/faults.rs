//! Named crash points. In a normal build they are nothing; with the feature `faults` the process
//! kills itself at the point that `FAULT_POINT` names, so that tests can prove what a crash there
//! does and does not lose.

/// Dies here, as by `kill -9`, when this is the point that `FAULT_POINT=<name>[:<nth>]` asks for.
#[cfg(feature = "faults")]
pub fn point(name: &'static str) {
    use std::sync::atomic::{AtomicU64, Ordering};

    static PASSED: AtomicU64 = AtomicU64::new(0);
    let Ok(wanted) = std::env::var("FAULT_POINT") else { return };
    let (point, nth) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    if point == name && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == nth.parse().unwrap_or(1) {
        eprintln!("fault point {name}: aborting");
        std::process::abort();
    }
}

/// Nothing, in a build without the feature `faults`.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub fn point(_name: &'static str) {}
