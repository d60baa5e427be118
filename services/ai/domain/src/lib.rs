//! What the AI service decides about one order: score, verdict, review. Pure.
//!
//! The score is a sum of points, counted by integer rules over what is known of the order
//! ([`Features`]) and of its customer, device, address and instrument ([`History`]). The rules are
//! data ([`RULES`]), so that what is documented is what is counted:
//!
//! | what speaks against an order | points, at most |
//! |---|---|
//! | failed payments of the customer in 24 hours (card testing) | 40 |
//! | different payment instruments of the customer in 24 hours | 25 |
//! | other customers with the same payment token, device, internet address in 7 days | 30, 25, 12 |
//! | total of the order; against the customer's own largest or mean order | 18; 12 |
//! | e-mail at a throw-away provider | 15 |
//! | account younger than a day, a week, a month | 10 |
//! | orders of the customer in one hour, in 24 hours | 10, 6 |
//! | country the customer never ordered to; no confirmed order in 30 days; facts that are missing | 6; 4; 6 |
//! | **for** it: earlier orders that were confirmed, or even delivered | −20 |
//!
//! The sum is cut to 0 … 100. Velocity alone never gets an order into review: a busy customer is no
//! thief. Where the points come from is a choice and no measurement; models that are measured
//! replace the scorecard, and orders scored by it keep their scores.
//!
//! ```text
//! order.placed ─ score ─▶ approve, reject                      (final)
//!                    └──▶ review ─ person, deadline ─▶ decided (final)
//!                            └──── the order died ───▶ closed  (final)
//! ```
//!
//! A review may outlive the charge: payment does not wait in `observe` mode, and charges unassessed
//! when a verdict is late. The review of a confirmed order stays open as a case for a person, whose
//! decision is said as ever; the deadline says nothing about it any more, and closes it.

mod decide;
mod features;
mod input;
mod memory;
mod policy;
mod rules;
mod scorecard;
mod state;

pub use decide::{FraudDecision, answers, decide, handles, rule};
pub use features::{Features, fingerprint};
pub use input::{Input, ReviewCommand, ReviewTimer};
pub use memory::{History, Memory, Past};
pub use policy::Policy;
pub use rules::{Facts, RULES, Rule, Steps};
pub use scorecard::{Assessment, MODEL_VERSION, Reason, Scorecard, Thresholds};
pub use state::{Closing, Happened, Review, ReviewDecision, ReviewStatus, State};
