//! The way in: every input finds its story here, and no input is an error.

use chrono::{DateTime, Utc};
use shared_events::{Decision, Event, EventType};

use crate::{
    Answer, Asked, Effect, Input, PaymentTimer, Policy, Silence, State, Status, charge, collect, death,
    people, refund,
};

/// What payment concludes from one input.
pub type PaymentDecision = Decision<State, Effect, PaymentTimer>;

/// Whether payment reacts to that type; equal to its lines in the catalogue.
#[must_use]
pub const fn handles(event_type: EventType) -> bool {
    match event_type {
        EventType::OrderPlaced
        | EventType::InventoryReserved
        | EventType::InventoryReserveFailed
        | EventType::FraudAssessed
        | EventType::FraudReviewed
        | EventType::OrderCancelled
        | EventType::OrderFailed => true,
        EventType::InventoryReserveRequested
        | EventType::InventoryHoldExpired
        | EventType::InventoryReleased
        | EventType::PaymentRequested
        | EventType::PaymentProcessed
        | EventType::PaymentFailed
        | EventType::PaymentVoided
        | EventType::PaymentRefunded
        | EventType::PaymentRefundFailed
        | EventType::PaymentUnresolved
        | EventType::OrderConfirmed
        | EventType::OrderCancelRequested
        | EventType::ShippingScheduled
        | EventType::ShippingDispatched
        | EventType::ShippingDelivered
        | EventType::ShippingFailed
        | EventType::ShippingCancelled
        | EventType::ShippingCancelRejected
        | EventType::OrderCompleted
        | EventType::InventoryStockAdjusted
        | EventType::NotificationSent
        | EventType::NotificationFailed => false,
    }
}

/// The rule. Total: late, repeated and overtaken inputs are decisions too. A command that
/// [`command`](crate::command) would refuse is ignored here.
///
/// `at` is the owner's clock; no rule of payment depends on it, because every wait is a timer.
pub fn decide(policy: &Policy, state: &State, input: &Input, at: DateTime<Utc>) -> PaymentDecision {
    match input {
        Input::Event(event) => on_event(policy, state, event),
        Input::Timer(timer) => on_timer(policy, state, *timer),
        Input::Answer(answer) => on_answer(policy, state, answer),
        Input::Command(command) => people::command(policy, state, command, at)
            .unwrap_or_else(|no| Decision::ignored(state.clone(), no.detail)),
    }
}

fn on_event(policy: &Policy, state: &State, event: &Event) -> PaymentDecision {
    match event {
        Event::OrderPlaced(placed) => collect::placed(policy, state, placed),
        Event::InventoryReserved(_) => collect::reserved(policy, state),
        Event::FraudAssessed(assessed) => collect::assessed(policy, state, assessed.verdict),
        Event::FraudReviewed(reviewed) => collect::reviewed(policy, state, reviewed.verdict),
        Event::InventoryReserveFailed(_) | Event::OrderCancelled(_) | Event::OrderFailed(_) => {
            death::dies(policy, state, event.event_type())
        }
        Event::InventoryReserveRequested(_)
        | Event::InventoryHoldExpired(_)
        | Event::InventoryReleased(_)
        | Event::PaymentRequested(_)
        | Event::PaymentProcessed(_)
        | Event::PaymentFailed(_)
        | Event::PaymentVoided(_)
        | Event::PaymentRefunded(_)
        | Event::PaymentRefundFailed(_)
        | Event::PaymentUnresolved(_)
        | Event::OrderConfirmed(_)
        | Event::OrderCancelRequested(_)
        | Event::ShippingScheduled(_)
        | Event::ShippingDispatched(_)
        | Event::ShippingDelivered(_)
        | Event::ShippingFailed(_)
        | Event::ShippingCancelled(_)
        | Event::ShippingCancelRejected(_)
        | Event::OrderCompleted(_)
        | Event::InventoryStockAdjusted(_)
        | Event::NotificationSent(_)
        | Event::NotificationFailed(_) => Decision::ignored(state.clone(), "not for payment"),
    }
}

fn on_timer(policy: &Policy, state: &State, timer: PaymentTimer) -> PaymentDecision {
    match timer {
        PaymentTimer::Verdict => collect::verdict_deadline(policy, state),
        PaymentTimer::Ask => match state.status {
            Status::Charging => charge::unanswered(policy, state),
            Status::Unknown => charge::ask(policy, state),
            Status::Voiding => charge::void_again(policy, state),
            Status::Refunding => refund::again(policy, state),
            Status::Collecting
            | Status::Unresolved
            | Status::Captured
            | Status::Failed
            | Status::Voided
            | Status::RefundStuck
            | Status::Refunded => nothing_to_ask(state),
        },
        PaymentTimer::GiveUp => match state.status {
            Status::Unknown | Status::Voiding => charge::give_up(state),
            Status::Refunding => refund::give_up(state),
            Status::Collecting
            | Status::Charging
            | Status::Unresolved
            | Status::Captured
            | Status::Failed
            | Status::Voided
            | Status::RefundStuck
            | Status::Refunded => nothing_to_ask(state),
        },
    }
}

fn nothing_to_ask(state: &State) -> PaymentDecision {
    Decision::ignored(state.clone(), format!("nothing to ask the gateway: {}", state.status.as_str()))
}

fn on_answer(policy: &Policy, state: &State, answer: &Answer) -> PaymentDecision {
    match answer {
        Answer::Captured { order_id, charge_id } => {
            charge::captured(policy, state, *order_id, charge_id.as_deref())
        }
        Answer::Declined { code, reason } => charge::declined(state, code, reason),
        Answer::Voided => charge::voided(state),
        Answer::NeverHeardOf => charge::never_heard_of(policy, state),
        Answer::Pending => charge::pending(policy, state),
        Answer::Refunded { refund_id } => refund::refunded(state, refund_id),
        Answer::RefundRefused { code, reason } => refund::refused(state, code, reason),
        Answer::NoAnswer { asked, silence } => on_silence(policy, state, *asked, *silence),
    }
}

/// Only silence about the question that is open now matters: every question has its timer, so a
/// stale silence must not move the next one.
fn on_silence(policy: &Policy, state: &State, asked: Asked, silence: Silence) -> PaymentDecision {
    let open = match asked {
        Asked::Charge => matches!(state.status, Status::Charging | Status::Unknown),
        Asked::Status => state.status == Status::Unknown,
        Asked::Void => state.status == Status::Voiding,
        Asked::Refund => state.status == Status::Refunding,
    };
    if !open {
        let word = state.status.as_str();
        return Decision::ignored(state.clone(), format!("late silence, nobody waits for it: {word}"));
    }
    match asked {
        Asked::Charge => charge::no_answer(policy, state, Some(silence)),
        Asked::Status | Asked::Void => charge::no_answer(policy, state, None),
        Asked::Refund => refund::no_answer(policy, state, silence),
    }
}
