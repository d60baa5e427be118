//! The charge, from the first attempt until it is known what became of it. One key, whatever happens
//! (rule 2): no answer → ask; never heard of it → the same charge again while the order wants it;
//! otherwise, or after three, void.

use shared_events::{
    Decision, OrderId, Outcome,
    events::payment::{PaymentFailed, PaymentProcessed, PaymentRequested, PaymentUnresolved, PaymentVoided},
};

use crate::{
    Effect, Failure, Fate, Intent, PaymentDecision, PaymentTimer, Policy, Silence, State, Status, refund,
};

/// The first charge goes out, and is announced. `assessed` is false when a verdict was waited for in
/// vain.
pub(crate) fn first(policy: &Policy, mut state: State, assessed: bool) -> PaymentDecision {
    let Some(intent) = state.intent.clone() else {
        return Decision::ignored(state, "nothing to charge: the order is not known");
    };
    state.status = Status::Charging;
    state.fate = Fate::Open;
    state.charges_sent = 1;
    Decision::to(state, Outcome::Started)
        .note(format!("charges {} {}", intent.amount(), intent.currency))
        .emit(PaymentRequested {
            amount_minor: intent.amount_minor,
            currency: intent.currency,
            method: intent.method.clone(),
            assessed,
        })
        .disarm(PaymentTimer::Verdict)
        .arm(PaymentTimer::Ask, policy.answer_deadline)
        .effect(charge_of(&intent))
}

/// Nothing came back from the first charge, not even silence: a crash may have swallowed it.
pub(crate) fn unanswered(policy: &Policy, state: &State) -> PaymentDecision {
    let unknown = State { status: Status::Unknown, ..state.clone() };
    Decision::to(unknown, Outcome::Started)
        .note("no answer to the charge; asks the gateway what became of it")
        .arm(PaymentTimer::GiveUp, policy.give_up_after)
        .arm(PaymentTimer::Ask, policy.answer_deadline)
        .effect(Effect::Status)
}

/// Time to ask what became of the charge.
pub(crate) fn ask(policy: &Policy, state: &State) -> PaymentDecision {
    Decision::to(state.clone(), Outcome::Started)
        .note("asks the gateway what became of the charge")
        .arm(PaymentTimer::Ask, policy.answer_deadline)
        .effect(Effect::Status)
}

/// The gateway did not answer the open question; the charge may have been captured all the same.
/// `of_charge` is how it failed to answer a charge, which names the failure if it comes to one.
pub(crate) fn no_answer(policy: &Policy, state: &State, of_charge: Option<Silence>) -> PaymentDecision {
    let mut next = state.clone();
    next.silence = of_charge.or(state.silence);
    let first = state.status == Status::Charging;
    if first {
        next.status = Status::Unknown;
        next.unanswered = 0;
    }
    let decision = ask_later(policy, next, "no answer");
    if first { decision.arm(PaymentTimer::GiveUp, policy.give_up_after) } else { decision }
}

/// The gateway is still at it.
pub(crate) fn pending(policy: &Policy, state: &State) -> PaymentDecision {
    if state.status != Status::Unknown {
        return Decision::ignored(state.clone(), format!("nobody asked: {}", state.status.as_str()));
    }
    ask_later(policy, state.clone(), "the gateway is still at it")
}

fn ask_later(policy: &Policy, mut state: State, what: &str) -> PaymentDecision {
    let pause = policy.backoff(state.unanswered);
    state.unanswered = state.unanswered.saturating_add(1);
    Decision::to(state, Outcome::Started)
        .note(format!("{what}; asks again in {} ms", pause.as_millis()))
        .arm(PaymentTimer::Ask, pause)
}

