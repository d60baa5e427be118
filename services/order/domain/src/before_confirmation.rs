//! From placed to confirmed: stock, fraud and payment report, and the order moves forward or dies.

use chrono::{DateTime, Utc};
use shared_events::{
    Outcome,
    events::{
        fraud::{FraudAssessed, FraudReviewed, Ruling, Verdict},
        inventory::{InventoryHoldExpired, InventoryReserveFailed, InventoryReserved},
        order::OrderConfirmed,
        payment::{PaymentFailed, PaymentProcessed, PaymentRequested},
    },
};

use crate::{
    Decision, Failure, InventoryAnswer, OrderTimer, PaymentAnswer, Policy, Progress, Review, State, Trouble,
    decide::{contradiction, never_placed},
    ending,
    state::Stage,
};

pub(crate) fn reserved(state: &State, said: &InventoryReserved) -> Decision {
    let lines = said.items.len();
    let units: u64 = said.items.iter().map(|line| u64::from(line.quantity)).sum();
    let note = format!("{units} held in {lines} lines");
    match state.progress.stage() {
        Stage::Unknown => never_placed(state),
        Stage::Unconfirmed => {
            let progress = state.progress.max(Progress::InventoryReserved);
            Decision::to(State { progress, ..state.clone() }, Outcome::Completed).note(note)
        }
        Stage::Confirmed | Stage::Shipped | Stage::Delivered => {
            Decision::ignored(state.clone(), format!("{note}, which the confirmed order knows"))
        }
        Stage::Dead => Decision::ignored(
            state.clone(),
            format!("{note} after the order had {}; inventory answers that", state.progress.as_str()),
        ),
    }
}

pub(crate) fn reserve_failed(policy: &Policy, state: &State, said: &InventoryReserveFailed) -> Decision {
    let answer = InventoryAnswer::ReserveFailed;
    match state.progress.stage() {
        Stage::Unconfirmed if state.answers.inventory.is_none() => {
            let mut next = state.clone();
            next.answers.inventory = Some(answer);
            ending::fail(policy, next, failure("inventory", said.code.as_str(), &said.reason))
        }
        Stage::Unknown
        | Stage::Unconfirmed
        | Stage::Confirmed
        | Stage::Shipped
        | Stage::Delivered
        | Stage::Dead => ending::inventory_answered(policy, state, answer, &said.reason),
    }
}

pub(crate) fn hold_expired(policy: &Policy, state: &State, said: &InventoryHoldExpired) -> Decision {
    let asked = said.asked;
    match (state.progress.stage(), state.last_word()) {
        (Stage::Unknown, _) => never_placed(state),
        // A verdict that overtook the request at inventory leaves the short hold running there. The
        // stock is still held, inventory asks again, and the review's own deadline ends the wait.
        (_, None) if state.review == Review::Open => {
            Decision::ignored(state.clone(), format!("asked {asked} times; a review is open, hold on"))
        }
        (_, None) => ending::fail(
            policy,
            state.clone(),
            failure("timeout", "hold_expired", "The stock was held for as long as it can be, unpaid."),
        ),
        (_, Some(word)) => Decision::to(state.clone(), Outcome::Completed)
            .note(format!("asked {asked} times; {word} said again"))
            .resend(word),
    }
}

pub(crate) fn assessed(policy: &Policy, state: &State, said: &FraudAssessed) -> Decision {
    let score = said.score;
    let note = match said.verdict {
        Verdict::Approve => format!("score {score}, approve"),
        Verdict::Review => format!("score {score}, review"),
        Verdict::Reject => format!("score {score}, reject"),
    };
    match (state.progress.stage(), said.verdict, state.review) {
        (Stage::Unknown, ..) => never_placed(state),
        (Stage::Unconfirmed, Verdict::Review, Review::None) => {
            Decision::to(State { review: Review::Open, ..state.clone() }, Outcome::Started)
                .note(format!("{note}; the deadline waits for a person"))
                .arm(OrderTimer::Confirmation, policy.confirm_within_review)
        }
        (Stage::Unconfirmed, Verdict::Review, Review::Open | Review::Decided) => {
            Decision::ignored(state.clone(), format!("{note}, which is under way or decided"))
        }
        (Stage::Unconfirmed, Verdict::Approve | Verdict::Reject, _) => {
            Decision::to(state.clone(), Outcome::Completed).note(note)
        }
        (Stage::Confirmed | Stage::Shipped | Stage::Delivered | Stage::Dead, ..) => Decision::ignored(
            state.clone(),
            format!("{note}, after the order was {}", state.progress.as_str()),
        ),
    }
}

pub(crate) fn reviewed(policy: &Policy, state: &State, said: &FraudReviewed) -> Decision {
    let verdict = match said.verdict {
        Ruling::Approve => "approved",
        Ruling::Reject => "rejected",
    };
    let note = format!("{verdict} by {}", said.decided_by);
    match (state.progress.stage(), state.review) {
        (Stage::Unknown, _) => never_placed(state),
        (Stage::Unconfirmed, Review::None | Review::Open) => {
            Decision::to(State { review: Review::Decided, ..state.clone() }, Outcome::Completed)
                .note(format!("{note}; the usual deadline runs again"))
                .arm(OrderTimer::Confirmation, policy.confirm_within)
        }
        (Stage::Unconfirmed, Review::Decided) => {
            Decision::ignored(state.clone(), format!("{note}, which was decided before"))
        }
        (Stage::Confirmed | Stage::Shipped | Stage::Delivered | Stage::Dead, _) => Decision::ignored(
            state.clone(),
            format!("{note}, after the order was {}", state.progress.as_str()),
        ),
    }
}

