//! `make model`: explores the scenarios, then lets every planted fault be caught. `make model-night`:
//! more of it, and at random what is too large to be explored.

mod arguments;

use std::{
    collections::BTreeMap,
    process::ExitCode,
    time::{Duration, Instant},
};

use arguments::{Arguments, Part, USAGE};
use saga_model::{
    Bounds, END_CAN_BE_REACHED, Explored, Mutant, SCENARIOS, Scenario, WILD, Walked, check, check_ends,
    check_nearest, hunt, walk,
};

/// Above this many states the search for a way to the end is left to the night: it visits them all
/// a second time, and `make model` should take less than two minutes on two cores.
const STATES_BY_DAY_MAX: usize = 1_000_000;

fn main() -> ExitCode {
    let Arguments { part, bounds, states } = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error:#}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let is_wanted = |name: &str| match &part {
        Part::Day => !name.starts_with("night: "),
        Part::Night => true,
        Part::Walk => false,
        Part::Named(part) => name.contains(part.as_str()),
    };
    let is_walked = |name: &str| match &part {
        Part::Day => false,
        Part::Night | Part::Walk => true,
        Part::Named(part) => name.contains(part.as_str()),
    };
    let ends_up_to = if part == Part::Day { STATES_BY_DAY_MAX } else { usize::MAX };
    let explored: Vec<_> = SCENARIOS.iter().filter(|scenario| is_wanted(scenario.name)).copied().collect();
    let planted: Vec<_> = Mutant::ALL.iter().filter(|mutant| is_wanted(mutant.scenario())).copied().collect();
    let wild: Vec<_> = WILD.iter().filter(|scenario| is_walked(scenario.name)).copied().collect();
    if explored.is_empty() && wild.is_empty() {
        eprintln!("no scenario has a name like that\n\n{USAGE}");
        return ExitCode::from(2);
    }
    let mut good = true;
    if !explored.is_empty() {
        good &= explore(&explored, ends_up_to);
    }
    if !planted.is_empty() {
        good &= catch(&planted);
    }
    if !wild.is_empty() {
        good &= states == 0 || go_deep(&wild, states);
        good &= go_wild(&wild, bounds);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether every property held, and everything that must be possible was reached.
fn explore(scenarios: &[Scenario], ends_up_to: usize) -> bool {
    headline("way to end");
    let (mut states, mut good, began) = (0, true, Instant::now());
    // By name: in how many scenarios it held, or was reached.
    let (mut held, mut reached) = (BTreeMap::new(), BTreeMap::new());
    for scenario in scenarios {
        let began = Instant::now();
        let mut explored = check(*scenario, None);
        let way_to_end = if explored.states > ends_up_to {
            "by night"
        } else if let Err(found) = check_ends(*scenario, None) {
            let lost = format!("from {} states not", found.without_end);
            explored.findings.push(format!("broken: {END_CAN_BE_REACHED}: {lost}\n{}", found.story));
            "NOT ALWAYS"
        } else {
            explored.held.push(END_CAN_BE_REACHED);
            "always"
        };
        line(scenario, &explored, began.elapsed(), way_to_end);
        for finding in &explored.findings {
            println!("\n  {finding}");
        }
        states += explored.states;
        good &= explored.findings.is_empty();
        explored.held.iter().for_each(|name| *held.entry(*name).or_insert(0) += 1);
        explored.reached.iter().for_each(|name| *reached.entry(*name).or_insert(0) += 1);
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{:<18} {states:>10} {:>6} {seconds:>8.1}  every state was visited\n", "all", "");
    list("held in every state of so many scenarios:", &held);
    list("possible, and reached in so many scenarios:", &reached);
    good
}

fn headline(way_to_end: &str) {
    println!("{:<18} {:>10} {:>6} {:>8}  {way_to_end:<11} what", "scenario", "states", "depth", "seconds");
}

fn line(scenario: &Scenario, explored: &Explored, took: Duration, way_to_end: &str) {
    let seconds = took.as_secs_f64();
    let (Scenario { name, what, .. }, Explored { states, depth, .. }) = (scenario, explored);
    println!("{name:<18} {states:>10} {depth:>6} {seconds:>8.1}  {way_to_end:<11} {what}");
}

fn list(title: &str, names: &BTreeMap<&str, usize>) {
    println!("{title}");
    for (name, scenarios) in names {
        println!("{scenarios:>4}  {name}");
    }
    println!();
}

/// Whether every planted fault was caught.
fn catch(planted: &[Mutant]) -> bool {
    let mut caught_in_all = 0;
    for mutant in planted {
        let (what, place) = (mutant.what(), mutant.scenario());
        match Scenario::named(place).and_then(|scenario| hunt(*mutant, scenario)) {
            Some(caught) => {
                caught_in_all += 1;
                println!(
                    "planted:{what} In \"{place}\" it breaks \"{}\" after {} steps ({} states, {:.1} s):\n{}",
                    caught.property,
                    caught.steps,
                    caught.states,
                    caught.took.as_secs_f64(),
                    caught.story,
                );
            }
            None => println!("planted:{what} In \"{place}\" NOBODY NOTICED.\n"),
        }
    }
    println!("{caught_in_all} of {} planted faults were caught", planted.len());
    caught_in_all == planted.len()
}

/// Whether every property held in the nearest states, so many of each scenario.
fn go_deep(scenarios: &[Scenario], states: usize) -> bool {
    println!(
        "\nToo large to be explored to the end: the nearest {states} states, all of them up to a depth."
    );
    headline("");
    let mut good = true;
    for scenario in scenarios {
        let explored = check_nearest(*scenario, states);
        line(scenario, &explored, explored.took, "");
        for finding in &explored.findings {
            println!("\n  {finding}");
        }
        good &= explored.findings.is_empty();
    }
    good
}

/// Whether no walk broke anything, and everything that must be possible was met.
fn go_wild(scenarios: &[Scenario], bounds: Bounds) -> bool {
    let Bounds { seed, time, .. } = bounds;
    println!("\nThe same, walking at random: {} s each, the first walk with --seed {seed}.", time.as_secs());
    println!("{:<18} {:>8} {:>10} {:>12} {:>10}", "scenario", "seconds", "walks", "steps", "ended");
    let row = |name: &str, walked: &Walked, took: Duration| {
        let Walked { walks, steps, ended, .. } = walked;
        println!("{name:<18} {:>8.1} {walks:>10} {steps:>12} {ended:>10}", took.as_secs_f64());
    };
    let mut good = true;
    for scenario in scenarios {
        let began = Instant::now();
        let walked = walk(*scenario, None, bounds, |so_far, took| row("", so_far, took));
        row(scenario.name, &walked, began.elapsed());
        // Who asks for a few walks wants to see just those.
        let missed: &[_] = if bounds.walks == u64::MAX { &walked.missed } else { &[] };
        for name in missed {
            println!("\n  never met: {name}");
        }
        if let Some(broken) = &walked.broken {
            let again =
                format!("saga-model \"{}\" --seed {} --walks 1 --states 0", scenario.name, broken.seed);
            println!("\n  broken: {}\n{}  again: {again}\n", broken.property, broken.story);
        }
        good &= missed.is_empty() && walked.broken.is_none();
    }
    good
}
