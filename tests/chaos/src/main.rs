//! The fault suite: the real platform under load, broken on purpose in every way that
//! `docs/reliability.md` names, and held against oracles that do not believe what it says of itself.
//!
//! Each fault gets a platform of its own (databases, virtual host, processes). Customers place
//! orders and keep a journal, the fault is injected again and again, then everything is mended, the
//! sagas get a minute to end, and all oracles are asked.
#![allow(clippy::unwrap_used, reason = "a harness that cannot go on is meant to stop with the reason")]

mod arena;
mod controls;
mod customers;
mod evidence;
mod fault;
mod faults;
mod judge;
mod load;
mod report;
mod runner;
mod scrape;
mod stats;
mod wiretap;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use fault::Extent;
use report::Files;

#[derive(Debug, Parser)]
#[command(
    about = "Breaks the platform on purpose and checks that nothing is lost and nothing happens twice."
)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// Repeats a run's choices: what is placed, who dies, and when (printed by every run).
    #[arg(long, global = true)]
    seed: Option<u64>,
    /// Only faults (or planted bugs) whose name contains this; may be given several times.
    #[arg(long, global = true)]
    only: Vec<String>,
    /// Where the report goes as JSON.
    #[arg(long, global = true)]
    json: Option<PathBuf>,
    /// Where the tables go as Markdown.
    #[arg(long, global = true)]
    markdown: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum What {
    /// A few trials of each fault: about five minutes.
    Sample,
    /// All trials that the claims of docs/reliability.md rest on: about an hour.
    Full,
    /// Round after round of everything, each with another seed, until the time is over.
    Night {
        /// Hours to go on.
        #[arg(long, default_value_t = 8.0)]
        hours: f64,
    },
    /// The suite itself put to the test: every planted bug must be caught.
    Controls,
    /// How many orders a second this machine carries when nothing breaks.
    Load,
    /// The faults and planted bugs there are.
    List,
}

fn main() -> anyhow::Result<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(rand::random);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Ending early drops the platform at hand, which ends its processes.
    let well = runtime.block_on(async {
        tokio::select! {
            well = carry_out(&arguments, seed) => well,
            signal = interrupted() => Err(anyhow::anyhow!("ended by {}", signal?)),
        }
    })?;
    std::process::exit(i32::from(!well));
}

async fn carry_out(arguments: &Arguments, seed: u64) -> anyhow::Result<bool> {
    let only = &arguments.only;
    let files = Files { json: arguments.json.clone(), markdown: arguments.markdown.clone() };
    match arguments.what {
        What::Sample => runner::run(Extent::Sample, seed, only, &files).await,
        What::Full => runner::run(Extent::Full, seed, only, &files).await,
        What::Night { hours } => runner::night(hours, seed, only, &files).await,
        What::Controls => controls::run(seed, only, arguments.json.as_deref()).await,
        What::Load => load::measure(seed).await.map(|()| true),
        What::List => {
            fault::list();
            controls::list();
            Ok(true)
        }
    }
}

async fn interrupted() -> anyhow::Result<&'static str> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        pressed = tokio::signal::ctrl_c() => pressed.map(|()| "Ctrl-C").map_err(Into::into),
        _ = terminated.recv() => Ok("SIGTERM"),
    }
}
