//! What the stories of a run have met: a run that met too little has shown nothing.

use std::collections::{BTreeMap, BTreeSet};

use chassis::{Participant, trial::Became};
use shared_events::Timer as _;

use super::{
    Subject,
    model::{Leaves, Model, Told},
};

/// Less of anything is none to speak of; the usual run meets dozens, so that chance alone fails none.
const MET_MIN: u32 = 3;

/// Counts over all stories.
#[derive(Debug, Default)]
pub(super) struct Tally {
    decided: u32,
    said: u32,
    duplicates: u32,
    answered_again: u32,
    fired: u32,
    stale: u32,
    rejected: u32,
    effects: u32,
    /// Batches in which an order had several decisions: what batches are prone to get wrong.
    crowded: u32,
    pub(super) fates: BTreeSet<String>,
    stages: BTreeMap<&'static str, u32>,
}

impl Tally {
    pub(super) fn saw<P: Participant>(&mut self, told: &[Told<P>], leaves: &Leaves<P>) {
        let mut orders = BTreeSet::new();
        let mut crowded = false;
        for (told, became) in told.iter().zip(&leaves.became) {
            match became {
                Became::Decided(said) => {
                    self.decided += 1;
                    self.said += u32::try_from(said.len()).unwrap_or(u32::MAX);
                    self.fired += u32::from(matches!(told, Told::Timer { .. }));
                    crowded |= !orders.insert(told.order());
                }
                Became::Duplicate => self.duplicates += 1,
                Became::AnsweredAgain => self.answered_again += 1,
                Became::StaleTimer => self.stale += 1,
                Became::Rejected(_) => self.rejected += 1,
            }
        }
        self.crowded += u32::from(crowded);
        self.effects += u32::try_from(leaves.started.len()).unwrap_or(u32::MAX);
    }

    /// Notes through which stages the story's orders have come.
    pub(super) fn saw_stages<S: Subject>(&mut self, model: &Model<S::Participant>) {
        for (_, kept) in model.orders() {
            let stages: BTreeSet<_> = kept.decided.iter().map(|decided| S::stage(&decided.after)).collect();
            for stage in stages {
                *self.stages.entry(stage).or_default() += 1;
            }
        }
    }

    pub(super) fn add(&mut self, story: Self) {
        self.decided += story.decided;
        self.said += story.said;
        self.duplicates += story.duplicates;
        self.answered_again += story.answered_again;
        self.fired += story.fired;
        self.stale += story.stale;
        self.rejected += story.rejected;
        self.effects += story.effects;
        self.crowded += story.crowded;
        self.fates.extend(story.fates);
        for (stage, count) in story.stages {
            *self.stages.entry(stage).or_default() += count;
        }
    }

    /// Fails a run that met too little to have shown anything.
    pub(super) fn is_not_vacuous<S: Subject>(&self) {
        let missed: Vec<_> = S::STAGES.iter().filter(|stage| !self.stages.contains_key(*stage)).collect();
        assert!(missed.is_empty(), "no order came to {missed:?}");
        assert_eq!(self.fates.len(), 3, "batches were lost in every way: {:?}", self.fates);
        let mut met = vec![
            ("decisions", self.decided),
            ("duplicates", self.duplicates),
            ("events resent on purpose", self.answered_again),
            ("batches with several decisions about one order", self.crowded),
        ];
        if S::Participant::SERVICE.produces() {
            met.push(("emitted events", self.said));
        }
        if !<S::Participant as Participant>::Timer::ALL.is_empty() {
            met.extend([("timers that fired", self.fired), ("stale timers", self.stale)]);
        }
        for (what, count) in met {
            assert!(count >= MET_MIN, "too few {what}: {count}");
        }
    }
}
