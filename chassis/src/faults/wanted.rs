//! What the environment asks for: where to die, and which bug to have.

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

use super::{Bug, POINTS, Point};

const FAULT_POINT: &str = "FAULT_POINT";
const PLANTED_BUG: &str = "PLANTED_BUG";

static FATAL: LazyLock<Result<Vec<(Point, u64)>, String>> =
    LazyLock::new(|| std::env::var(FAULT_POINT).map_or(Ok(Vec::new()), |wanted| passages(&wanted)));
static BUG: LazyLock<Result<Option<Bug>, String>> = LazyLock::new(|| match std::env::var(PLANTED_BUG) {
    Ok(name) => bug(&name).map(Some),
    Err(_) => Ok(None),
});

/// How often each point was passed.
static PASSED: [AtomicU64; POINTS.len()] = [const { AtomicU64::new(0) }; POINTS.len()];

/// Dies here, as by `kill -9`, when `FAULT_POINT=<name>[:<nth>][,…]` asks for this passage of this
/// point. Each point counts for itself.
///
/// # Panics
/// At [`Point::PanicInDecide`], when asked to.
pub fn point(point: Point) {
    let Ok(fatal) = &*FATAL else { return };
    if fatal.is_empty() {
        return;
    }
    let nth = PASSED[point as usize].fetch_add(1, Ordering::SeqCst) + 1;
    if !fatal.contains(&(point, nth)) {
        return;
    }
    let name = point.name();
    if point.kills() {
        eprintln!("fault point {name}: aborting");
        std::process::abort();
    }
    panic!("fault point {name}: panicking");
}

/// Whether this process is to make that mistake: whether `PLANTED_BUG` names it.
#[must_use]
pub fn planted(bug: Bug) -> bool {
    *BUG == Ok(Some(bug))
}

/// Refuses names that do not exist, and says what is armed.
///
/// # Errors
/// A sentence with the names there are.
pub(crate) fn check() -> Result<(), String> {
    let fatal = FATAL.as_ref().map_err(Clone::clone)?;
    let planted = BUG.as_ref().map_err(Clone::clone)?;
    for (point, nth) in fatal {
        tracing::warn!(point = point.name(), nth, "a fault is armed; this is a test");
    }
    if let Some(bug) = planted {
        tracing::error!(bug = bug.name(), what = bug.what(), "A BUG IS PLANTED; this is a test");
    }
    Ok(())
}

fn passages(wanted: &str) -> Result<Vec<(Point, u64)>, String> {
    wanted.split(',').map(|one| passage(one.trim())).collect()
}

fn passage(wanted: &str) -> Result<(Point, u64), String> {
    let (name, nth) = wanted.split_once(':').unwrap_or((wanted, "1"));
    let point = Point::from_name(name).ok_or_else(|| {
        let names: Vec<_> = POINTS.iter().map(|point| point.name()).collect();
        format!("{FAULT_POINT} names `{name}`, which is no point; there are {}", names.join(", "))
    })?;
    match nth.parse() {
        Ok(nth) if nth > 0 => Ok((point, nth)),
        Ok(_) | Err(_) => Err(format!("{FAULT_POINT} wants passage `{nth}` of {name}; the first one is 1")),
    }
}

fn bug(name: &str) -> Result<Bug, String> {
    Bug::from_name(name).ok_or_else(|| {
        let names: Vec<_> = Bug::ALL.iter().map(|bug| bug.name()).collect();
        format!("{PLANTED_BUG} names `{name}`, which is no bug; there are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_passages_of_several_points_may_be_fatal() {
        let wanted = "before_commit, after_copy:3,panic_in_decide:2,panic_in_decide:5";
        let expected = [
            (Point::BeforeCommit, 1),
            (Point::AfterCopy, 3),
            (Point::PanicInDecide, 2),
            (Point::PanicInDecide, 5),
        ];
        assert_eq!(passages(wanted).unwrap(), expected);
    }

    #[test]
    fn a_name_that_does_not_exist_is_refused_with_those_that_do() {
        let refused = passages("before_commit,before_comit").unwrap_err();
        assert!(refused.contains("`before_comit`") && refused.contains("after_effect"), "{refused}");
        assert!(bug("no_inbx").unwrap_err().contains("no_inbox"));
        for never in ["before_ack:0", "before_ack:first", "before_ack:", "", "before_ack,"] {
            assert!(passages(never).is_err(), "{never}");
        }
    }

    #[test]
    fn every_point_and_every_bug_is_found_by_its_name() {
        for point in POINTS {
            assert_eq!(Point::from_name(point.name()), Some(*point));
        }
        for bug in Bug::ALL {
            assert_eq!(Bug::from_name(bug.name()), Some(*bug));
        }
    }
}
