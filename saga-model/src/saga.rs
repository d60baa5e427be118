//! What exploring, walking and telling need of a model, whether it follows one order or two.

use std::{fmt::Debug, hash::Hash};

use stateright::Model;

/// A model of sagas.
pub trait Saga:
    Model<State: Copy + Debug + Eq + Hash + Send + Sync, Action: Copy + Debug + Eq + Send + Sync>
    + Send
    + Sync
    + 'static
{
    /// Everything that needs no customer, no operator and no disaster.
    fn ordinary(&self, state: &Self::State, actions: &mut Vec<Self::Action>);

    /// Customers, operators and disasters, within the scenario's budget.
    fn extraordinary(&self, state: &Self::State, actions: &mut Vec<Self::Action>);

    /// Whether nothing more is to be expected, unless from an operator.
    fn is_an_end(&self, state: &Self::State) -> bool;

    /// Whether a step means that somebody has waited for too long.
    fn is_impatient(&self, action: Self::Action) -> bool;

    /// A step as a number that is the same in every run.
    fn fingerprint(&self, action: Self::Action) -> u64;

    /// A step in words: who, what came in, what was said.
    fn line(&self, state: &Self::State, action: Self::Action) -> String;

    /// Where everybody stands, in words.
    fn standing(&self, state: &Self::State) -> String;
}
