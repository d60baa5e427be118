//! What senders report, and the timers of messages that are waited for.

use chrono::{DateTime, TimeDelta, Utc};
use shared_events::{Decision, Outcome};

use crate::{
    Delivery, NotificationTimer, Report,
    policy::Policy,
    recipients,
    state::{State, Status},
    step::{NotificationDecision, Step},
};

/// A due time was rounded to microseconds on its way through the database, the state's was not.
const ROUNDING: TimeDelta = TimeDelta::milliseconds(1);

/// A sender came back.
pub(crate) fn reported(
    policy: &Policy,
    state: &State,
    report: &Report,
    at: DateTime<Utc>,
) -> NotificationDecision {
    let found = state.messages.iter().position(|message| message.id() == report.message);
    let Some(index) = found else {
        return Decision::ignored(state.clone(), "no such message");
    };
    let message = &state.messages[index];
    let template = message.letter.news.template();
    let recipient = message.recipient.as_deref().unwrap_or_default();
    match message.status {
        Status::Queued => {}
        Status::Sent => return Decision::ignored(state.clone(), format!("{template} had been sent")),
        // What was said of it stands, also when an attempt that was thought lost succeeded.
        Status::Failed => return Decision::ignored(state.clone(), format!("{template} had been given up")),
    }
    let mut step = Step::from(policy, state, at);
    match &report.delivery {
        Delivery::Sent => {
            step.sent(index);
            step.decision(Outcome::Completed, format!("{template} sent"), None)
        }
        Delivery::Never { why } => {
            step.fail(index, why);
            step.decision(Outcome::Failed, format!("{template} given up"), None)
        }
        Delivery::Later { .. } | Delivery::Unknown { .. } | Delivery::PutOff
            if report.attempt != message.attempts =>
        {
            Decision::ignored(state.clone(), format!("{template}: another attempt is under way"))
        }
        Delivery::Later { why } => {
            let outcome = if step.try_later(index, why) { Outcome::Started } else { Outcome::Failed };
            let why = recipients::without_recipient(why, recipient);
            step.decision(outcome, format!("{template}, attempt {} failed: {why}", message.attempts), None)
        }
        Delivery::Unknown { why } => {
            let outcome = if step.try_much_later(index, why) { Outcome::Started } else { Outcome::Failed };
            let why = recipients::without_recipient(why, recipient);
            let note = format!("{template}, attempt {} may have succeeded: {why}", message.attempts);
            step.decision(outcome, note, None)
        }
        Delivery::PutOff => {
            step.put_off(index);
            step.decision(Outcome::Started, format!("{template} waits for its turn"), None)
        }
    }
}

/// Messages are due: their pause is over, or nothing was heard of an attempt, which a crash may
/// have swallowed before or after the message left. The same id goes out again.
pub(crate) fn due(policy: &Policy, state: &State, at: DateTime<Utc>) -> NotificationDecision {
    let mut step = Step::from(policy, state, at);
    let (mut again, mut given_up) = (0, 0);
    for (index, message) in state.messages.iter().enumerate() {
        if message.due_at.is_none_or(|due| due > at + ROUNDING) {
            continue;
        }
        if message.attempts >= policy.attempts_max {
            step.fail(index, "nothing was heard of the last attempt");
            given_up += 1;
        } else {
            step.send(index);
            again += 1;
        }
    }
    let fired = Some(NotificationTimer::Send);
    match (again, given_up) {
        (0, 0) => step.decision(Outcome::Ignored, "nothing is due", fired),
        (_, 0) => step.decision(Outcome::Started, format!("{again} sent again"), fired),
        _ => step.decision(Outcome::Failed, format!("{again} sent again, {given_up} given up"), fired),
    }
}

/// `order.placed` has not come in time. Who ordered may be known by `order.confirmed`; then the
/// address is assumed as for a customer without one.
pub(crate) fn nobody_to_tell(policy: &Policy, state: &State, at: DateTime<Utc>) -> NotificationDecision {
    let fired = Some(NotificationTimer::Recipient);
    let mut step = Step::from(policy, state, at);
    if state.waiting.is_empty() {
        return step.decision(Outcome::Ignored, "nothing waits for a recipient", fired);
    }
    match &state.customer_id {
        Some(customer_id) => {
            step.after.contact = Some(recipients::contact(customer_id, None));
            step.tell_what_waited();
            step.decision(
                Outcome::Started,
                "order.placed did not come; writing to the assumed address",
                fired,
            )
        }
        None => {
            step.give_up_what_waited();
            step.decision(Outcome::Failed, "order.placed did not come; nobody to write to", fired)
        }
    }
}
