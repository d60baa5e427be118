//! The small scenarios and the planted faults; the rest is `make model`.

use saga_model::{Mutant, SagaModel, Scenario, check, check_ends, hunt, story};

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
        let explored = check(scenario(name));
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
        assert_eq!(caught.actions.len(), caught.steps);
    }
}

#[test]
fn a_property_that_no_rule_can_reach_is_a_finding() {
    // Inventory may ask about its hold, but its deadline never passes.
    let mut deaf = scenario("outcomes");
    deaf.budget.questions = 1;
    let explored = check(deaf);
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
    assert!(world.is_made_good() && !world.stock.holds, "{world:?}");
}

#[test]
fn the_same_story_without_a_tombstone_holds_stock_for_ever() {
    let model = SagaModel::new(scenario("cancel"), Some(Mutant::NoTombstone));
    let world = story::replay(&model, &RELEASE_OVERTAKES_RESERVE).unwrap();
    assert!(world.is_made_good() && world.stock.holds, "{world:?}");
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
