//! The order died: it was cancelled, it failed, or its stock could not be held. Payment answers
//! exactly once, whatever it was doing (rule 3), also for an order it never heard of (rule 6).

use shared_events::{Decision, EventType, Outcome, events::payment::PaymentVoided};

use crate::{PaymentDecision, PaymentTimer, Policy, State, Status, refund};

/// `order.cancelled`, `order.failed` or `inventory.reserve.failed`.
pub(crate) fn dies(policy: &Policy, state: &State, cause: EventType) -> PaymentDecision {
    match state.status {
        Status::Collecting => tombstone(state, cause),
        // What the gateway is doing is let finish; its answer is then treated as a dead order's.
        Status::Charging | Status::Unknown | Status::Voiding | Status::Unresolved => remember(state, cause),
        Status::Captured => match refund::owed(state) {
            Some(amount) => {
                let next = State { dead: Some(cause), ..state.clone() };
                refund::start(policy, next, amount).note(format!("refunds {amount} {}", amount.currency))
            }
            None => Decision::ignored(state.clone(), "nothing was captured"),
        },
        Status::Refunding | Status::RefundStuck => {
            Decision::ignored(state.clone(), format!("known already: {}", state.status.as_str()))
        }
        Status::Failed | Status::Voided | Status::Refunded => {
            Decision::ignored(state.clone(), format!("answered already: payment.{}", state.status.as_str()))
        }
    }
}

/// Nothing was charged, and whatever comes later finds that nothing will be.
fn tombstone(state: &State, cause: EventType) -> PaymentDecision {
    let next = State { status: Status::Voided, dead: Some(cause), ..state.clone() };
    Decision::to(next, Outcome::Compensated)
        .note("nothing was charged, nothing will be")
        .disarm(PaymentTimer::Verdict)
        .emit(PaymentVoided { reason: cause.as_str().to_owned() })
}

fn remember(state: &State, cause: EventType) -> PaymentDecision {
    if let Some(earlier) = state.dead {
        return Decision::ignored(state.clone(), format!("remembered already since {earlier}"));
    }
    let next = State { dead: Some(cause), ..state.clone() };
    Decision::to(next, Outcome::Started)
        .note(format!("remembered; the charge is let finish: {}", state.status.as_str()))
}
