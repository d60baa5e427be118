//! Waits that are over: the order gives up, or asks again under the old event id.

use shared_events::{EventType, Outcome};

use crate::{
    Cancel, Compensation, Decision, OrderTimer, Policy, Progress, State, before_confirmation, ending,
    state::Stage,
};

pub(crate) fn confirmation(policy: &Policy, state: &State) -> Decision {
    if state.progress.stage() != Stage::Unconfirmed {
        return nothing_to_wait_for(state);
    }
    ending::fail(policy, state.clone(), before_confirmation::timed_out(state))
}

/// Confirmed, and nothing from shipping: `order.confirmed` is said again, and shipping answers with
/// whatever is true there by now.
pub(crate) fn shipping(policy: &Policy, state: &State) -> Decision {
    let waiting = state.progress == Progress::Confirmed
        && state.cancel != Cancel::Requested
        && state.tracking_number.is_none();
    if !waiting {
        return nothing_to_wait_for(state);
    }
    let asking = Asking {
        again: EventType::OrderConfirmed,
        missing: EventType::ShippingScheduled,
        timer: OrderTimer::Shipping,
        pause: policy.shipping_resend,
    };
    asking.ask(policy, state)
}

/// Somebody wants out, and shipping does not say whether that is possible.
pub(crate) fn cancel(policy: &Policy, state: &State) -> Decision {
    let alive = matches!(state.progress.stage(), Stage::Confirmed | Stage::Shipped);
    if !alive || state.cancel != Cancel::Requested {
        return nothing_to_wait_for(state);
    }
    let asking = Asking {
        again: EventType::OrderCancelRequested,
        missing: EventType::ShippingCancelled,
        timer: OrderTimer::Cancel,
        pause: policy.cancel_resend,
    };
    asking.ask(policy, state)
}

/// A parcel that should have arrived: either its news got lost, which asking again heals, or the
/// parcel did, which a person has to look into. Asked once a day from then on.
pub(crate) fn delivery(policy: &Policy, state: &State) -> Decision {
    let under_way = state.tracking_number.is_some()
        && matches!(state.progress.stage(), Stage::Confirmed | Stage::Shipped);
    if !under_way {
        return nothing_to_wait_for(state);
    }
    let next = State { overdue: Some(EventType::ShippingDelivered), ..state.clone() };
    Decision::to(next, Outcome::Started)
        .note("the parcel is overdue; order.confirmed said again")
        .resend(EventType::OrderConfirmed)
        .arm(OrderTimer::Delivery, policy.delivery_grace)
        .alarm("a parcel is more than the grace period overdue")
}

/// A dead order, and somebody has not accounted for what they held: the last word is said again,
/// and they answer again. After the last wait the order is stuck and names what is missing.
pub(crate) fn compensation(policy: &Policy, state: &State) -> Decision {
    let (Stage::Dead, Some(word)) = (state.progress.stage(), state.last_word()) else {
        return nothing_to_wait_for(state);
    };
    if state.compensation == Compensation::Complete {
        return nothing_to_wait_for(state);
    }
    let missing = state.missing().join(", ");
    let given_up_before = policy.compensation_wait(state.resends).is_none();
    let mut next = state.clone();
    if !given_up_before {
        next.resends += 1;
    }
    next.compensation = ending::standing(policy, &next);
    let wait = policy.compensation_wait(next.resends);
    let decision = Decision::to(next, Outcome::Started)
        .resend(word)
        .arm(OrderTimer::Compensation, wait.unwrap_or(policy.stuck_resend));
    if wait.is_none() && !given_up_before {
        let what = format!("compensation is stuck; missing: {missing}");
        return decision.note(format!("{what}; {word} said again")).alarm(what);
    }
    decision.note(format!("{word} said again; missing: {missing}"))
}

/// Asking shipping again at a steady pace; a person is called once, and it goes on more slowly.
struct Asking {
    again: EventType,
    missing: EventType,
    timer: OrderTimer,
    pause: std::time::Duration,
}

impl Asking {
    fn ask(self, policy: &Policy, state: &State) -> Decision {
        let alarmed_before = state.resends >= policy.asks_before_alarm;
        let mut next = state.clone();
        // The count stops at the limit: an order that waits for years is still the same order.
        next.resends = (state.resends + 1).min(policy.asks_before_alarm);
        let alarmed = next.resends >= policy.asks_before_alarm;
        if alarmed {
            next.overdue = Some(self.missing);
        }
        let pause = if alarmed { policy.stuck_resend } else { self.pause };
        let note = format!("{} said again; missing: {}", self.again, self.missing);
        let decision = Decision::to(next, Outcome::Started).resend(self.again).arm(self.timer, pause);
        if alarmed && !alarmed_before {
            let what = format!("asked {} times; missing: {}", policy.asks_before_alarm, self.missing);
            return decision.note(note).alarm(what);
        }
        decision.note(note)
    }
}

fn nothing_to_wait_for(state: &State) -> Decision {
    Decision::ignored(state.clone(), format!("nothing to wait for: {}", state.progress.as_str()))
}
