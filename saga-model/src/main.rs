//! `make model`: explores every scenario, then lets every planted fault be caught.
//!
//! `saga-model NAME`: only scenarios whose name contains NAME, also those for the night, and the
//! faults that are planted in them. `make model-night` is `saga-model night`.

use std::process::ExitCode;

use saga_model::{Mutant, SCENARIOS, Scenario, check, hunt};

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let explored = explore(&wanted);
    let caught = catch(&wanted);
    if explored && caught { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether every property held, and everything that must be possible was reached.
fn explore(wanted: &str) -> bool {
    println!("{:<16} {:>10} {:>6} {:>8}  what", "scenario", "states", "depth", "seconds");
    let (mut states, mut seconds, mut good) = (0, 0.0, true);
    let is_wanted = |scenario: &&Scenario| {
        if wanted.is_empty() { !scenario.is_for_the_night() } else { scenario.name.contains(wanted) }
    };
    for scenario in SCENARIOS.iter().filter(is_wanted) {
        let explored = check(*scenario);
        states += explored.states;
        seconds += explored.took.as_secs_f64();
        good &= explored.findings.is_empty();
        println!(
            "{:<16} {:>10} {:>6} {:>8.1}  {}",
            scenario.name,
            explored.states,
            explored.depth,
            explored.took.as_secs_f64(),
            scenario.what,
        );
        for finding in &explored.findings {
            println!("\n  {finding}");
        }
    }
    println!(
        "{:<16} {states:>10} {:>6} {seconds:>8.1}  every state of each scenario was visited\n",
        "all", ""
    );
    good
}

/// Whether every planted fault was caught.
fn catch(wanted: &str) -> bool {
    let mut good = true;
    let (mut caught_in_all, mut planted) = (0, 0);
    for mutant in Mutant::ALL {
        if !mutant.scenario().contains(wanted) {
            continue;
        }
        planted += 1;
        let Some(scenario) = Scenario::named(mutant.scenario()) else {
            println!("{mutant:?}: there is no scenario {}", mutant.scenario());
            good = false;
            continue;
        };
        match hunt(*mutant, scenario) {
            Some(caught) => {
                caught_in_all += 1;
                println!(
                    "planted:{} In \"{}\" it breaks \"{}\" after {} steps ({} states, {:.1} s):\n{}",
                    mutant.what(),
                    scenario.name,
                    caught.property,
                    caught.steps,
                    caught.states,
                    caught.took.as_secs_f64(),
                    caught.story,
                );
            }
            None => {
                good = false;
                println!("planted:{} In \"{}\" NOBODY NOTICED.\n", mutant.what(), scenario.name);
            }
        }
    }
    println!("{caught_in_all} of {planted} planted faults were caught");
    good
}
