//! Named crash points and planted bugs, for tests. In a normal build they are nothing.
//!
//! With the feature `faults` a process dies at the points that `FAULT_POINT` names, so that tests can
//! prove what a crash there does and does not lose; and it makes the mistake that `PLANTED_BUG` names,
//! so that tests can prove that they would have noticed. A name that does not exist is refused at
//! start: a fault that never fires would look like one that was survived.

mod bugs;
mod points;
#[cfg(feature = "faults")]
mod wanted;

pub use bugs::{Bug, plant_in_topology};
pub use points::{POINTS, Point};
#[cfg(feature = "faults")]
pub use wanted::{planted, point};

#[cfg(feature = "faults")]
pub(crate) use wanted::check;

/// Nothing, in a build without the feature `faults`.
#[cfg(not(feature = "faults"))]
#[inline(always)]
pub const fn point(_: Point) {}

/// Never, in a build without the feature `faults`.
#[cfg(not(feature = "faults"))]
#[inline(always)]
#[must_use]
pub const fn planted(_: Bug) -> bool {
    false
}

/// Nothing to check, in a build without the feature `faults`.
#[cfg(not(feature = "faults"))]
pub(crate) const fn check() -> Result<(), String> {
    Ok(())
}

// Every build without the feature proves for itself, while it is compiled, that it has no faults: what
// the compiler can carry out reads no environment and ends no process.
#[cfg(not(feature = "faults"))]
const _: () = {
    let mut index = 0;
    while index < POINTS.len() {
        point(POINTS[index]);
        index += 1;
    }
    let mut index = 0;
    while index < Bug::ALL.len() {
        assert!(!planted(Bug::ALL[index]), "a bug is planted in a build without the feature `faults`");
        index += 1;
    }
};
