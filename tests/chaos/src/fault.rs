//! What a fault is: how it is injected, how often, and what must have been seen for it to count.

use futures::future::LocalBoxFuture;
use system_tests::Options;

use crate::{arena::Arena, customers::Traffic, faults};

/// By how much every deadline and the retry ladder are shortened.
pub(crate) const TIME_SCALE: u32 = 10;

/// How much of the suite is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Five minutes of it.
    Sample,
    /// All of it.
    Full,
}

/// How often a fault is injected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trials {
    /// In `make test`; 0 leaves the fault out.
    pub(crate) sample: usize,
    /// In `make chaos`.
    pub(crate) full: usize,
}

/// Something that must have happened while the fault was there; a run without it proved nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// Some service dropped an event that it had handled before.
    DuplicatesDropped,
    /// Some consumer held messages because its database was away.
    MessagesHeld,
    /// Some message climbed the retry ladder.
    Retries,
    /// Some message was given up.
    DeadLetters,
    /// Some event that a process had left behind was found by the sweep.
    Swept,
    /// Some client got no answer, or a 503, and asked again.
    AskedAgain,
    /// Some commit's outcome was unknown.
    UnknownCommits,
    /// Some compensation came before what it compensates.
    EarlyCompensations,
    /// Some charge was not answered and had to be asked after.
    UnknownCharges,
    /// Some money came after its order had died, and went back.
    LateMoney,
    /// Some order succeeded, some failed and was made good.
    BothEnds,
}

/// One way to break the platform.
pub(crate) struct Fault {
    /// As the table calls it.
    pub(crate) name: &'static str,
    /// One sentence: what is done.
    pub(crate) what: &'static str,
    /// How many times.
    pub(crate) trials: Trials,
    /// On which platform.
    pub(crate) options: fn() -> Options,
    /// Under which load.
    pub(crate) traffic: fn() -> Traffic,
    /// Does it: injects until `arena.wanted()` trials are counted, mends what it broke, returns.
    pub(crate) inject: for<'a> fn(&'a Arena) -> LocalBoxFuture<'a, ()>,
    /// What must have been seen.
    pub(crate) evidence: &'static [Evidence],
}

impl Fault {
    /// How often, for so much of the suite.
    pub(crate) fn wanted(&self, extent: Extent) -> usize {
        match extent {
            Extent::Sample => self.trials.sample,
            Extent::Full => self.trials.full,
        }
    }
}

/// The participants alone, with short deadlines.
pub(crate) fn participants() -> Options {
    Options::fast(TIME_SCALE)
}

/// All services, with short deadlines.
pub(crate) fn everybody() -> Options {
    Options::whole().scaled(TIME_SCALE)
}

/// Orders a second: debug programs on two cores carry a third of what optimized ones do.
pub(crate) const fn by_build(debug: f64, optimized: f64) -> f64 {
    if cfg!(debug_assertions) { debug } else { optimized }
}

/// Faults whose names contain one of these words; all when there is none.
pub(crate) fn chosen(only: &[String]) -> Vec<&'static Fault> {
    let wanted =
        |fault: &&Fault| only.is_empty() || only.iter().any(|word| fault.name.contains(word.as_str()));
    faults::all().filter(wanted).collect()
}

/// Prints every fault.
pub(crate) fn list() {
    println!("{:<44} {:>7} {:>7}  what is done", "fault", "sample", "full");
    for fault in faults::all() {
        println!("{:<44} {:>7} {:>7}  {}", fault.name, fault.trials.sample, fault.trials.full, fault.what);
    }
}