pub(crate) fn payment_requested(state: &State, said: &PaymentRequested) -> Decision {
    let note = format!("{} by {}", said.amount(), said.method);
    match state.progress.stage() {
        Stage::Unknown => never_placed(state),
        Stage::Unconfirmed => {
            let progress = state.progress.max(Progress::PaymentPending);
            Decision::to(State { progress, ..state.clone() }, Outcome::Started).note(note)
        }
        Stage::Confirmed | Stage::Shipped | Stage::Delivered => {
            Decision::ignored(state.clone(), format!("{note}, which is captured by now"))
        }
        Stage::Dead => Decision::ignored(
            state.clone(),
            format!("{note} after the order had {}; payment makes it good", state.progress.as_str()),
        ),
    }
}

/// The money is captured. Payment charges only what inventory holds, so this alone confirms; after
/// the order's death it is a late success, which payment gives back (rule 5).
pub(crate) fn captured(
    policy: &Policy,
    state: &State,
    said: &PaymentProcessed,
    at: DateTime<Utc>,
) -> Decision {
    let amount = said.amount();
    match state.answers.payment {
        _ if state.progress == Progress::Unknown => return never_placed(state),
        _ if state.captured_minor.is_some() => {
            return Decision::ignored(state.clone(), "the capture is known already");
        }
        Some(PaymentAnswer::Failed | PaymentAnswer::Voided) => {
            return contradiction(
                state,
                format!("{amount} captured after payment said there was nothing to capture"),
            );
        }
        Some(PaymentAnswer::Refunded) | None => {}
    }
    let mut next = state.clone();
    next.captured_minor = Some(said.amount_minor);
    if next.answers.trouble == Some(Trouble::Unresolved) {
        next.answers.trouble = None;
    }
    match state.progress.stage() {
        Stage::Unconfirmed => confirm_or_fail(policy, next, said, at),
        Stage::Dead => {
            next.compensation = ending::standing(policy, &next);
            let given_back = next.answers.payment.is_some();
            let outcome = if given_back { Outcome::Completed } else { Outcome::Started };
            let then = if given_back { "given back already" } else { "payment gives it back" };
            Decision::to(next, outcome).note(format!("{amount} captured late; {then}"))
        }
        Stage::Unknown | Stage::Confirmed | Stage::Shipped | Stage::Delivered => {
            contradiction(state, format!("{amount} captured for an order confirmed without it"))
        }
    }
}

fn confirm_or_fail(policy: &Policy, state: State, said: &PaymentProcessed, at: DateTime<Utc>) -> Decision {
    let amount = said.amount();
    let Some(placed) = state.placed.clone() else {
        return contradiction(&state, "an order without its own lines cannot be confirmed");
    };
    // None of these happens while all keep the rules; a confirmed order must be paid in full and
    // held whatever happens, so the money goes back instead.
    if placed.total() != amount {
        let reason = format!("{amount} was captured for an order of {}.", placed.total());
        return ending::fail(policy, state, failure("payment", "amount_mismatch", &reason)).alarm(reason);
    }
    if state.answers.inventory.is_some() || state.answers.payment.is_some() {
        let reason = "The stock or the money was given back before the order was confirmed.";
        return ending::fail(policy, state, failure("inventory", "hold_lost", reason)).alarm(reason);
    }
    let processing_micros = state.placed_at.and_then(|placed_at| (at - placed_at).num_microseconds());
    let next = State {
        progress: Progress::Confirmed,
        confirmed_at: Some(at),
        processing_micros,
        resends: 0,
        ..state
    };
    Decision::to(next, Outcome::Completed)
        .note(format!("{amount} captured"))
        .emit(OrderConfirmed {
            customer_id: placed.customer_id,
            items: placed.items,
            total_minor: placed.total_minor,
            currency: placed.currency,
            shipping_address: placed.shipping_address,
        })
        .disarm(OrderTimer::Confirmation)
        .arm(OrderTimer::Shipping, policy.shipping_resend)
}

pub(crate) fn payment_failed(policy: &Policy, state: &State, said: &PaymentFailed) -> Decision {
    match state.progress.stage() {
        Stage::Unconfirmed if state.answers.payment.is_none() && state.captured_minor.is_none() => {
            let mut next = state.clone();
            next.answers.payment = Some(PaymentAnswer::Failed);
            next.answers.trouble = None;
            ending::fail(policy, next, failure("payment", &said.code, &said.reason))
        }
        Stage::Unknown
        | Stage::Unconfirmed
        | Stage::Confirmed
        | Stage::Shipped
        | Stage::Delivered
        | Stage::Dead => ending::payment_answered(policy, state, PaymentAnswer::Failed, &said.reason),
    }
}

pub(crate) fn failure(step: &str, code: &str, reason: &str) -> Failure {
    Failure { step: step.to_owned(), code: code.to_owned(), reason: reason.to_owned() }
}

/// The failure of an order whose deadline passed, in terms of what it was still waiting for.
pub(crate) fn timed_out(state: &State) -> Failure {
    let reason = match (state.progress, state.review) {
        (_, Review::Open) => "Nobody decided the review in time.",
        (Progress::PaymentPending, _) => "The payment was not settled in time.",
        (Progress::InventoryReserved, _) => "Stock is held, but the payment did not begin in time.",
        (
            Progress::Unknown
            | Progress::Pending
            | Progress::Confirmed
            | Progress::Shipped
            | Progress::Delivered
            | Progress::Failed
            | Progress::Cancelled,
            _,
        ) => "The stock was not reserved in time.",
    };
    let code = if state.review == Review::Open { "review_timeout" } else { "confirmation_timeout" };
    failure("timeout", code, reason)
}
