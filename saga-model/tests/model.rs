//! The small scenarios and the planted faults; the rest is `make model`.

use std::time::Duration;

use saga_model::{
    Bounds, Mutant, PairModel, SagaModel, Scenario, WILD, Walked, check, check_ends, check_nearest, hunt,
    story, walk,
};

/// Those with fewer than 100,000 states.
const SMALL: [&str; 6] = ["outcomes", "deadlines", "crash", "giving up", "gate, closed", "observe, reject"];

/// Their shortest way to damage is long, or leads through a large scenario.
const SLOW: [Mutant; 2] = [Mutant::ReviewOverwritesDecision, Mutant::StuckForGood];

fn scenario(name: &str) -> Scenario {
    Scenario::named(name).expect("a scenario of that name")
}

#[test]
fn every_state_of_the_small_scenarios_keeps_the_invariants() {
    for name in SMALL {
        let explored = check(scenario(name), None);
        assert!(explored.findings.is_empty(), "{name}: {}", explored.findings.join("\n"));
        // A model that hardly moves would keep everything.
        assert!(explored.states > 10_000, "{name}: {} states", explored.states);
    }
}

#[test]
fn from_every_state_of_the_small_scenarios_there_is_a_way_to_the_end() {
    for name in SMALL {
        let states =
            check_ends(scenario(name), None).unwrap_or_else(|found| panic!("{name}: {}", found.story));
        assert!(states > 10_000, "{name}: {states} states");
    }
}

#[test]
fn every_planted_fault_is_caught_by_the_property_it_breaks() {
    for mutant in Mutant::ALL.iter().filter(|mutant| !SLOW.contains(mutant)) {
        let caught = hunt(*mutant, scenario(mutant.scenario()));
        let caught = caught.unwrap_or_else(|| panic!("nobody noticed:{}", mutant.what()));
        assert!(caught.property.starts_with(mutant.breaks()));
        assert!(caught.story.contains(&format!("{:>4}. ", caught.steps)), "{}", caught.story);
    }
}

#[test]
fn of_two_orders_for_the_last_unit_exactly_one_gets_it() {
    // Without the cancellation, which `make model` adds.
    let mut last_unit = scenario("last unit");
    last_unit.budget.cancels = 0;
    let explored = check(last_unit, None);
    // Only a cancellation leads there.
    let missed = [
        "never reached: the first order comes back from its confirmation, and the second one gets the piece",
        "never reached: the first order ends before its request arrives, and the second one gets the piece",
    ];
    let others: Vec<_> =
        explored.findings.iter().filter(|finding| !missed.contains(&finding.as_str())).collect();
    assert!(others.is_empty(), "{others:?}");
    assert!(explored.states > 10_000, "{} states", explored.states);
}

#[test]
fn a_look_at_the_shelf_that_misses_the_other_order_is_harmless_to_one_order() {
    for mutant in [Mutant::OthersHoldUnseen, Mutant::OthersTookUnseen] {
        for name in ["outcomes", "crash", "gate, closed"] {
            let explored = check(scenario(name), Some(mutant));
            assert!(explored.findings.is_empty(), "{mutant:?} in {name}: {}", explored.findings.join("\n"));
            assert!(explored.states > 10_000, "{name}: {} states", explored.states);
        }
    }
}

const SOLD_TWICE: [&str; 2] = [
    "A: inventory hears inventory.reserve.requested → inventory.reserved",
    "B: inventory hears inventory.reserve.requested → inventory.reserved",
];

#[test]
fn the_piece_that_one_order_holds_is_refused_to_the_other() {
    let last_unit = scenario("last unit");
    let careless = PairModel::new(last_unit, Some(Mutant::OthersHoldUnseen));
    let pair = story::replay(&careless, &SOLD_TWICE).unwrap();
    assert!(pair.orders.iter().all(|order| order.stock.holds()), "{pair:?}");

    let refused = "B: inventory hears inventory.reserve.requested → inventory.reserve.failed";
    let pair = story::replay(&PairModel::new(last_unit, None), &[SOLD_TWICE[0], refused]).unwrap();
    assert_eq!(pair.orders.map(|order| order.stock.holds()), [true, false]);
}

fn walks(seed: u64, walks: u64) -> Bounds {
    Bounds { seed, walks, time: Duration::from_secs(600) }
}

