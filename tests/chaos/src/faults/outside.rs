//! A gateway and a carrier that lose requests and answers, answer twice, or refuse.

use crate::fault::Fault;

pub(crate) const FAULTS: &[Fault] = &[];
