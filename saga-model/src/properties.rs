//! The invariants of the choreography by their own numbers and words, and what must be possible.
//!
//! Number 7 (what is in an outbox is published) is a premise here: what was said stays on its way
//! until it is heard. All is asked of every order; what only two orders can break is asked of two.

use order_domain::{Cancel, Compensation, Progress};
use payment_domain::FraudMode;
use shared_events::{EventType, events::fraud::Verdict};
use stateright::Property;

use crate::{
    cast::StockStanding,
    model::SagaModel,
    outside::{Booking, Charge},
    pair::{Pair, PairModel},
    scenario::Scenario,
    set::Set,
    world::World,
};

type Always = (&'static str, fn(&SagaModel, &World) -> bool);

/// What is on the shelf, held and committed, with all orders there are.
const STOCK: &str = "1: on_hand ≥ reserved ≥ 0, and initial = on_hand + committed";

/// What holds in every state of every scenario, for each order.
pub const ALWAYS: [Always; 14] = [
    ("2: captured money is at most the order total, and refunded money at most the captured", |_, world| {
        world.outside.captures() <= 1 && world.outside.refunds() <= world.outside.captures()
    }),
    ("3a: a confirmed, shipped or delivered order has captured = total", |_, world| {
        !world.is_confirmed() || matches!(world.outside.charge, Charge::Captured)
    }),
    ("3b: a failed or cancelled order with compensation complete has captured = refunded", |_, world| {
        !world.is_made_good() || world.outside.captures() == world.outside.refunds()
    }),
    ("3c: a confirmed, shipped or delivered order has its stock", |_, world| {
        !world.is_confirmed() || world.stock.holds()
    }),
    ("4: no failed or cancelled order with compensation complete holds or commits stock", |_, world| {
        !world.is_made_good() || !world.stock.holds()
    }),
    ("5: never two charges for one order", |_, world| matches!(world.outside.second_charge, Charge::Fresh)),
    ("6: nothing is handed to the carrier for an order that ended cancelled or failed", |_, world| {
        !world.is_dead() || !world.outside.handed_over()
    }),
    ("8a: every saga settles, or is stuck by the gateway's word", |model, world| {
        is_an_end(world) || !model.is_at_rest(world)
    }),
    ("8b: what is stuck names the missing event", |_, world| {
        world.order.compensation != Compensation::Stuck || world.order.names_missing
    }),
    ("8c: no cancellation waits for an answer that will not come", |model, world| {
        world.order.cancel != Cancel::Requested || !model.is_at_rest(world)
    }),
    ("9: a second delivery changes no state and creates no new event", |model, world| {
        model.second_deliveries_change_nothing(world)
    }),
    ("rule 3: every account is closed once", |_, world| !world.said_twice),
    ("rule 5: a final order never revives", |_, world| {
        let ended = world.types.has(EventType::OrderFailed) || world.types.has(EventType::OrderCancelled);
        !ended || world.is_dead()
    }),
    ("rule 9: in gate mode a rejected order is not charged", |model, world| {
        let rejecting = matches!(model.scenario.fraud, Some((FraudMode::Gate, _, Verdict::Reject)));
        !rejecting || model.scenario.deadlines || matches!(world.outside.charge, Charge::Fresh)
    }),
];

/// Besides, with one order.
const ALWAYS_ONE: [Always; 2] = [
    (STOCK, |_, world| adds_up(&[world.stock])),
    ("rule 10: nothing is refused that is on the shelf", |_, world| {
        !world.types.has(EventType::InventoryReserveFailed) || world.stock.initial == 0
    }),
];

type AlwaysPair = (&'static str, fn(&PairModel, &Pair) -> bool);

/// Besides, with two orders for the last piece.
const ALWAYS_PAIR: [AlwaysPair; 3] = [
    (STOCK, |_, pair| adds_up(&pair.orders.map(|world| world.stock))),
    ("rule 10: never do both orders have the last unit", |_, pair| {
        !pair.orders.iter().all(|world| world.stock.holds())
    }),
    ("rule 10: an order is refused only the unit that the other one got", |_, pair| {
        let [first, second] = pair.orders.map(|world| world.types);
        let lost_to = |one: Set<EventType>, other: Set<EventType>| {
            !one.has(EventType::InventoryReserveFailed) || other.has(EventType::InventoryReserved)
        };
        lost_to(first, second) && lost_to(second, first)
    }),
];

/// Whether the shelf's figures are those of these orders.
fn adds_up(orders: &[StockStanding]) -> bool {
    let held: i8 = orders.iter().map(|order| order.held).sum();
    let committed: i8 = orders.iter().map(|order| order.committed).sum();
    orders.iter().all(|shelf| {
        shelf.on_hand >= shelf.reserved
            && shelf.reserved >= 0
            && shelf.reserved == held
            && shelf.on_hand + committed == shelf.initial
    })
}

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

/// What must be reachable with two orders for the last piece.
pub const SOMETIMES_PAIR: [AlwaysPair; 5] = [
    ("one order is delivered, the other is refused and made good", |_, pair| {
        one_is_delivered(pair, |other| other.types.has(EventType::InventoryReserveFailed))
    }),
    ("the first order's charge is declined, and the second one gets the piece", |_, pair| {
        one_is_delivered(pair, |other| other.outside.charge == Charge::Declined)
    }),
    ("the first order comes back from its confirmation, and the second one gets the piece", |_, pair| {
        one_is_delivered(pair, |other| other.types.has(EventType::OrderConfirmed))
    }),
    ("the first order ends before its request arrives, and the second one gets the piece", |_, pair| {
        one_is_delivered(pair, |other| {
            !other.types.has(EventType::InventoryReserved)
                && !other.types.has(EventType::InventoryReserveFailed)
        })
    }),
    ("both orders are made good, and the piece is free again", |_, pair| {
        pair.orders.iter().all(World::is_made_good)
            && pair.orders[0].types.has(EventType::InventoryReserved)
            && pair.orders[0].stock.on_hand == 1
    }),
];

fn one_is_delivered(pair: &Pair, other: impl Fn(&World) -> bool) -> bool {
    let [first, second] = &pair.orders;
    let so = |one: &World, two: &World| {
        one.order.progress == Progress::Delivered && two.is_made_good() && other(two)
    };
    so(first, second) || so(second, first)
}

/// The properties of a scenario of one order. A planted fault is only asked what it breaks.
pub(crate) fn of_one(scenario: &Scenario, is_mutant: bool) -> Vec<Property<SagaModel>> {
    let always = ALWAYS.iter().chain(&ALWAYS_ONE);
    let mut all: Vec<_> = always.map(|(name, holds)| Property::always(name, *holds)).collect();
    if !is_mutant {
        let possible = SOMETIMES.iter().filter(|(_, applies, _)| applies(scenario));
        all.extend(possible.map(|(name, _, reached)| Property::sometimes(name, *reached)));
    }
    all
}

/// The properties of two orders: of each of them, and of both together.
pub(crate) fn of_pair(is_mutant: bool) -> Vec<Property<PairModel>> {
    let each = ALWAYS.iter().zip(of_each()).map(|((name, _), holds)| (*name, holds));
    let mut all: Vec<_> =
        each.chain(ALWAYS_PAIR).map(|(name, holds)| Property::always(name, holds)).collect();
    if !is_mutant {
        all.extend(SOMETIMES_PAIR.map(|(name, reached)| Property::sometimes(name, reached)));
    }
    all
}

/// [`ALWAYS`], asked of both orders. A property is a plain function, hence one for each place.
fn of_each() -> [fn(&PairModel, &Pair) -> bool; ALWAYS.len()] {
    fn each<const PLACE: usize>(model: &PairModel, pair: &Pair) -> bool {
        pair.orders.iter().all(|world| ALWAYS[PLACE].1(&model.each, world))
    }
    [
        each::<0>, each::<1>, each::<2>, each::<3>, each::<4>, each::<5>, each::<6>, each::<7>, each::<8>,
        each::<9>, each::<10>, each::<11>, each::<12>, each::<13>,
    ]
}
