//! Captured money goes back because the order died. The gateway is asked until it says yes or no; a
//! no, or an hour of silence, is a person's business and stays on the books as a debt (rule 13).

use shared_events::{
    Decision, Money, Outcome,
    events::payment::{PaymentRefundFailed, PaymentRefunded},
};

use crate::{
    Effect, Failure, PaymentDecision, PaymentTimer, Policy, Silence, State, Status, charge::settled,
};

/// Asks for the refund, with a fresh hour.
pub(crate) fn start(policy: &Policy, mut state: State, amount: Money) -> PaymentDecision {
    state.status = Status::Refunding;
    state.unanswered = 0;
    state.silence = None;
    state.failure = None;
    Decision::to(state, Outcome::Started)
        .arm(PaymentTimer::Ask, policy.answer_deadline)
        .arm(PaymentTimer::GiveUp, policy.give_up_after)
        .effect(Effect::Refund { amount })
}

/// Asks once more: the gateway knows the refund by its key and never makes it twice.
pub(crate) fn again(policy: &Policy, state: &State) -> PaymentDecision {
    match owed(state) {
        Some(amount) => Decision::to(state.clone(), Outcome::Started)
            .note("asks the gateway again for the refund")
            .arm(PaymentTimer::Ask, policy.answer_deadline)
            .effect(Effect::Refund { amount }),
        None => Decision::ignored(state.clone(), "nothing is owed"),
    }
}

/// No answer: the refund may have been made all the same.
pub(crate) fn no_answer(policy: &Policy, state: &State, silence: Silence) -> PaymentDecision {
    let pause = policy.backoff(state.unanswered);
    let mut next = state.clone();
    next.unanswered = state.unanswered.saturating_add(1);
    next.silence = Some(silence);
    Decision::to(next, Outcome::Started)
        .note(format!("no answer about the refund; asks again in {} ms", pause.as_millis()))
        .arm(PaymentTimer::Ask, pause)
}

/// The money went back; also after it had been reported that it cannot.
pub(crate) fn refunded(state: &State, refund_id: &str) -> PaymentDecision {
    let owed = match state.status {
        Status::Refunding | Status::RefundStuck => owed(state),
        Status::Refunded => return Decision::ignored(state.clone(), "the refund is known already"),
        Status::Collecting
        | Status::Charging
        | Status::Unknown
        | Status::Voiding
        | Status::Unresolved
        | Status::Captured
        | Status::Failed
        | Status::Voided => None,
    };
    let Some(amount) = owed else {
        return Decision::ignored(state.clone(), "a refund nobody asked for")
            .alarm("the gateway reports a refund nobody asked for");
    };
    let mut next = state.clone();
    next.status = Status::Refunded;
    next.refunded_minor = amount.minor;
    next.refund_id = Some(refund_id.to_owned());
    next.failure = None;
    settled(Decision::to(next, Outcome::Compensated))
        .note(format!("refunded {amount} {}", amount.currency))
        .emit(PaymentRefunded {
            refund_id: refund_id.to_owned(),
            amount_minor: amount.minor,
            currency: amount.currency,
        })
}

/// The gateway says no. Asking again would only repeat it.
pub(crate) fn refused(state: &State, code: &str, reason: &str) -> PaymentDecision {
    if state.status != Status::Refunding {
        return Decision::ignored(state.clone(), format!("nobody asked: {}", state.status.as_str()));
    }
    stuck(state, Failure::new(code, reason))
}

/// The gateway did not answer for too long. Should the refund have been made, a person's retry finds
/// out, because it carries the same key.
pub(crate) fn give_up(state: &State) -> PaymentDecision {
    let code = state.silence.unwrap_or(Silence::Timeout).code();
    stuck(state, Failure::new(code, "The payment gateway does not say what became of the refund."))
}

fn stuck(state: &State, failure: Failure) -> PaymentDecision {
    let mut next = state.clone();
    next.status = Status::RefundStuck;
    next.failure = Some(failure.clone());
    next.refund_failed_said = true;
    let decision = settled(Decision::to(next, Outcome::Failed))
        .note(format!("{}: the refund waits for a person", failure.code))
        .alarm(format!("refund stuck: {}", failure.reason));
    match owed(state).filter(|_| !state.refund_failed_said) {
        Some(amount) => decision.emit(PaymentRefundFailed {
            amount_minor: amount.minor,
            currency: amount.currency,
            code: failure.code,
            reason: failure.reason,
        }),
        None => decision,
    }
}

/// What was captured and has not gone back.
pub(crate) fn owed(state: &State) -> Option<Money> {
    let currency = state.intent.as_ref()?.currency;
    Some(Money::new(state.captured_minor - state.refunded_minor, currency))
}
