//! How many orders a second this machine carries, from placing to the end of the saga, when nothing
//! breaks: what the rates of the faults are chosen by.

use std::time::{Duration, Instant};

use system_tests::{Options, Platform};

use crate::{
    customers::{Customers, Traffic},
    fault::{everybody, participants},
    judge::until_quiet,
    scrape::Scrape,
    wiretap::Wiretap,
};

/// How long orders are placed.
const PLACING: Duration = Duration::from_secs(15);
/// More than any machine that runs the suite carries, so that the customers never wait for the clock.
const RATE: f64 = 2_000.0;
/// Customers who wait at once.
const AT_ONCE: usize = 16;
/// Units of the product.
const STOCK: i64 = 1_000_000;

/// Measures both kinds of platform, each with the suite's own wiretap and scraping.
pub(crate) async fn measure(seed: u64) -> anyhow::Result<()> {
    for (name, options) in [("participants", participants()), ("all services", everybody())] {
        carried(name, options, seed).await?;
    }
    Ok(())
}

async fn carried(name: &str, options: Options, seed: u64) -> anyhow::Result<()> {
    let platform = Platform::start(options).await;
    let wiretap = Wiretap::begin(&platform).await?;
    let _scrape = Scrape::begin(&platform);
    let product = platform.product(STOCK).await;
    let journal = platform.logs().join("customers.jsonl");
    let traffic = Traffic { at_once: AT_ONCE, ..Traffic::mixed(RATE) };
    let customers = Customers::new(&platform, product, traffic, seed, journal);
    let (began, used) = (Instant::now(), processor_seconds(&platform));
    let placing = customers.open();
    tokio::time::sleep(PLACING).await;
    customers.close();
    placing.await?;
    let placed_within = began.elapsed().as_secs_f64();
    let (settled_after, ..) = until_quiet(&platform).await;
    let orders = customers.journal().len() as f64;
    println!(
        "{name}: {:.0} orders a second are accepted, {:.0} carried to their end; {:.1} ms of processor time each in \
         the services ({} orders, {} events, settled {:.1} s after the last)",
        orders / placed_within,
        orders / (placed_within + settled_after.as_secs_f64()),
        1_000.0 * (processor_seconds(&platform) - used) / orders,
        orders,
        wiretap.seen().ids().len(),
        settled_after.as_secs_f64()
    );
    Ok(())
}

/// Used so far by all services, by the kernel's account (`/proc/<pid>/stat`, in hundredths of a second).
fn processor_seconds(platform: &Platform) -> f64 {
    let used = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        // The name in brackets may have blanks; user and system time are fields 14 and 15 of all.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
    };
    platform.services().iter().map(|service| used(platform.pid(service.name()))).sum()
}
