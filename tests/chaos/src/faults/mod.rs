//! All faults, by what they break.

mod clients;
mod delivery;
mod dependencies;
mod input;
mod network;
mod outside;
mod processes;

use crate::fault::Fault;

/// Every fault, in the order in which they are run.
pub(crate) fn all() -> impl Iterator<Item = &'static Fault> {
    [
        processes::FAULTS,
        network::FAULTS,
        delivery::FAULTS,
        clients::FAULTS,
        outside::FAULTS,
        input::FAULTS,
        dependencies::FAULTS,
    ]
    .into_iter()
    .flatten()
}
