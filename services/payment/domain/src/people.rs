//! What a person may ask for when the gateway leaves payment in doubt.

use chrono::{DateTime, Utc};
use shared_events::{OrderId, Rejection};

use crate::{Command, PaymentDecision, PaymentTimer, Policy, State, Status, charge, refund};

/// Does what a person wants, or says why not.
///
/// # Errors
/// A [`Rejection`] when there is nothing to resolve or to retry; then nothing changes.
pub fn command(
    policy: &Policy,
    state: &State,
    command: &Command,
    _at: DateTime<Utc>,
) -> Result<PaymentDecision, Rejection> {
    match command {
        Command::Resolve { order_id, captured, note } => resolve(policy, state, *order_id, *captured, note),
        Command::RetryRefund => retry_refund(policy, state),
    }
}

/// "Captured" is believed, as the ledger's audit will check it against the gateway. "Not captured" is
/// not: only a confirmed void makes it true for ever (rule 2).
fn resolve(
    policy: &Policy,
    state: &State,
    order_id: OrderId,
    captured: bool,
    note: &str,
) -> Result<PaymentDecision, Rejection> {
    if state.status != Status::Unresolved {
        let detail =
            format!("Only an unresolved transaction can be resolved; this one is {}.", state.status.as_str());
        return Err(Rejection::new("not_unresolved", detail));
    }
    if captured {
        let decision = charge::captured(policy, state, order_id, None);
        let what = decision.note.clone();
        return Ok(decision.note(format!("a person says captured ({note}): {what}")));
    }
    Ok(charge::void(policy, state.clone())
        .arm(PaymentTimer::GiveUp, policy.give_up_after)
        .note(format!("a person says not captured ({note}): voids, to be sure")))
}

fn retry_refund(policy: &Policy, state: &State) -> Result<PaymentDecision, Rejection> {
    let no = |code, detail: &str| Err(Rejection::new(code, detail));
    match state.status {
        Status::RefundStuck => match refund::owed(state) {
            Some(amount) => {
                let words = format!("a person retries the refund of {amount} {}", amount.currency);
                Ok(refund::start(policy, state.clone(), amount).note(words))
            }
            None => no("no_refund", "There is nothing to refund."),
        },
        Status::Refunding => no("refund_under_way", "The refund is under way; wait for its outcome."),
        Status::Refunded => no("already_refunded", "The money went back already."),
        Status::Collecting
        | Status::Charging
        | Status::Unknown
        | Status::Voiding
        | Status::Unresolved
        | Status::Captured
        | Status::Failed
        | Status::Voided => no("no_refund", "No refund of this order was asked for."),
    }
}
