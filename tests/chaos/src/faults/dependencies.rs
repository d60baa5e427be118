//! What the saga can do without: counters, mail, the scorer, and the services that only watch.

use crate::fault::Fault;

pub(crate) const FAULTS: &[Fault] = &[];
