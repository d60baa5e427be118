//! Messages that nobody should ever send, in every inbox.

use crate::fault::Fault;

pub(crate) const FAULTS: &[Fault] = &[];
