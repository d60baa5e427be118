//! The rule: what one input means for one order's reservation.
//!
//! Nothing here assumes an order between two deliveries. Whoever ends an order is answered once:
//! `inventory.released`, or earlier `inventory.reserve.failed`, closes inventory's account for good.

use chrono::{DateTime, TimeDelta, Utc};
use shared_events::{
    Decision, Event, EventType, Outcome,
    events::{
        fraud::Verdict,
        inventory::{HeldLine, InventoryHoldExpired, InventoryReleased, InventoryReserved, ReleasedFrom},
        order::InventoryReserveRequested,
    },
};

use crate::{Effect, Input, InventoryTimer, Movement, Policy, State, Stock, StockChange, stock::holdable};

/// What [`decide`] returns.
pub type InventoryDecision = Decision<State, Effect, InventoryTimer>;

/// Whether inventory reacts to that type; equals the catalogue.
#[must_use]
pub const fn handles(event_type: EventType) -> bool {
    match event_type {
        EventType::InventoryReserveRequested
        | EventType::FraudAssessed
        | EventType::PaymentFailed
        | EventType::OrderConfirmed
        | EventType::OrderCancelled
        | EventType::OrderFailed => true,
        EventType::OrderPlaced
        | EventType::InventoryReserved
        | EventType::InventoryReserveFailed
        | EventType::InventoryHoldExpired
        | EventType::InventoryReleased
        | EventType::FraudReviewed
        | EventType::PaymentRequested
        | EventType::PaymentProcessed
        | EventType::PaymentVoided
        | EventType::PaymentRefunded
        | EventType::PaymentRefundFailed
        | EventType::PaymentUnresolved
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

/// Concludes what one input leads to. Total: late, repeated and overtaken inputs are decisions too.
/// `stock` must hold every product of a reserve request that exists.
pub fn decide(
    policy: &Policy,
    stock: &Stock,
    state: &State,
    input: &Input,
    at: DateTime<Utc>,
) -> InventoryDecision {
    match input {
        Input::Event(event) => match event {
            Event::InventoryReserveRequested(request) => reserve(policy, stock, state, request, at),
            Event::FraudAssessed(assessed) => match assessed.verdict {
                Verdict::Review => review(policy, state, at),
                Verdict::Approve | Verdict::Reject => {
                    Decision::ignored(state.clone(), "only a review concerns the hold")
                }
            },
            Event::PaymentFailed(_) => payment_failed(state),
            Event::OrderConfirmed(_) => commit(state),
            // Nothing stays held, and the order hears so once.
            Event::OrderCancelled(_) | Event::OrderFailed(_) => release(state, event.event_type()),
            Event::OrderPlaced(_)
            | Event::InventoryReserved(_)
            | Event::InventoryReserveFailed(_)
            | Event::InventoryHoldExpired(_)
            | Event::InventoryReleased(_)
            | Event::FraudReviewed(_)
            | Event::PaymentRequested(_)
            | Event::PaymentProcessed(_)
            | Event::PaymentVoided(_)
            | Event::PaymentRefunded(_)
            | Event::PaymentRefundFailed(_)
            | Event::PaymentUnresolved(_)
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
            | Event::NotificationFailed(_) => Decision::ignored(state.clone(), "not for inventory"),
        },
        Input::Timer(timer) => match timer {
            InventoryTimer::Hold => ask(policy, state),
        },
    }
}

/// Which of inventory's own event types are its current answer when `asked` is sent again (rule 8).
///
/// `order.confirmed` and a verdict want no answer from inventory: they are resent for others' sake.
#[must_use]
pub fn answers(state: &State, asked: EventType) -> Vec<EventType> {
    let wants_answer =
        handles(asked) && !matches!(asked, EventType::OrderConfirmed | EventType::FraudAssessed);
    match state {
        State::Released { .. } if wants_answer => vec![EventType::InventoryReleased],
        State::Rejected { .. } if wants_answer => vec![EventType::InventoryReserveFailed],
        State::Held { .. } | State::Committed { .. } if asked == EventType::InventoryReserveRequested => {
            vec![EventType::InventoryReserved]
        }
        State::Unknown
        | State::Held { .. }
        | State::Committed { .. }
        | State::Released { .. }
        | State::Rejected { .. } => Vec::new(),
    }
}

/// `inventory.reserve.requested`: all lines or none.
fn reserve(
    policy: &Policy,
    stock: &Stock,
    state: &State,
    request: &InventoryReserveRequested,
    at: DateTime<Utc>,
) -> InventoryDecision {
    match state {
        State::Unknown => {}
        State::Held { .. } | State::Committed { .. } => {
            return Decision::ignored(state.clone(), "the lines are held already");
        }
        // Undo came before do: whoever ended the order has had the answer.
        State::Released { reason, .. } => {
            return Decision::ignored(state.clone(), format!("refused: {reason} came first"));
        }
        State::Rejected { code } => {
            return Decision::ignored(state.clone(), format!("refused before: {}", code.as_str()));
        }
    }
    match holdable(stock, request) {
        Err(failed) => {
            let note = format!("{}: {}", failed.code.as_str(), failed.reason);
            Decision::to(State::Rejected { code: failed.code }, Outcome::Failed).note(note).emit(failed)
        }
        Ok(lines) => {
            let items: Vec<HeldLine> = lines
                .iter()
                .map(|line| HeldLine { product_id: line.product_id, quantity: line.quantity })
                .collect();
            let note = match lines.as_slice() {
                [only] => format!("{} held, {} left", only.quantity, only.available_after),
                several => format!("{} held in {} lines", units(&items), several.len()),
            };
            let expires_at = after(at, policy.hold);
            Decision::to(State::Held { items: items.clone(), expires_at, asked: 0 }, Outcome::Completed)
                .note(note)
                .emit(InventoryReserved { items: lines, expires_at })
                .arm(InventoryTimer::Hold, policy.hold)
                .effect(moved(Movement::Hold, items))
        }
    }
}

/// `fraud.assessed` with the verdict `review`: hold until a person has decided.
fn review(policy: &Policy, state: &State, at: DateTime<Utc>) -> InventoryDecision {
    match state {
        State::Held { items, asked, .. } => {
            let expires_at = after(at, policy.hold_under_review);
            Decision::to(State::Held { items: items.clone(), expires_at, asked: *asked }, Outcome::Started)
                .note("hold extended while the order is under review")
                .arm(InventoryTimer::Hold, policy.hold_under_review)
        }
        State::Unknown => Decision::ignored(state.clone(), "nothing is held for this order"),
        State::Committed { .. } | State::Released { .. } | State::Rejected { .. } => {
            Decision::ignored(state.clone(), format!("already {}", state.status()))
        }
    }
}

/// `payment.failed`: compensation, without waiting for the order to say so.
fn payment_failed(state: &State) -> InventoryDecision {
    match state {
        // "Paid" and "never paid" cannot both be true. The order's word decides about goods that
        // may be with the carrier by now; if the order dies, it says so and the stock comes back.
        State::Committed { .. } => Decision::ignored(state.clone(), "the order is confirmed")
            .alarm("payment.failed for an order that was confirmed as paid"),
        State::Unknown | State::Held { .. } | State::Released { .. } | State::Rejected { .. } => {
            release(state, EventType::PaymentFailed)
        }
    }
}

/// Gives back whatever there is, and answers unless the account is closed already.
fn release(state: &State, reason: EventType) -> InventoryDecision {
    let (released_from, items, movement, note) = match state {
        // A tombstone: the request that is still under way will be refused.
        State::Unknown => (ReleasedFrom::Nothing, Vec::new(), None, "nothing was held".to_owned()),
        State::Held { items, .. } => {
            let note = format!("{} released from hold", units(items));
            (ReleasedFrom::Held, items.clone(), Some(Movement::Release), note)
        }
        State::Committed { items } => {
            let note = format!("{} back on the shelf", units(items));
            (ReleasedFrom::Committed, items.clone(), Some(Movement::Return), note)
        }
        State::Released { reason: first, .. } => {
            return Decision::ignored(state.clone(), format!("released already, after {first}"));
        }
        State::Rejected { code } => {
            return Decision::ignored(state.clone(), format!("never held: {}", code.as_str()));
        }
    };
    let to = State::Released { released_from, reason, items: items.clone() };
    let decision = Decision::to(to, Outcome::Compensated)
        .note(note)
        .emit(InventoryReleased { released_from, items: items.clone(), reason: reason.to_string() })
        .disarm(InventoryTimer::Hold);
    match movement {
        Some(movement) => decision.effect(moved(movement, items)),
        None => decision,
    }
}

/// `order.confirmed`: the held stock leaves the shelf.
fn commit(state: &State) -> InventoryDecision {
    match state {
        State::Held { items, .. } => {
            Decision::to(State::Committed { items: items.clone() }, Outcome::Completed)
                .note(format!("{} committed", units(items)))
                .disarm(InventoryTimer::Hold)
                .effect(moved(Movement::Commit, items.clone()))
        }
        State::Committed { .. } => Decision::ignored(state.clone(), "already committed"),
        // The order was confirmed and ended before we heard of either, and its end arrived first.
        State::Released {
            released_from: ReleasedFrom::Held | ReleasedFrom::Committed,
            reason: reason @ (EventType::OrderCancelled | EventType::OrderFailed),
            ..
        } => Decision::ignored(state.clone(), format!("{reason} came first")),
        // An order is confirmed only when its stock is held. Nothing is taken from the shelf now:
        // the units may be another order's.
        State::Unknown | State::Released { .. } | State::Rejected { .. } => {
            Decision::ignored(state.clone(), format!("no stock is held: {}", state.status()))
                .alarm(format!("order.confirmed, but its reservation is {}", state.status()))
        }
    }
}

/// The hold's time is up: go on holding, and ask the order what became of it.
fn ask(policy: &Policy, state: &State) -> InventoryDecision {
    match state {
        State::Held { items, expires_at, asked } => {
            let asked = asked.saturating_add(1);
            let to = State::Held { items: items.clone(), expires_at: *expires_at, asked };
            let decision = Decision::to(to, Outcome::Started)
                .note(format!("hold expired, question {asked}"))
                .emit(InventoryHoldExpired { asked })
                .arm(InventoryTimer::Hold, policy.ask_again_after(asked));
            if asked >= policy.asks_before_alarm {
                decision.alarm(format!("the order has not answered {asked} questions about its hold"))
            } else {
                decision
            }
        }
        State::Unknown | State::Committed { .. } | State::Released { .. } | State::Rejected { .. } => {
            Decision::ignored(state.clone(), format!("nothing is held: {}", state.status()))
        }
    }
}

fn moved(movement: Movement, items: Vec<HeldLine>) -> Effect {
    Effect::Stock(StockChange { movement, items })
}

fn units(items: &[HeldLine]) -> u64 {
    items.iter().map(|line| u64::from(line.quantity)).sum()
}

fn after(at: DateTime<Utc>, wait: std::time::Duration) -> DateTime<Utc> {
    TimeDelta::from_std(wait)
        .ok()
        .and_then(|wait| at.checked_add_signed(wait))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}