#[test]
fn walks_at_random_keep_the_invariants() {
    for wild in WILD {
        let walked = walk(*wild, None, walks(1, 400), |_, _| ());
        assert!(walked.broken.is_none(), "{}: {:?}", wild.name, walked.broken);
        assert!(walked.walks == 400 && walked.steps > 4_000, "{}: {} steps", wild.name, walked.steps);
        let nearest = check_nearest(*wild, 5_000);
        assert!(nearest.findings.is_empty(), "{}: {}", wild.name, nearest.findings.join("\n"));
        assert!(nearest.states == 5_000 && nearest.depth >= 2, "{}: {}", wild.name, nearest.depth);
    }
}

#[test]
fn a_walk_that_breaks_something_is_found_again_by_its_seed() {
    let planted = [
        (Mutant::NoTombstone, "wild: everything"),
        (Mutant::SilenceIsFailure, "wild: late and lost"),
        (Mutant::OthersTookUnseen, "wild: last unit"),
        // Where payment may not give up asking: what it breaks is that there is a way to the end.
        (Mutant::AsksForEver, "outcomes"),
    ];
    for (mutant, name) in planted {
        let found = |bounds| -> Walked { walk(scenario(name), Some(mutant), bounds, |_, _| ()) };
        let first = found(walks(1, 100_000)).broken.unwrap_or_else(|| panic!("nobody noticed {mutant:?}"));
        let again = found(walks(first.seed, 1)).broken.expect("the same walk breaks the same");
        assert_eq!((first.property, first.story), (again.property, again.story), "{mutant:?}");
    }
}

#[test]
fn a_property_that_no_rule_can_reach_is_a_finding() {
    // Inventory may ask about its hold, but its deadline never passes.
    let mut deaf = scenario("outcomes");
    deaf.budget.questions = 1;
    let explored = check(deaf, None);
    let missed = "never reached: inventory asks about a hold, and the order is delivered";
    assert_eq!(explored.findings, [missed]);
}

/// The shortest story of `Mutant::NoTombstone`, as the checker tells it.
const RELEASE_OVERTAKES_RESERVE: [&str; 6] = [
    "order is asked to cancel → order.cancelled",
    "inventory hears order.cancelled → inventory.released",
    "order hears inventory.released",
    "inventory hears inventory.reserve.requested",
    "payment hears order.cancelled → payment.voided",
    "order hears payment.voided → order.completed",
];

#[test]
fn a_reserve_that_comes_after_its_release_holds_nothing() {
    let model = SagaModel::new(scenario("cancel"), None);
    let world = story::replay(&model, &RELEASE_OVERTAKES_RESERVE).unwrap();
    assert!(world.is_made_good() && !world.stock.holds(), "{world:?}");
}

#[test]
fn the_same_story_without_a_tombstone_holds_stock_for_ever() {
    let model = SagaModel::new(scenario("cancel"), Some(Mutant::NoTombstone));
    let world = story::replay(&model, &RELEASE_OVERTAKES_RESERVE).unwrap();
    assert!(world.is_made_good() && world.stock.holds(), "{world:?}");
}

/// The shortest story of `Mutant::NoVoid` up to the void: two charges vanish from sight.
const CHARGES_NOBODY_SAW: [&str; 11] = [
    "inventory hears inventory.reserve.requested → inventory.reserved",
    "payment hears order.placed",
    "payment hears inventory.reserved → payment.requested → calls Charge",
    "payment gets no answer to Charge",
    "payment timer ask → calls AskGateway",
    "gateway gets the call AskGateway: NoSuchCharge",
    "payment is answered NoSuchCharge → calls Charge",
    "payment gets no answer to Charge",
    "payment timer ask → calls AskGateway",
    "gateway gets the call AskGateway: NoSuchCharge",
    "payment is answered NoSuchCharge → calls Void",
];

#[test]
fn a_charge_that_arrives_after_its_void_captures_nothing() {
    let model = SagaModel::new(scenario("outcomes"), None);
    let late =
        ["gateway gets the call Void: Voided", "gateway gets the call Charge, late, nobody hears it: Voided"];
    let steps = [&CHARGES_NOBODY_SAW[..], &late].concat();
    let world = story::replay(&model, &steps).unwrap();
    assert_eq!(world.outside.captures(), 0);
}

#[test]
fn a_step_that_cannot_happen_is_not_replayed() {
    let model = SagaModel::new(scenario("outcomes"), None);
    let refused = story::replay(&model, &["shipping hears order.confirmed"]).unwrap_err();
    assert!(refused.starts_with("`shipping hears order.confirmed` cannot happen"), "{refused}");
}
