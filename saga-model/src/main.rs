//! `make model`: explores the scenarios, then lets every planted fault be caught.
//!
//! `saga-model`: what a day has time for. `saga-model night`: everything. `saga-model NAME`: the
//! scenarios whose name contains NAME, and the faults that are planted in them.

use std::{process::ExitCode, time::Instant};

use saga_model::{END_CAN_BE_REACHED, Mutant, SCENARIOS, Scenario, check, check_ends, hunt};

/// Above this many states the search for a way to the end is left to the night: it visits them all
/// a second time, and `make model` should take less than two minutes on two cores.
const STATES_BY_DAY_MAX: usize = 1_000_000;

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let is_wanted = |name: &str| match wanted.as_str() {
        "" => !name.starts_with("night: "),
        "night" => true,
        part => name.contains(part),
    };
    let explored = explore(is_wanted, if wanted.is_empty() { STATES_BY_DAY_MAX } else { usize::MAX });
    let caught = catch(is_wanted);
    if explored && caught { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether every property held, and everything that must be possible was reached.
fn explore(is_wanted: impl Fn(&str) -> bool, ends_up_to: usize) -> bool {
    println!(
        "{:<17} {:>10} {:>6} {:>8}  {:<11} what",
        "scenario", "states", "depth", "seconds", "way to end"
    );
    let (mut states, mut good, began) = (0, true, Instant::now());
    for scenario in SCENARIOS.iter().filter(|scenario| is_wanted(scenario.name)) {
        let began = Instant::now();
        let mut explored = check(*scenario);
        let way_to_end = if explored.states > ends_up_to {
            "by night"
        } else if let Err(found) = check_ends(*scenario, None) {
            let lost = format!("from {} states not", found.without_end);
            explored.findings.push(format!("broken: {END_CAN_BE_REACHED}: {lost}\n{}", found.story));
            "NOT ALWAYS"
        } else {
            "always"
        };
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "{:<17} {:>10} {:>6} {seconds:>8.1}  {way_to_end:<11} {}",
            scenario.name, explored.states, explored.depth, scenario.what,
        );
        for finding in &explored.findings {
            println!("\n  {finding}");
        }
        states += explored.states;
        good &= explored.findings.is_empty();
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{:<17} {states:>10} {:>6} {seconds:>8.1}  every state was visited\n", "all", "");
    good
}

/// Whether every planted fault was caught.
fn catch(is_wanted: impl Fn(&str) -> bool) -> bool {
    let planted: Vec<_> = Mutant::ALL.iter().filter(|mutant| is_wanted(mutant.scenario())).collect();
    let mut caught_in_all = 0;
    for mutant in &planted {
        let (what, place) = (mutant.what(), mutant.scenario());
        match Scenario::named(place).and_then(|scenario| hunt(**mutant, scenario)) {
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
