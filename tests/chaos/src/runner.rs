//! One fault after the other: platform, load, injections, mending, a minute for the sagas, oracles.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use system_tests::Platform;

use crate::{
    arena::Arena,
    customers::Customers,
    fault::{self, Extent, Fault},
    report::{self, Row},
};

/// Units of the product everybody orders: more than any run sells.
const STOCK: i64 = 1_000_000;
/// How long the load runs before the first injection.
const WARM_UP: Duration = Duration::from_millis(800);

/// Runs all chosen faults; says whether there was no violation.
pub(crate) async fn run(
    extent: Extent,
    seed: u64,
    only: &[String],
    json: Option<&Path>,
) -> anyhow::Result<bool> {
    let chosen: Vec<&Fault> =
        fault::chosen(only).into_iter().filter(|fault| fault.wanted(extent) > 0).collect();
    anyhow::ensure!(!chosen.is_empty(), "no fault is called {only:?}; see `chaos list`");
    println!("seed {seed}; {} faults", chosen.len());
    let mut rows = Vec::new();
    for (index, fault) in chosen.iter().enumerate() {
        println!("[{}/{}] {}", index + 1, chosen.len(), fault.name);
        let row = one(fault, fault.wanted(extent), seed, &[]).await;
        println!("    {}", row.line());
        rows.push(row);
    }
    report::print(seed, &rows);
    if let Some(path) = json {
        report::write(path, seed, &rows)?;
    }
    Ok(rows.iter().all(Row::is_well))
}

/// Round after round, each with the next seed, until the hours are over.
pub(crate) async fn night(
    hours: f64,
    seed: u64,
    only: &[String],
    json: Option<&Path>,
) -> anyhow::Result<bool> {
    let until = Instant::now() + Duration::from_secs_f64(hours * 3600.0);
    let (mut round, mut well) = (0, true);
    while Instant::now() < until {
        let path = json.map(|path| path.with_extension(format!("{round}.json")));
        well &= run(Extent::Full, seed.wrapping_add(round), only, path.as_deref()).await?;
        round += 1;
    }
    Ok(well)
}

/// One fault on a platform of its own; `variables` go to every service (planted bugs).
pub(crate) async fn one(fault: &Fault, wanted: usize, seed: u64, variables: &[(&'static str, &str)]) -> Row {
    let mut options = (fault.options)();
    for service in options.services.clone() {
        for (name, value) in variables {
            options = options.with(service.name(), name, *value);
        }
    }
    let began = Instant::now();
    let platform = Platform::start(options).await;
    let product = platform.product(STOCK).await;
    let journal: PathBuf = platform.logs().join("customers.jsonl");
    let customers = Customers::new(&platform, product, (fault.traffic)(), seed, journal);
    let arena = Arena::new(platform, product, customers, wanted, seed);
    let placing = arena.customers.open();
    tokio::time::sleep(WARM_UP).await;
    (fault.inject)(&arena).await;
    arena.customers.close();
    placing.await.unwrap();
    report::judge(fault, &arena, began).await
}
