//! The participants' own rules under a model checker.
//!
//! One order, or two for the last piece, the five participants that decide about it, a gateway and a carrier with every
//! outcome, and a network that delivers what was said in any order and any number of times. The
//! checker visits every state that can be reached and holds each against the invariants of
//! `docs/choreography.md` ([`properties`]). What decides is the domain packages' own `decide`;
//! around it the model does what the chassis does: the saga log that knows handled events, the
//! outbox, timers, effects after the commit, answers to resends.
//!
//! * [`Scenario`]: what may happen, and how much of it; each is explored to its end.
//! * [`SagaModel`], [`PairModel`]: the states and the steps between them, of one order and of two.
//! * [`Mutant`]: a planted fault, which a named property must catch.
//! * [`check_ends`]: whether there is a way to the end from everywhere.
//! * [`check`], [`hunt`]: explore a scenario; look for the shortest way to a planted fault's damage.
//! * [`check_nearest`], [`walk`]: as much as there is time for of what is too large to be explored.
//! * [`story::tell`]: a path in words.

mod actors;
mod cast;
mod choices;
mod ends;
mod explore;
mod memo;
mod model;
mod mutants;
mod outside;
mod pair;
pub mod properties;
mod saga;
mod scenario;
mod set;
pub mod story;
mod walks;
mod world;

pub use cast::{Cause, OrderStanding, Seat, StockStanding, Wish};
pub use ends::{NoWayOut, PROPERTY as END_CAN_BE_REACHED};
pub use explore::{Caught, Explored, check, check_ends, check_nearest, hunt};
pub use model::{Action, SagaModel};
pub use mutants::Mutant;
pub use outside::{Booking, Call, Charge, Outside, Word};
pub use pair::{Pair, PairModel, Step};
pub use saga::Saga;
pub use scenario::{SCENARIOS, Scenario, WILD};
pub use set::{Listed, Numbers, Set};
pub use walks::{Bounds, Broken, Walked, walk};
pub use world::{Budget, World};
