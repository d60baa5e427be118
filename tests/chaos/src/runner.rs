//! One fault after the other: platform, load, injections, mending, a minute for the sagas, oracles.

use std::{
    io::{IsTerminal as _, Write as _},
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use system_tests::Platform;
use tokio::task::JoinHandle;

use crate::{
    arena::{Arena, Tally},
    customers::Customers,
    fault::{self, Extent, Fault},
    judge,
    report::{self, Files, Report, Row},
    scrape::Scrape,
    wiretap::Wiretap,
};

/// Units of the product everybody orders: more than any run sells.
const STOCK: i64 = 1_000_000;
/// How long the load runs before the first injection.
const WARM_UP: Duration = Duration::from_millis(800);
/// What was asked for before the end of the load is accepted so soon, or the platform has not recovered.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(60);
/// A fault that takes longer for one trial hangs.
const TRIAL_MAX: Duration = Duration::from_secs(60);
/// Between two lines of progress, on a terminal and elsewhere.
const PROGRESS_EVERY: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(15)];

/// Runs all chosen faults; says whether there was no violation.
pub(crate) async fn run(extent: Extent, seed: u64, only: &[String], files: &Files) -> anyhow::Result<bool> {
    let began = Instant::now();
    let chosen: Vec<&Fault> =
        fault::chosen(only).into_iter().filter(|fault| fault.wanted(extent) > 0).collect();
    anyhow::ensure!(!chosen.is_empty(), "no fault is called {only:?}; see `chaos list`");
    println!("seed {seed}; {} faults", chosen.len());
    let mut rows = Vec::new();
    for (index, fault) in chosen.iter().enumerate() {
        println!("[{}/{}] {}: {}", index + 1, chosen.len(), fault.name, fault.what);
        let row = one(fault, fault.wanted(extent), seed, &[]).await;
        println!("    {}", row.line());
        rows.push(row);
        // A run that is ended early has said what it saw.
        if let Some(path) = &files.json {
            let so_far = Report::of(extent, false, seed, rows.clone(), began.elapsed());
            std::fs::write(path, serde_json::to_string_pretty(&so_far)?)?;
        }
    }
    let report = Report::of(extent, only.is_empty(), seed, rows, began.elapsed());
    report.publish(files)?;
    Ok(report.is_well())
}

/// Round after round, each with the next seed, until the hours are over.
pub(crate) async fn night(hours: f64, seed: u64, only: &[String], files: &Files) -> anyhow::Result<bool> {
    let until = Instant::now() + Duration::from_secs_f64(hours * 3600.0);
    let (mut round, mut well) = (0, true);
    while Instant::now() < until {
        let numbered = Files {
            json: files.json.as_ref().map(|path| path.with_extension(format!("{round}.json"))),
            markdown: files.markdown.as_ref().map(|path| path.with_extension(format!("{round}.md"))),
        };
        well &= run(Extent::Full, seed.wrapping_add(round), only, &numbered).await?;
        round += 1;
    }
    println!("{round} rounds, {}", if well { "no violation" } else { "with violations" });
    Ok(well)
}

/// One fault on a platform of its own; `variables` go to every service (planted bugs). A panic of the
/// harness is a violation of this fault.
pub(crate) async fn one(fault: &Fault, wanted: usize, seed: u64, variables: &[(&'static str, &str)]) -> Row {
    let began = Instant::now();
    let mut row = Row::of(fault);
    let whole = AssertUnwindSafe(on_a_platform(fault, wanted, seed, variables, &mut row)).catch_unwind();
    if let Err(panic) = whole.await {
        row.violations.push(format!("the harness stopped: {}", words(&*panic)));
    }
    row.bound_95 = report::bound_of(&row);
    row.seconds = began.elapsed().as_secs();
    row
}

async fn on_a_platform(
    fault: &Fault,
    wanted: usize,
    seed: u64,
    variables: &[(&'static str, &str)],
    row: &mut Row,
) {
    let mut options = (fault.options)();
    for service in options.services.clone() {
        for (name, value) in variables {
            options = options.with(service.name(), name, *value);
        }
    }
    let platform = Platform::start(options).await;
    let logs = platform.logs().to_owned();
    row.logs = Some(logs.clone());
    // Before the first event.
    let wiretap = Wiretap::begin(&platform).await.unwrap();
    let scrape = Scrape::begin(&platform);
    let product = platform.product(STOCK).await;
    let journal = logs.join("customers.jsonl");
    let customers = Customers::new(&platform, product, (fault.traffic)(), seed, journal);
    let arena = Arena::new(platform, product, customers, wanted, seed);
    let placing = arena.customers.open();
    tokio::time::sleep(WARM_UP).await;
    let injected = injected(fault, &arena).await;
    arena.customers.close();
    let accepted = accepted(placing).await;
    row.count(arena.counted());
    row.violations.extend([&injected, &accepted].into_iter().filter_map(|result| result.clone().err()));
    // After a panic nothing is mended, and the oracles would only repeat that.
    if injected.is_ok() {
        let judged = AssertUnwindSafe(judge::judge(fault, &arena, &wiretap, &scrape)).catch_unwind().await;
        match judged {
            Ok(verdict) => row.judged(verdict),
            Err(panic) => row.violations.push(format!("the oracles stopped: {}", words(&*panic))),
        }
    }
    let entries = arena.customers.journal();
    row.orders = entries.len();
    row.violations.extend(arena.customers.complaints());
    let hung_up = entries.values().map(|entry| entry.hung_up as u64).sum();
    row.tallies.insert(Tally::AbortedRequests, hung_up);
    if row.trials < wanted && injected.is_ok() {
        row.violations.push(format!("proved nothing: {} of {wanted} trials were made", row.trials));
    } else if row.met == 0 {
        row.violations.push("proved nothing: no trial met an order on its way".to_owned());
    }
    drop((wiretap, scrape, arena));
    if row.is_well() {
        let _ = std::fs::remove_dir_all(&logs);
        row.logs = None;
    }
}

/// Injects, and says meanwhile how far it is.
async fn injected(fault: &Fault, arena: &Arena) -> Result<(), String> {
    let limit = TRIAL_MAX * (arena.wanted() as u32 + 1);
    let injecting = AssertUnwindSafe((fault.inject)(arena)).catch_unwind();
    tokio::select! {
        done = tokio::time::timeout(limit, injecting) => match done {
            Ok(Ok(())) => Ok(()),
            Ok(Err(panic)) => Err(format!("the harness stopped: {}", words(&*panic))),
            Err(_) => Err(format!("the fault did not come to its end within {limit:?}")),
        },
        never = tell_progress(fault, arena) => match never {},
    }
}

async fn tell_progress(fault: &Fault, arena: &Arena) -> std::convert::Infallible {
    let terminal = std::io::stdout().is_terminal();
    loop {
        tokio::time::sleep(PROGRESS_EVERY[usize::from(!terminal)]).await;
        let orders = arena.customers.journal().len();
        let line = report::progress(fault.name, &arena.counted(), arena.wanted(), orders);
        if terminal {
            print!("\r\x1b[K    {line}\r");
            let _ = std::io::stdout().flush();
        } else {
            println!("    {line}");
        }
    }
}

/// Waits until the customers have what they asked for.
async fn accepted(mut placing: JoinHandle<()>) -> Result<(), String> {
    match tokio::time::timeout(ACCEPTED_WITHIN, &mut placing).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(format!("the customers stopped: {error}")),
        Err(_) => {
            placing.abort();
            Err(format!("customers still wait for an answer {ACCEPTED_WITHIN:?} after the last fault"))
        }
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|words| (*words).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
