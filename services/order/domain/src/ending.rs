//! The order's death and the making good: told to all at once, then one answer per participant.
//!
//! Inventory's account is closed by `inventory.reserve.failed` or `inventory.released`, payment's by
//! `payment.failed`, `payment.voided` or `payment.refunded`. An answer that comes before the order
//! itself has died counts. `order.completed` is said once, when neither is missing.

use shared_events::{
    Outcome,
    events::order::{OrderCancelled, OrderCompleted, OrderFailed, OrderOutcome},
};

use crate::{
    Cancel, Cancellation, Compensation, Decision, Failure, InventoryAnswer, OrderTimer, PaymentAnswer,
    Policy, Progress, State, Trouble,
    decide::{contradiction, never_placed},
    state::Stage,
};

/// The order fails: a step cannot be done.
pub(crate) fn fail(policy: &Policy, state: State, failure: Failure) -> Decision {
    let word = OrderFailed {
        failed_step: failure.step.clone(),
        code: failure.code.clone(),
        reason: failure.reason.clone(),
    };
    let note = format!("{}: {}", failure.code, failure.reason);
    let next = State { progress: Progress::Failed, failure: Some(failure), ..state };
    let dead = Decision::to(next, Outcome::Failed).note(note).emit(word);
    account(policy, dead)
}

/// The order is cancelled: somebody wanted out, and it was not too late.
pub(crate) fn cancel(policy: &Policy, state: State, wish: Cancellation) -> Decision {
    let word = OrderCancelled { reason: wish.reason.clone(), requested_by: wish.requested_by };
    let note = format!("cancelled: {}", wish.reason);
    let next =
        State { progress: Progress::Cancelled, cancel: Cancel::None, cancellation: Some(wish), ..state };
    let dead = Decision::to(next, Outcome::Failed).note(note).emit(word);
    account(policy, dead)
}

/// Ends all watches of a living order and begins to wait for what is still missing.
fn account(policy: &Policy, mut dead: Decision) -> Decision {
    dead.state.resends = 0;
    dead.state.overdue = None;
    dead.state.compensation = standing(policy, &dead.state);
    let settled = dead.state.compensation == Compensation::Complete;
    let progress = dead.state.progress;
    let dead = dead
        .disarm(OrderTimer::Confirmation)
        .disarm(OrderTimer::Shipping)
        .disarm(OrderTimer::Delivery)
        .disarm(OrderTimer::Cancel);
    if settled {
        dead.emit(completed(progress))
    } else {
        dead.arm(OrderTimer::Compensation, policy.compensation_first)
    }
}

/// How far the making good of a dead order has come: a function of what was answered, of what
/// keeps payment from answering, and of how often the order has asked.
pub(crate) fn standing(policy: &Policy, state: &State) -> Compensation {
    let answers = &state.answers;
    let given_up = policy.compensation_wait(state.resends).is_none();
    if answers.inventory.is_some() && answers.payment.is_some() {
        Compensation::Complete
    } else if given_up || (answers.payment.is_none() && answers.trouble.is_some()) {
        Compensation::Stuck
    } else {
        Compensation::Pending
    }
}

/// Inventory holds nothing any more.
pub(crate) fn inventory_answered(
    policy: &Policy,
    state: &State,
    answer: InventoryAnswer,
    why: &str,
) -> Decision {
    let said = answer.event_type();
    if let Some(before) = state.answers.inventory {
        let note = format!("inventory's account was closed by {}", before.event_type());
        return Decision::ignored(state.clone(), note);
    }
    let mut next = state.clone();
    next.answers.inventory = Some(answer);
    match state.progress.stage() {
        Stage::Unknown => never_placed(state),
        Stage::Dead => tick_off(policy, next, why),
        // Inventory heard of a failed payment before we did.
        Stage::Unconfirmed => Decision::to(next, Outcome::Compensated)
            .note(format!("{why}; counted before the order itself has ended")),
        // It is recorded all the same: inventory will not say it a second time.
        Stage::Confirmed | Stage::Shipped | Stage::Delivered => {
            let what = format!("{said} for an order that is {}", state.progress.as_str());
            Decision::to(next, Outcome::Failed).note(what.clone()).alarm(what)
        }
    }
}

