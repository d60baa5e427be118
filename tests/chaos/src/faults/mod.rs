//! All faults, by what they break.

mod processes;

use crate::fault::Fault;

/// Every fault, in the order in which they are run.
pub(crate) fn all() -> impl Iterator<Item = &'static Fault> {
    [processes::FAULTS].into_iter().flatten()
}
