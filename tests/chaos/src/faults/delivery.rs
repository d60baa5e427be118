//! Every event delivered several times, late and out of order.

use crate::fault::Fault;

pub(crate) const FAULTS: &[Fault] = &[];