/// Payment holds no money of this order any more.
pub(crate) fn payment_answered(policy: &Policy, state: &State, answer: PaymentAnswer, why: &str) -> Decision {
    let said = answer.event_type();
    if let Some(before) = state.answers.payment {
        let note = format!("payment's account was closed by {}", before.event_type());
        return Decision::ignored(state.clone(), note);
    }
    let never_captured = match answer {
        PaymentAnswer::Failed | PaymentAnswer::Voided => true,
        PaymentAnswer::Refunded => false,
    };
    if state.progress != Progress::Unknown && never_captured && state.captured_minor.is_some() {
        return contradiction(state, format!("{said} after a capture was reported"));
    }
    let mut next = state.clone();
    next.answers.payment = Some(answer);
    next.answers.trouble = None;
    match state.progress.stage() {
        Stage::Unknown => never_placed(state),
        Stage::Dead => tick_off(policy, next, why),
        // Payment heard of a failed reservation before we did.
        Stage::Unconfirmed => Decision::to(next, Outcome::Compensated)
            .note(format!("{why}; counted before the order itself has ended")),
        Stage::Confirmed | Stage::Shipped | Stage::Delivered => {
            let what = format!("{said} for an order that is {}", state.progress.as_str());
            Decision::to(next, Outcome::Failed).note(what.clone()).alarm(what)
        }
    }
}

/// Payment cannot close its account without a person. Interim: an answer replaces it, never the
/// reverse.
pub(crate) fn payment_troubled(state: &State, trouble: Trouble, why: &str) -> Decision {
    let known_capture = trouble == Trouble::Unresolved
        && (state.captured_minor.is_some() || state.answers.trouble == Some(Trouble::RefundFailed));
    if state.progress != Progress::Unknown {
        if let Some(before) = state.answers.payment {
            let note = format!("payment's account was closed by {}", before.event_type());
            return Decision::ignored(state.clone(), note);
        }
        if known_capture {
            return Decision::ignored(state.clone(), "the outcome of the charge is known by now");
        }
        if state.answers.trouble == Some(trouble) {
            return Decision::ignored(state.clone(), format!("{why}, which was noted before"));
        }
    }
    let mut next = state.clone();
    next.answers.trouble = Some(trouble);
    match state.progress.stage() {
        Stage::Unknown => never_placed(state),
        Stage::Dead => {
            next.compensation = Compensation::Stuck;
            Decision::to(next, Outcome::Failed).note(format!("stuck: {why}")).alarm(why)
        }
        // The order's own deadline runs on and ends it; then the trouble makes it stuck at once.
        Stage::Unconfirmed => {
            Decision::to(next, Outcome::Failed).note(format!("{why}; the deadline runs")).alarm(why)
        }
        Stage::Confirmed | Stage::Shipped | Stage::Delivered => {
            let what = format!("{why}, though the order is {}", state.progress.as_str());
            Decision::to(next, Outcome::Failed).note(what.clone()).alarm(what)
        }
    }
}

/// One answer to a dead order is in; the last one completes it, also when it was stuck.
fn tick_off(policy: &Policy, mut next: State, why: &str) -> Decision {
    next.compensation = standing(policy, &next);
    if next.compensation == Compensation::Complete {
        let progress = next.progress;
        return Decision::to(next, Outcome::Compensated)
            .note(format!("{why}; everything is accounted for"))
            .emit(completed(progress))
            .disarm(OrderTimer::Compensation);
    }
    let note = format!("{why}; still missing: {}", next.missing().join(", "));
    Decision::to(next, Outcome::Compensated).note(note)
}

pub(crate) fn completed(progress: Progress) -> OrderCompleted {
    let outcome = match progress {
        Progress::Delivered => OrderOutcome::Delivered,
        Progress::Cancelled => OrderOutcome::Cancelled,
        Progress::Unknown
        | Progress::Pending
        | Progress::InventoryReserved
        | Progress::PaymentPending
        | Progress::Confirmed
        | Progress::Shipped
        | Progress::Failed => OrderOutcome::Failed,
    };
    OrderCompleted { outcome }
}
