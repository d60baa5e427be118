//! Before the charge: three facts arrive in any order (intent, reservation, verdict), and the charge
//! goes out with the last one that is needed.

use shared_events::{
    Decision, Outcome,
    events::{
        fraud::{Ruling, Verdict},
        order::OrderPlaced,
        payment::PaymentFailed,
    },
};

use crate::{
    Failure, FraudFallback, FraudMode, Intent, Opinion, PaymentDecision, PaymentTimer, Policy, State, Status,
    charge,
};

/// `order.placed`: what is to be charged.
pub(crate) fn placed(policy: &Policy, state: &State, placed: &OrderPlaced) -> PaymentDecision {
    if state.status != Status::Collecting {
        return too_late(state);
    }
    if state.intent.is_some() {
        return Decision::ignored(state.clone(), "the amount is known already");
    }
    let method = &placed.payment_method;
    let intent = Intent {
        customer_id: placed.customer_id.clone(),
        amount_minor: placed.total_minor,
        currency: placed.currency,
        method: method.kind.clone(),
        token: method.token.clone(),
        card_brand: method.card_brand.clone(),
        card_last_four: method.card_last_four.clone(),
    };
    proceed(policy, State { intent: Some(intent), ..state.clone() })
}

/// `inventory.reserved`: the stock is held.
pub(crate) fn reserved(policy: &Policy, state: &State) -> PaymentDecision {
    if state.status != Status::Collecting {
        return too_late(state);
    }
    if state.reserved {
        return Decision::ignored(state.clone(), "the reservation is known already");
    }
    proceed(policy, State { reserved: true, ..state.clone() })
}

/// `fraud.assessed`: the machine's verdict. It never overwrites a decision (rule 9).
pub(crate) fn assessed(policy: &Policy, state: &State, verdict: Verdict) -> PaymentDecision {
    match state.fraud {
        _ if state.status != Status::Collecting && verdict == Verdict::Reject => rejected_too_late(state),
        _ if state.status != Status::Collecting => too_late(state),
        Opinion::Approve | Opinion::Reject => Decision::ignored(state.clone(), "fraud is decided already"),
        Opinion::Unheard | Opinion::Review => {
            let fraud = match verdict {
                Verdict::Approve => Opinion::Approve,
                Verdict::Review => Opinion::Review,
                Verdict::Reject => Opinion::Reject,
            };
            proceed(policy, State { fraud, ..state.clone() })
        }
    }
}

/// `fraud.reviewed`: a person's decision, or the review's own deadline; it stands above the machine's.
pub(crate) fn reviewed(policy: &Policy, state: &State, ruling: Ruling) -> PaymentDecision {
    if state.status != Status::Collecting {
        return match ruling {
            Ruling::Approve => too_late(state),
            Ruling::Reject => rejected_too_late(state),
        };
    }
    let fraud = match ruling {
        Ruling::Approve => Opinion::Approve,
        Ruling::Reject => Opinion::Reject,
    };
    if state.fraud == fraud {
        return Decision::ignored(state.clone(), "fraud is decided already");
    }
    proceed(policy, State { fraud, ..state.clone() })
}

/// No verdict came in time.
pub(crate) fn verdict_deadline(policy: &Policy, state: &State) -> PaymentDecision {
    let waiting = state.status == Status::Collecting && state.reserved && state.fraud == Opinion::Unheard;
    if !waiting || state.intent.is_none() {
        return Decision::ignored(state.clone(), "no verdict is waited for");
    }
    match (policy.fraud_mode, policy.fraud_fallback) {
        (FraudMode::Gate, FraudFallback::FailClosed) => {
            fail(state.clone(), "fraud_unavailable", "No fraud verdict came in time.")
        }
        (FraudMode::Gate, FraudFallback::FailOpen) => charge::first(policy, state.clone(), false),
        // The mode was changed while this payment waited.
        (FraudMode::Observe, FraudFallback::FailOpen | FraudFallback::FailClosed) => {
            charge::first(policy, state.clone(), true)
        }
    }
}

/// Charges when nothing is missing; else says what is waited for.
fn proceed(policy: &Policy, state: State) -> PaymentDecision {
    let gated = match policy.fraud_mode {
        FraudMode::Observe => false,
        FraudMode::Gate => true,
    };
    // A rejected order fails before its other facts are known: inventory releases on it, or writes a
    // tombstone when it has not reserved yet.
    if gated && state.fraud == Opinion::Reject {
        return fail(state, "fraud_rejected", "The fraud assessment rejected this order.");
    }
    let facts = state.intent.is_some() && state.reserved;
    match state.fraud {
        _ if !facts => waits(state, "waits for the order, its reservation or both"),
        Opinion::Unheard if gated => {
            waits(state, "waits for a fraud verdict").arm(PaymentTimer::Verdict, policy.verdict_deadline)
        }
        // A person may take hours; the order's own deadline ends it.
        Opinion::Review if gated => {
            waits(state, "waits for a person's fraud review").disarm(PaymentTimer::Verdict)
        }
        Opinion::Unheard | Opinion::Review | Opinion::Approve | Opinion::Reject => {
            charge::first(policy, state, true)
        }
    }
}

fn waits(state: State, note: &str) -> PaymentDecision {
    Decision::to(state, Outcome::Started).note(note)
}

fn fail(mut state: State, code: &str, reason: &str) -> PaymentDecision {
    state.status = Status::Failed;
    state.failure = Some(Failure::new(code, reason));
    Decision::to(state, Outcome::Failed)
        .note(format!("{code}: nothing was charged"))
        .disarm(PaymentTimer::Verdict)
        .emit(PaymentFailed { code: code.to_owned(), reason: reason.to_owned() })
}

/// Rules 6 and 9: what comes after the charge began, or after the order died, changes nothing.
fn too_late(state: &State) -> PaymentDecision {
    Decision::ignored(state.clone(), format!("too late: {}", state.status.as_str()))
}

/// Rule 9, in either mode: a rejection after the charge began opens a case for a person, who may stop
/// the order and with it give the money back; unless nothing is kept anyway.
fn rejected_too_late(state: &State) -> PaymentDecision {
    let keeps = match state.status {
        Status::Charging | Status::Unknown | Status::Voiding | Status::Unresolved | Status::Captured => {
            state.dead.is_none()
        }
        Status::Collecting
        | Status::Failed
        | Status::Voided
        | Status::Refunding
        | Status::RefundStuck
        | Status::Refunded => false,
    };
    let decision = too_late(state);
    if !keeps {
        return decision;
    }
    decision.alarm(format!(
        "fraud assessment rejects an order whose charge is {} already: a person decides whether it goes back",
        state.status.as_str()
    ))
}
