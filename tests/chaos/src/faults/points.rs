//! Services that die at named points, between the steps whose order matters, and handlers that panic.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Mutex,
    time::{Duration, Instant},
};

use chassis::faults::{POINTS, Point};
use rand::{Rng as _, seq::SliceRandom as _};
use shared_events::Service;
use system_tests::eventually_within;

use super::{LOOK, RATE, consumers};
use crate::{
    arena::{Arena, Tally},
    customers::{Kind, Traffic},
    fault::{Evidence, Fault, Trials, everybody},
};

/// Services that may be on their way to their deaths at the same time: more, and nothing would flow.
const LANES: usize = 3;
/// How long a service may take to come to a point under load.
const PASSAGE_MAX: Duration = Duration::from_secs(60);
/// Of so many events, a service that is made to stumble cannot write one.
const STUMBLE: u32 = 7;

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "service dies at a named point",
        what: "every service dies at every point that it passes (`chassis::faults`), at a random passage; \
               three at a time, launched again at once with the next point",
        trials: Trials { sample: 14, full: 280 },
        options: everybody,
        traffic: troubled,
        inject: |arena| Box::pin(dying_at_points(arena)),
        evidence: &[Evidence::DuplicatesDropped, Evidence::Swept, Evidence::BothEnds],
    },
    Fault {
        name: "handler that panics",
        what: "a rule panics in the middle of a batch: its events are tried alone, those that fail again \
               climb the ladder, the others are not held up",
        trials: Trials { sample: 3, full: 60 },
        options: everybody,
        traffic: troubled,
        inject: |arena| Box::pin(panicking(arena)),
        evidence: &[Evidence::Retries, Evidence::BothEnds],
    },
];

/// A gateway that often leaves charges open, so that timers fire.
fn troubled() -> Traffic {
    let mut traffic = Traffic::mixed(RATE);
    traffic.mix.push((Kind::ErrorTwice, 10));
    traffic
}

/// Which services come to a point under this load.
fn pass(point: Point, service: Service) -> bool {
    match point {
        // It does not end the process; a fault of its own.
        Point::PanicInDecide => false,
        // The others' deadlines do not come in a minute of ordinary load.
        Point::BeforeTimerCommit => service == Service::Payment,
        Point::BeforeCommit | Point::AfterCommit | Point::BeforeAck | Point::AfterCopy => service.consumes(),
        Point::AfterConfirm => service.produces(),
        Point::BeforeAnswer => service == Service::Order,
        Point::BeforeEffect | Point::AfterEffect => {
            matches!(service, Service::Payment | Service::Shipping | Service::Notification)
        }
    }
}

/// Up to which passage of a point a service may get before it dies: what is rare dies early.
fn passages(point: Point) -> u64 {
    match point {
        Point::PanicInDecide | Point::BeforeTimerCommit | Point::AfterCopy => 2,
        Point::BeforeAnswer | Point::BeforeEffect | Point::AfterEffect => 10,
        Point::BeforeCommit | Point::AfterCommit | Point::BeforeAck | Point::AfterConfirm => 20,
    }
}

