//! Services that die, one at a time or all at once, and services that are asked to stop.

use std::time::Duration;

use rand::Rng as _;

use crate::{
    arena::Arena,
    customers::Traffic,
    fault::{Evidence, Fault, Trials, everybody},
};

pub(crate) const FAULTS: &[Fault] = &[Fault {
    name: "service killed at any moment",
    what: "kill -9 of one service after another, at random moments under load; started again at once",
    trials: Trials { sample: 12, full: 250 },
    options: everybody,
    traffic: || Traffic::mixed(30.0),
    inject: |arena| Box::pin(killed_at_any_moment(arena)),
    evidence: &[Evidence::DuplicatesDropped, Evidence::AskedAgain, Evidence::BothEnds],
}];

async fn killed_at_any_moment(arena: &Arena) {
    let services: Vec<&'static str> = arena.platform.services().iter().map(|s| s.name()).collect();
    while arena.goes_on() {
        let (service, pause) =
            arena.roll(|dice| (services[dice.random_range(0..services.len())], dice.random_range(50..600)));
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let met = arena.in_flight().await > 0;
        arena.platform.kill(service);
        arena.platform.launch(service, &[]);
        arena.trial(met);
        arena.recovers().await;
    }
}
