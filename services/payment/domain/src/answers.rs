//! What payment says again when somebody asks again (rule 8): its current answer for the order,
//! whatever had caused it. This is how a lost answer heals.

use shared_events::EventType;

use crate::{State, Status, handles};

/// The types of payment's own events that are its current answer, in the order in which they were
/// said. Empty for a type payment does not react to, and while it has nothing to say.
#[must_use]
pub fn answers(state: &State, asked: EventType) -> Vec<EventType> {
    if !handles(asked) {
        return Vec::new();
    }
    match state.status {
        Status::Collecting => vec![],
        Status::Charging | Status::Unknown | Status::Voiding | Status::Unresolved => {
            let unresolved = state.unresolved_said.then_some(EventType::PaymentUnresolved);
            std::iter::once(EventType::PaymentRequested).chain(unresolved).collect()
        }
        Status::Captured => vec![EventType::PaymentProcessed],
        Status::Failed => vec![EventType::PaymentFailed],
        Status::Voided => vec![EventType::PaymentVoided],
        // A refund that was reported impossible stays reported until the money has gone back.
        Status::Refunding | Status::RefundStuck => {
            let failed = state.refund_failed_said.then_some(EventType::PaymentRefundFailed);
            std::iter::once(EventType::PaymentProcessed).chain(failed).collect()
        }
        Status::Refunded => vec![EventType::PaymentProcessed, EventType::PaymentRefunded],
    }
}