/// The gateway never got the charge: the same charge again while the order wants it, else void, so
/// that a copy still under way cannot capture later.
pub(crate) fn never_heard_of(policy: &Policy, state: &State) -> PaymentDecision {
    if state.status != Status::Unknown {
        return Decision::ignored(state.clone(), format!("nobody asked: {}", state.status.as_str()));
    }
    let again = state.dead.is_none() && state.charges_sent < policy.charges_max;
    let Some(intent) = state.intent.as_ref().filter(|_| again) else {
        let why = match state.dead {
            Some(event_type) => format!("after {event_type}"),
            None => format!("after {} charges", state.charges_sent),
        };
        return void(policy, state.clone())
            .note(format!("the gateway never heard of the charge; voids {why}"));
    };
    let mut next = state.clone();
    next.charges_sent += 1;
    Decision::to(next, Outcome::Started)
        .note(format!(
            "the gateway never heard of it; charge {} of {} under the same key",
            state.charges_sent + 1,
            policy.charges_max
        ))
        .arm(PaymentTimer::Ask, policy.answer_deadline)
        .effect(charge_of(intent))
}

/// Asks the gateway to make a capture impossible. The hour that is running goes on running.
pub(crate) fn void(policy: &Policy, mut state: State) -> PaymentDecision {
    state.status = Status::Voiding;
    state.unanswered = 0;
    void_again(policy, &state)
}

/// Asks once more for the void that was not confirmed.
pub(crate) fn void_again(policy: &Policy, state: &State) -> PaymentDecision {
    Decision::to(state.clone(), Outcome::Started)
        .note("asks the gateway to void the charge")
        .arm(PaymentTimer::Ask, policy.answer_deadline)
        .effect(Effect::Void)
}

/// The money is captured: reported always, and refunded at once when the order is dead (rule 5).
pub(crate) fn captured(
    policy: &Policy,
    state: &State,
    order_id: OrderId,
    charge_id: Option<&str>,
) -> PaymentDecision {
    let broken_promise = match state.status {
        Status::Charging | Status::Unknown | Status::Voiding | Status::Unresolved => None,
        Status::Captured | Status::Refunding | Status::RefundStuck | Status::Refunded => {
            return Decision::ignored(state.clone(), "the capture is known already");
        }
        // The gateway declined or voided this key and captured all the same. Nobody may keep that
        // money: what we said of the order stands, so it goes back, and a person hears of it.
        Status::Failed | Status::Voided if state.intent.is_some() => {
            Some(format!("the gateway captured a charge that had ended {}", state.status.as_str()))
        }
        Status::Collecting | Status::Failed | Status::Voided => {
            return Decision::ignored(state.clone(), "a capture of a charge that was never sent")
                .alarm("the gateway reports a capture of a charge that was never sent");
        }
    };
    let Some(intent) = &state.intent else {
        return Decision::ignored(state.clone(), "nothing was to be charged");
    };
    let mut next = state.clone();
    next.fate = Fate::Captured;
    next.captured_minor = intent.amount_minor;
    next.charge_id = charge_id.map(str::to_owned);
    next.failure = None;
    if broken_promise.is_some() {
        next.dead = state.dead.or(Some(shared_events::EventType::PaymentFailed));
    }
    let processed = PaymentProcessed {
        transaction_id: order_id.derived("transaction"),
        amount_minor: intent.amount_minor,
        currency: intent.currency,
    };
    let amount = intent.amount();
    let decision = match next.dead {
        None => {
            next.status = Status::Captured;
            settled(Decision::to(next, Outcome::Completed))
                .note(format!("captured {amount} {}", amount.currency))
        }
        Some(event_type) => refund::start(policy, next, amount)
            .note(format!("captured {amount} {} late, after {event_type}; refunds it", amount.currency)),
    };
    let decision = decision.emit(processed);
    match broken_promise {
        Some(what) => decision.alarm(what),
        None => decision,
    }
}

