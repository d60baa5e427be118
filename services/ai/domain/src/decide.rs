//! The rule: one input, one decision.

use chrono::{DateTime, Utc};
use shared_events::{
    Decision, Envelope, Event, EventType, Outcome, Rejection,
    events::{
        fraud::{FraudAssessed, FraudReviewed, Ruling, Verdict},
        order::{OrderOutcome, OrderPlaced},
    },
};

use crate::{
    Closing, Features, Input, Memory, Policy, Review, ReviewCommand, ReviewDecision, ReviewStatus,
    ReviewTimer, State,
};

/// Who decides when nobody did.
const DEADLINE: &str = "deadline";

/// A decision about one order.
pub type FraudDecision = Decision<State, (), ReviewTimer>;

/// Whether the AI service reacts to events of that type; equals the catalogue.
#[must_use]
pub fn handles(event_type: EventType) -> bool {
    match event_type {
        EventType::OrderPlaced
        | EventType::PaymentFailed
        | EventType::OrderConfirmed
        | EventType::OrderCancelled
        | EventType::OrderFailed
        | EventType::OrderCompleted => true,
        EventType::InventoryReserveRequested
        | EventType::InventoryReserved
        | EventType::InventoryReserveFailed
        | EventType::InventoryHoldExpired
        | EventType::InventoryReleased
        | EventType::FraudAssessed
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
        | EventType::InventoryStockAdjusted
        | EventType::NotificationSent
        | EventType::NotificationFailed => false,
    }
}

/// Decides. Total: every input has a decision in every state. A person's decision that [`rule`]
/// would refuse is ignored here.
pub fn decide(
    policy: &Policy,
    memory: &Memory,
    state: &State,
    input: &Input,
    at: DateTime<Utc>,
) -> FraudDecision {
    match input {
        Input::Event(envelope) => heard(policy, memory, state, envelope, at),
        Input::Timer(ReviewTimer::Review) => deadline(policy, state, at),
        Input::Review(command) => rule(state, command, at)
            .unwrap_or_else(|refused| Decision::ignored(state.clone(), refused.detail)),
    }
}

/// Which of our events are the current answer when `asked` comes again (rule 8): only `order.placed`
/// asks us anything.
#[must_use]
pub fn answers(state: &State, asked: EventType) -> Vec<EventType> {
    if asked != EventType::OrderPlaced || state.assessment.is_none() {
        return Vec::new();
    }
    let reviewed = state.review.as_ref().is_some_and(|review| review.decision.is_some());
    let mut answers = vec![EventType::FraudAssessed];
    answers.extend(reviewed.then_some(EventType::FraudReviewed));
    answers
}

fn heard(
    policy: &Policy,
    memory: &Memory,
    state: &State,
    envelope: &Envelope,
    at: DateTime<Utc>,
) -> FraudDecision {
    let mut after = state.clone();
    match &envelope.event {
        Event::OrderPlaced(order) => return placed(policy, memory, state, envelope, order, at),
        Event::PaymentFailed(failed) if !is_of_the_instrument(&failed.code) => {
            return Decision::ignored(after, format!("{} says nothing about the customer", failed.code));
        }
        Event::PaymentFailed(_) => after.happened.payment_failed = true,
        Event::OrderConfirmed(_) => after.happened.confirmed = true,
        Event::OrderCancelled(_) | Event::OrderFailed(_) => return died(after),
        Event::OrderCompleted(completed) => match completed.outcome {
            OrderOutcome::Delivered => after.happened.delivered = true,
            OrderOutcome::Failed | OrderOutcome::Cancelled => return died(after),
        },
        Event::InventoryReserveRequested(_)
        | Event::InventoryReserved(_)
        | Event::InventoryReserveFailed(_)
        | Event::InventoryHoldExpired(_)
        | Event::InventoryReleased(_)
        | Event::FraudAssessed(_)
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
        | Event::InventoryStockAdjusted(_)
        | Event::NotificationSent(_)
        | Event::NotificationFailed(_) => {
            return Decision::ignored(after, "says nothing about fraud");
        }
    }
    if after == *state {
        return Decision::ignored(after, "was known already");
    }
    if is_open(&after) && after.happened.is_charged() {
        return Decision::to(after, Outcome::Completed)
            .note("the money is captured; the review stays open as a case for a person");
    }
    Decision::to(after, Outcome::Completed).note("remembered for the customer's later orders")
}

/// Whether a failed payment is the customer's attempt: not when the gateway was away, and not when
/// fraud assessment was the reason, which would feed on itself.
fn is_of_the_instrument(code: &str) -> bool {
    !code.starts_with("gateway_") && !code.starts_with("fraud_")
}

