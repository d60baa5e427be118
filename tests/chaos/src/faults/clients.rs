//! Clients that hang up, stop in the middle of a request, and ask again.

use crate::fault::Fault;

pub(crate) const FAULTS: &[Fault] = &[];