/// The gateway will not charge this instrument.
pub(crate) fn declined(state: &State, code: &str, reason: &str) -> PaymentDecision {
    match state.status {
        Status::Charging | Status::Unknown | Status::Voiding | Status::Unresolved => {
            let mut next = state.clone();
            next.fate = Fate::Declined;
            close(next, Failure::new(code, reason))
        }
        Status::Captured | Status::Refunding | Status::RefundStuck => contradiction(state, "declined"),
        Status::Collecting | Status::Failed | Status::Voided | Status::Refunded => {
            Decision::ignored(state.clone(), format!("nobody asked: {}", state.status.as_str()))
        }
    }
}

/// A capture under our key has become impossible.
pub(crate) fn voided(state: &State) -> PaymentDecision {
    match state.status {
        Status::Charging | Status::Unknown | Status::Voiding | Status::Unresolved => {
            let mut next = state.clone();
            next.fate = Fate::Voided;
            let silence = state.silence.unwrap_or(Silence::Timeout);
            let reason = match silence {
                Silence::Timeout => "The payment gateway did not answer; the charge was voided.",
                Silence::Unavailable => "The payment gateway was unavailable; the charge was voided.",
            };
            close(next, Failure::new(silence.code(), reason))
        }
        Status::Captured | Status::Refunding | Status::RefundStuck => contradiction(state, "voided"),
        Status::Collecting | Status::Failed | Status::Voided | Status::Refunded => {
            Decision::ignored(state.clone(), format!("nobody asked: {}", state.status.as_str()))
        }
    }
}

/// Nothing is captured and nothing will be. A dead order gets the answer it waits for (rule 3), a
/// living one fails of it.
fn close(mut state: State, failure: Failure) -> PaymentDecision {
    state.failure = Some(failure.clone());
    let note = format!("{}: nothing was charged", failure.code);
    let decision = match state.dead {
        Some(event_type) => {
            state.status = Status::Voided;
            Decision::to(state, Outcome::Compensated)
                .emit(PaymentVoided { reason: event_type.as_str().to_owned() })
        }
        None => {
            state.status = Status::Failed;
            Decision::to(state, Outcome::Failed)
                .emit(PaymentFailed { code: failure.code, reason: failure.reason })
        }
    };
    settled(decision).note(note)
}

/// The gateway was asked for long enough; a person finds out what became of the charge.
pub(crate) fn give_up(state: &State) -> PaymentDecision {
    let mut next = state.clone();
    next.status = Status::Unresolved;
    next.unresolved_said = true;
    let reason = match state.status {
        Status::Voiding => "The payment gateway did not confirm that the charge is void.",
        Status::Collecting
        | Status::Charging
        | Status::Unknown
        | Status::Unresolved
        | Status::Captured
        | Status::Failed
        | Status::Voided
        | Status::Refunding
        | Status::RefundStuck
        | Status::Refunded => "The payment gateway does not say what became of the charge.",
    };
    let decision = settled(Decision::to(next, Outcome::Failed))
        .note("unresolved: a person has to find out")
        .alarm(format!("payment unresolved: {reason}"));
    match state.amount().filter(|_| !state.unresolved_said) {
        Some(amount) => decision.emit(PaymentUnresolved {
            amount_minor: amount.minor,
            currency: amount.currency,
            reason: reason.to_owned(),
        }),
        None => decision,
    }
}

/// Nothing is waited for any more.
pub(crate) fn settled(decision: PaymentDecision) -> PaymentDecision {
    decision.disarm(PaymentTimer::Ask).disarm(PaymentTimer::GiveUp)
}

/// The gateway takes back what it said. The books stay, the audit will show it, a person looks.
fn contradiction(state: &State, said: &str) -> PaymentDecision {
    Decision::ignored(state.clone(), format!("the gateway says {said} of a captured charge"))
        .alarm(format!("the gateway says {said} of a charge it had captured"))
}

fn charge_of(intent: &Intent) -> Effect {
    Effect::Charge { amount: intent.amount(), method: intent.method.clone(), token: intent.token.clone() }
}