fn placed(
    policy: &Policy,
    memory: &Memory,
    state: &State,
    envelope: &Envelope,
    order: &OrderPlaced,
    at: DateTime<Utc>,
) -> FraudDecision {
    if state.assessment.is_some() {
        return Decision::ignored(state.clone(), "is assessed already; a score is never changed");
    }
    let features = Features::of(order, envelope.timestamp);
    let history = memory.history(envelope.order_id(), &features);
    let assessment = policy.scorecard.assess(&features, &history, at);
    let (score, verdict) = (assessment.score, assessment.verdict);
    let review_until = (verdict == Verdict::Review).then(|| at + policy.review_for);
    let said = FraudAssessed {
        score,
        verdict,
        reasons: assessment.sentences(),
        model_version: assessment.model_version.clone(),
        review_until,
    };
    // Nobody has to decide about an order that died before it was scored.
    let closed_because = state.happened.died.then_some(Closing::OrderDied);
    let status = if closed_because.is_some() { ReviewStatus::Closed } else { ReviewStatus::Open };
    let after = State {
        placed: Some(features),
        assessment: Some(assessment),
        review: review_until.map(|until| Review { status, until, decision: None, closed_because }),
        ..state.clone()
    };
    let (outcome, word) = match verdict {
        Verdict::Approve => (Outcome::Completed, "approve"),
        Verdict::Review => (Outcome::Started, "review"),
        Verdict::Reject => (Outcome::Failed, "reject"),
    };
    let waits = is_open(&after);
    let decision = Decision::to(after, outcome).note(format!("score {score}: {word}")).emit(said);
    if waits { decision.arm(ReviewTimer::Review, policy.review_for) } else { decision }
}

/// The order will not happen: an open review is closed, and nothing is said about it.
fn died(mut after: State) -> FraudDecision {
    let (waits, known) = (is_open(&after), after.happened.died);
    after.happened.died = true;
    if waits {
        return Decision::to(closed(after, Closing::OrderDied), Outcome::Completed)
            .note("the order died: nobody has to decide any more")
            .disarm(ReviewTimer::Review);
    }
    if known {
        return Decision::ignored(after, "was known already");
    }
    Decision::to(after, Outcome::Completed).note("the order died")
}

fn deadline(policy: &Policy, state: &State, at: DateTime<Utc>) -> FraudDecision {
    if !is_open(state) {
        return Decision::ignored(state.clone(), "no review is open");
    }
    // Rule 9: after charging began a verdict changes nothing. What a person concludes is worth
    // hearing all the same; that nobody looked is not.
    if state.happened.is_charged() {
        return Decision::to(closed(state.clone(), Closing::OrderConfirmed), Outcome::Completed)
            .note("nobody decided, and the order was confirmed meanwhile: closes without a verdict");
    }
    let decision = ReviewDecision {
        verdict: policy.deadline_verdict,
        decided_by: DEADLINE.to_owned(),
        decided_at: at,
        note: None,
    };
    decided(state, decision)
}

/// A person decides an open review. The same decision a second time changes nothing.
///
/// # Errors
/// When no review is open and none was decided like this.
pub fn rule(state: &State, command: &ReviewCommand, at: DateTime<Utc>) -> Result<FraudDecision, Rejection> {
    let Some(review) = &state.review else {
        return Err(Rejection::new("not_under_review", "This order is not under review."));
    };
    match (review.status, &review.decision) {
        (ReviewStatus::Open, _) => {
            let decision = ReviewDecision {
                verdict: command.verdict,
                decided_by: command.reviewer.clone(),
                decided_at: at,
                note: command.note.clone(),
            };
            Ok(decided(state, decision).disarm(ReviewTimer::Review))
        }
        (_, Some(first)) if first.verdict == command.verdict => {
            Ok(Decision::ignored(state.clone(), format!("was decided by {} already", first.decided_by)))
        }
        (_, Some(first)) => Err(Rejection::new(
            "already_decided",
            format!("{} decided otherwise already: {}.", first.decided_by, word(first.verdict)),
        )),
        (_, None) => Err(Rejection::new("review_closed", closing_sentence(review.closed_because))),
    }
}

const fn closing_sentence(why: Option<Closing>) -> &'static str {
    match why {
        Some(Closing::OrderConfirmed) => {
            "Nobody decided in time, and the order was confirmed meanwhile; the review is closed."
        }
        Some(Closing::OrderDied) | None => {
            "The order ended before anybody decided; there is nothing to review any more."
        }
    }
}

/// Without a decision, and for good.
fn closed(mut state: State, why: Closing) -> State {
    if let Some(review) = &mut state.review {
        review.status = ReviewStatus::Closed;
        review.closed_because = Some(why);
    }
    state
}

fn decided(state: &State, decision: ReviewDecision) -> FraudDecision {
    let said = FraudReviewed { verdict: decision.verdict, decided_by: decision.decided_by.clone() };
    let outcome = match decision.verdict {
        Ruling::Approve => Outcome::Completed,
        Ruling::Reject => Outcome::Failed,
    };
    let note = format!("{} decided: {}", decision.decided_by, word(decision.verdict));
    let mut after = state.clone();
    if let Some(review) = &mut after.review {
        review.status = ReviewStatus::Decided;
        review.decision = Some(decision);
    }
    Decision::to(after, outcome).note(note).emit(said)
}

fn is_open(state: &State) -> bool {
    state.review.as_ref().is_some_and(|review| review.status == ReviewStatus::Open)
}

const fn word(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Approve => "approve",
        Ruling::Reject => "reject",
    }
}