/// Who is to die next, and who is dying.
struct Agenda {
    next: VecDeque<(Service, Point)>,
    busy: BTreeSet<Service>,
    died_at: BTreeSet<(Service, &'static str)>,
}

async fn dying_at_points(arena: &Arena) {
    let services = arena.platform.services();
    let mut all: Vec<(Service, Point)> = POINTS
        .iter()
        .flat_map(|point| services.iter().map(move |service| (*service, *point)))
        .filter(|(service, point)| pass(*point, *service))
        .collect();
    arena.roll(|dice| all.shuffle(dice));
    let places = all.len();
    let agenda = Mutex::new(Agenda { next: all.into(), busy: BTreeSet::new(), died_at: BTreeSet::new() });
    let lanes = (0..LANES).map(|_| lane(arena, &agenda));
    futures::future::join_all(lanes).await;
    let died_at = agenda.into_inner().unwrap().died_at.len();
    arena.figure("points", format!("{died_at} of {places} of a service"));
    arena.recovers().await;
}

async fn lane(arena: &Arena, agenda: &Mutex<Agenda>) {
    while arena.goes_on() {
        let Some((service, point)) = take(agenda) else {
            tokio::time::sleep(LOOK).await;
            continue;
        };
        die_at(arena, service, point).await;
        let mut agenda = agenda.lock().unwrap();
        agenda.busy.remove(&service);
        agenda.died_at.insert((service, point.name()));
    }
}

/// The next on the agenda whose service is not dying already; it goes to the end of the agenda.
fn take(agenda: &Mutex<Agenda>) -> Option<(Service, Point)> {
    let mut agenda = agenda.lock().unwrap();
    let free = agenda.next.iter().position(|(service, _)| !agenda.busy.contains(service))?;
    let next = agenda.next.remove(free)?;
    agenda.next.push_back(next);
    agenda.busy.insert(next.0);
    Some(next)
}

async fn die_at(arena: &Arena, service: Service, point: Point) {
    let (name, nth) = (service.name(), arena.roll(|dice| dice.random_range(1..=passages(point))));
    let platform = &arena.platform;
    platform.kill(name);
    if point == Point::AfterCopy {
        stumble(arena, name).await;
    }
    let read = platform.log(name).len();
    platform.launch(name, &[("FAULT_POINT", &format!("{}:{nth}", point.name()))]);
    let began = Instant::now();
    while !platform.has_died(name) {
        if began.elapsed() > PASSAGE_MAX {
            arena.violation(format!("{name} did not come to {}:{nth} within {PASSAGE_MAX:?}", point.name()));
            platform.kill(name);
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    // Whoever dies at a point had something in hand there.
    let met = platform.log(name)[read..].contains(&format!("fault point {}: aborting", point.name()));
    if met {
        arena.tally(Tally::ServiceKills, 1);
        arena.tally(Tally::PointKills, 1);
        arena.trial(true);
    } else if began.elapsed() <= PASSAGE_MAX {
        arena.violation(format!("{name} died of something else than {}: see its log", point.name()));
    }
    if point == Point::AfterCopy {
        steady(arena, name).await;
    }
    platform.launch(name, &[]);
}

/// From now on this service cannot write one of seven events at the first attempt: what fails first is
/// what climbs the ladder. (A sequence forgets nothing when its transaction is rolled back.)
async fn stumble(arena: &Arena, service: &str) {
    let statement = format!(
        "CREATE SEQUENCE IF NOT EXISTS stumbles;
         GRANT USAGE ON SEQUENCE stumbles TO PUBLIC;
         CREATE OR REPLACE FUNCTION stumble() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF NEW.event_id IS NOT NULL AND nextval('stumbles') % {STUMBLE} = 0 THEN
                 RAISE EXCEPTION 'stumbled, on purpose';
             END IF;
             RETURN NEW;
         END $$;
         CREATE OR REPLACE TRIGGER stumble BEFORE INSERT ON saga_log FOR EACH ROW EXECUTE FUNCTION stumble()"
    );
    arena.platform.sql(service, &statement).await;
}

/// … and no longer.
async fn steady(arena: &Arena, service: &str) {
    arena.platform.sql(service, "DROP TRIGGER stumble ON saga_log").await;
}

/// The services whose rules are only asked about events, timers and outcomes. A panic at a lone command
/// (only order has them here) is answered with 500, which is right and no customer likes.
async fn panicking(arena: &Arena) {
    let services: Vec<Service> =
        consumers(arena).into_iter().filter(|service| *service != Service::Order).collect();
    while arena.goes_on() {
        let (service, nth) = arena
            .roll(|dice| (services[dice.random_range(0..services.len())].name(), dice.random_range(2..12)));
        let met = arena.meets().await;
        let platform = &arena.platform;
        platform.kill(service);
        let read = platform.log(service).len();
        // A batch, then an event of it alone, and its next attempt perhaps.
        let points: Vec<String> =
            [nth, nth + 1, nth + 2, nth + 5].iter().map(|n| format!("panic_in_decide:{n}")).collect();
        platform.launch(service, &[("FAULT_POINT", &points.join(","))]);
        eventually_within(PASSAGE_MAX, &format!("rules of {service} panic"), async || {
            match platform.log(service)[read..].matches("fault point panic_in_decide: panicking").count() {
                enough if enough >= points.len() => Ok(()),
                few => Err(format!("{few} times of {}", points.len())),
            }
        })
        .await;
        arena.trial(met);
        arena.recovers().await;
    }
}
