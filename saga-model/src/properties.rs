//! The invariants of the choreography in its own numbers and words, and what must be possible.
//!
//! Of its nine, number 7 (every event of an outbox is published) is a premise here, and so is the
//! saga log by which number 9 holds; some scenarios let the log forget an event. What several orders
//! do to one product is not seen by one order.

use order_domain::{Cancel, Compensation, Progress};
use payment_domain::FraudMode;
use shared_events::{EventType, events::fraud::Verdict};
use stateright::Property;

use crate::{
    model::SagaModel,
    outside::{Booking, Charge},
    scenario::Scenario,
    world::World,
};

type Always = (&'static str, fn(&SagaModel, &World) -> bool);

/// What holds in every state of every scenario.
pub const ALWAYS: &[Always] = &[
    ("1: stock is never negative and always adds up", |_, world| !world.stock.unbalanced),
    ("2: captured at most the total, refunded at most the captured", |_, world| {
        world.outside.captures() <= 1 && world.outside.refunds() <= world.outside.captures()
    }),
    ("3a: a confirmed order is paid", |_, world| {
        !world.is_confirmed() || matches!(world.outside.charge, Charge::Captured)
    }),
    ("3b: a dead order that is made good keeps no money", |_, world| {
        !world.is_made_good() || world.outside.captures() == world.outside.refunds()
    }),
    ("3c: a confirmed order is held", |_, world| !world.is_confirmed() || world.stock.holds),
    ("4: a dead order that is made good holds no stock", |_, world| {
        !world.is_made_good() || !world.stock.holds
    }),
    ("5: never two charges", |_, world| matches!(world.outside.second_charge, Charge::Fresh)),
    ("6: nothing of a dead order is handed over", |_, world| {
        !world.is_dead() || !world.outside.handed_over()
    }),
    ("rule 3: every account is closed once", |_, world| !world.said_twice),
    ("rule 5: a dead order stays dead", |_, world| {
        let ended = world.types.has(EventType::OrderFailed) || world.types.has(EventType::OrderCancelled);
        !ended || world.is_dead()
    }),
    ("rule 9: in gate mode a rejected order is not charged", |model, world| {
        let rejecting = matches!(model.scenario.fraud, Some((FraudMode::Gate, _, Verdict::Reject)));
        !rejecting || model.scenario.deadlines || matches!(world.outside.charge, Charge::Fresh)
    }),
    ("8a: at rest every order is delivered, made good, or stuck by the gateway's word", |model, world| {
        is_an_end(world) || !model.is_at_rest(world)
    }),
    ("8b: what is stuck names what is missing", |_, world| {
        world.order.compensation != Compensation::Stuck || world.order.names_missing
    }),
    ("8c: at rest nobody waits for an answer to a cancellation", |model, world| {
        world.order.cancel != Cancel::Requested || !model.is_at_rest(world)
    }),
];

/// Whether nothing more is to be expected, unless from an operator.
pub(crate) fn is_an_end(world: &World) -> bool {
    world.order.progress == Progress::Delivered || world.is_made_good() || is_stuck_with_reason(world)
}

/// A refund that the gateway refuses, or a charge it says nothing about: a person must act.
fn is_stuck_with_reason(world: &World) -> bool {
    use payment_domain::Status;
    world.is_dead()
        && world.order.compensation == Compensation::Stuck
        && matches!(world.payment, Status::RefundStuck | Status::Unresolved)
}

type Sometimes = (&'static str, fn(&Scenario) -> bool, fn(&SagaModel, &World) -> bool);

/// What must be reachable, in the scenarios that allow for it: a model that goes nowhere proves
/// nothing.
pub const SOMETIMES: &[Sometimes] = &[
    ("an order is delivered", |s| !is_rejecting(s), |_, world| world.order.progress == Progress::Delivered),
    (
        "stock is missing, and the order is made good",
        |_| true,
        |_, world| world.is_made_good() && world.types.has(EventType::InventoryReserveFailed),
    ),
    (
        "a charge is declined, and the order is made good",
        |s| !is_rejecting(s),
        |_, world| world.is_made_good() && world.outside.charge == Charge::Declined,
    ),
    (
        "the carrier refuses, and the money goes back",
        |s| !is_rejecting(s),
        |_, world| {
            world.is_made_good() && world.outside.booking == Booking::Refused && world.outside.refunds() == 1
        },
    ),
    (
        "an unanswered charge is voided",
        |s| s.silence && !is_rejecting(s),
        |_, world| world.outside.charge == Charge::Voided && world.is_made_good(),
    ),
    (
        "a refund is refused, and the order is stuck",
        |s| s.refund_refused && !is_rejecting(s),
        |_, world| is_stuck_with_reason(world) && world.payment == payment_domain::Status::RefundStuck,
    ),
    (
        "a cancellation in time is made good",
        |s| s.budget.cancels > 0,
        |_, world| world.is_made_good() && world.order.progress == Progress::Cancelled,
    ),
    ("a release overtakes its reserve", dies_early, |_, world| {
        world.is_made_good() && !world.types.has(EventType::InventoryReserved) && {
            !world.types.has(EventType::InventoryReserveFailed)
        }
    }),
    ("a late capture goes back", dies_early, |_, world| {
        world.is_made_good() && world.outside.refunds() == 1 && !world.types.has(EventType::OrderConfirmed)
    }),
    ("a cancellation after confirmation is made good", cancels, |_, world| {
        world.is_made_good() && world.types.has(EventType::OrderCancelRequested)
    }),
    ("a cancellation overtakes the confirmation at shipping", cancels, |_, world| {
        world.types.has(EventType::ShippingCancelled) && world.outside.booking == Booking::Fresh
    }),
    ("a cancellation comes too late", cancels, |_, world| {
        world.order.cancel == Cancel::Rejected && world.order.progress == Progress::Delivered
    }),
    ("a committed reservation is given back", cancels, |_, world| {
        world.is_made_good() && world.types.has(EventType::ShippingCancelled)
    }),
    (
        "a deadline ends an order",
        |s| s.deadlines,
        |_, world| world.is_made_good() && world.order.progress == Progress::Failed,
    ),
    ("a review is approved, and the order delivered", reviews, |_, world| {
        world.order.progress == Progress::Delivered && world.review == Some(ai_domain::ReviewStatus::Decided)
    }),
    (
        "a review rejects the order before it is charged",
        |s| reviews(s) && gates(s),
        |_, world| {
            world.is_made_good()
                && world.types.has(EventType::FraudReviewed)
                && world.types.has(EventType::PaymentFailed)
                && world.outside.charge == Charge::Fresh
        },
    ),
    ("a rejected order is made good without a charge", is_rejecting, |_, world| {
        world.is_made_good() && world.types.has(EventType::PaymentFailed)
    }),
    (
        "a crash is survived, and the order delivered",
        |s| s.budget.crashes > 0,
        |_, world| world.order.progress == Progress::Delivered && world.budget.crashes == 0,
    ),
    (
        "a lost event is healed, and the order delivered",
        |s| s.budget.losses > 0,
        |_, world| {
            world.order.progress == Progress::Delivered && world.budget.losses == 0 && world.lost.is_none()
        },
    ),
    (
        "a person finds out what became of a charge",
        |s| s.budget.operations > 0 && s.giving_up,
        |_, world| {
            world.is_made_good()
                && world.types.has(EventType::PaymentUnresolved)
                && world.budget.operations == 0
        },
    ),
    (
        "a person's retry of a refund makes the order good",
        |s| s.budget.operations > 0,
        |_, world| world.is_made_good() && world.types.has(EventType::PaymentRefundFailed),
    ),
    (
        "inventory asks about a hold, and the order is delivered",
        |s| s.budget.questions > 0 && !reviews(s),
        |_, world| {
            world.order.progress == Progress::Delivered && world.types.has(EventType::InventoryHoldExpired)
        },
    ),
];

fn cancels(scenario: &Scenario) -> bool {
    scenario.budget.cancels > 0 && !is_rejecting(scenario)
}

fn dies_early(scenario: &Scenario) -> bool {
    (scenario.budget.cancels > 0 || scenario.deadlines) && !is_rejecting(scenario)
}

fn reviews(scenario: &Scenario) -> bool {
    matches!(scenario.fraud, Some((_, _, Verdict::Review)))
}

fn gates(scenario: &Scenario) -> bool {
    matches!(scenario.fraud, Some((FraudMode::Gate, _, _)))
}

/// In gate mode, and without a deadline that would let the charge pass unassessed.
fn is_rejecting(scenario: &Scenario) -> bool {
    matches!(scenario.fraud, Some((FraudMode::Gate, _, Verdict::Reject)))
}

/// The properties of a scenario. A planted fault is only asked what it breaks.
pub(crate) fn all(scenario: &Scenario, is_mutant: bool) -> Vec<Property<SagaModel>> {
    let mut all: Vec<_> = ALWAYS.iter().map(|(name, holds)| Property::always(name, *holds)).collect();
    if !is_mutant {
        let possible = SOMETIMES.iter().filter(|(_, applies, _)| applies(scenario));
        all.extend(possible.map(|(name, _, reached)| Property::sometimes(name, *reached)));
    }
    all
}
