//! `sagactl`: provision, wire, watch and try the platform from the command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use sagactl::client::Platform;
use sagactl::console::Palette;
use sagactl::endpoints::{BrokerArgs, ServiceUrls, base_url};
use sagactl::load::LoadArgs;
use sagactl::provision::ProvisionConfig;
use sagactl::scenarios::Stage;
use sagactl::{figures, generate, health, load, products, provision, ready, reconcile, schemas, topology};

/// The operator's and developer's command line of the order-fulfilment platform.
#[derive(Parser)]
#[command(version, about, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    urls: ServiceUrls,
    #[command(flatten)]
    broker: BrokerArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create databases and roles, and apply the migrations.
    Provision {
        /// A superuser's URL, postgres://user:password@host:port/postgres.
        #[arg(long, env = "POSTGRES_ADMIN_URL", hide_env_values = true)]
        postgres_admin_url: String,
        /// For tests: databases are called <prefix>_<service>.
        #[arg(long, env = "DATABASE_PREFIX")]
        database_prefix: Option<String>,
    },
    /// Exchanges, queues, bindings, policies and users of the broker.
    Topology {
        /// Divides the delays of the retry ladder, as TIME_SCALE does for every deadline.
        #[arg(long, env = "TIME_SCALE", default_value_t = 1, global = true, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        time_scale: u32,
        #[command(subcommand)]
        action: TopologyAction,
    },
    /// Wait until services are ready.
    Ready {
        /// Their addresses.
        #[arg(required = true, value_parser = base_url)]
        urls: Vec<String>,
        /// Seconds to wait.
        #[arg(long, env = "READY_TIMEOUT", default_value_t = 60)]
        timeout: u64,
    },
    /// Services, their checks, the broker's queues, the databases.
    Health {
        /// Also look at the databases.
        #[arg(long, env = "POSTGRES_ADMIN_URL", hide_env_values = true)]
        postgres_admin_url: Option<String>,
    },
    /// The catalogue.
    Products {
        /// Only names that contain this.
        #[arg(long, env = "PRODUCTS_SEARCH")]
        search: Option<String>,
    },
    /// Orders, revenue, the funnel, durations and what sells, counted from the events.
    Analytics,
    /// Events that were sent and not handled; fails when there are any.
    Reconcile {
        /// The gateway's report as it stands.
        #[arg(long)]
        json: bool,
    },
    /// Fill the inventory with the demonstration catalogue.
    Seed,
    /// Place an order and watch it succeed.
    TestOrder,
    /// Place orders that fail, and watch everything being made good.
    TestFailure {
        /// Only the scenario of this name.
        #[arg(long, env = "SCENARIO")]
        only: Option<String>,
    },
    /// Place many orders, follow each to its end, and look at the books.
    Load(LoadArgs),
    /// Write the files that are made from the choreography's table and the events' types.
    Generate {
        /// Write nothing; fail when a file is stale.
        #[arg(long)]
        check: bool,
        /// The root of the repository.
        #[arg(long, env = "REPOSITORY_ROOT", default_value = ".")]
        root: PathBuf,
    },
    /// The events' contracts.
    Schemas {
        #[command(subcommand)]
        action: SchemasAction,
    },
}

#[derive(Subcommand)]
enum SchemasAction {
    /// Compare the released contracts of another commit with those that lie here.
    Check {
        /// That commit: a branch, a tag, a hash.
        #[arg(long, default_value = "HEAD")]
        against: String,
        /// The root of the repository.
        #[arg(long, env = "REPOSITORY_ROOT", default_value = ".")]
        root: PathBuf,
    },
}

#[derive(Subcommand)]
enum TopologyAction {
    /// Print the definitions as JSON; users whose password is not in the environment are left out.
    Definitions,
    /// Bring them to the broker.
    Apply,
    /// Compare the broker with them.
    Check,
    /// Stay, and bring back whatever is taken away or changed; ends on SIGTERM.
    Keep {
        /// Seconds between two looks.
        #[arg(long, env = "TOPOLOGY_KEEP_SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3_600))]
        every: u64,
    },
}

/// Ends quietly when nobody reads on (`sagactl products | head`), as command-line tools do; any other panic is told.
fn end_quietly_on_a_closed_pipe() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        if text.starts_with("failed printing to") && text.contains("Broken pipe") {
            // 128 and SIGPIPE: what a shell reports of a program that the closed pipe has ended.
            std::process::exit(141);
        }
        usual(panic);
    }));
}

fn main() -> ExitCode {
    end_quietly_on_a_closed_pipe();
    let cli = Cli::parse();
    let palette = Palette::detect();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(Box::pin(run(cli, palette))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{} {error:#}", palette.mark(false));
            ExitCode::FAILURE
        }
    }
}

/// True when what was looked at or tried is well.
async fn run(cli: Cli, palette: Palette) -> Result<bool> {
    let Cli { urls, broker, command } = cli;
    let platform = || Platform::new(&urls);
    match command {
        Command::Provision { postgres_admin_url, database_prefix } => {
            let variable = |name: &str| std::env::var(name).ok();
            let config = ProvisionConfig::from_variables(postgres_admin_url, database_prefix, variable)?;
            for done in provision::run(&config).await? {
                println!("{} {}", palette.mark(true), done);
            }
            Ok(true)
        }
        Command::Topology { time_scale, action } => {
            topology_command(&broker, time_scale, &action, palette).await
        }
        Command::Ready { urls, timeout } => {
            ready::wait(&urls, Duration::from_secs(timeout), palette).await?;
            Ok(true)
        }
        Command::Health { postgres_admin_url } => {
            health::show(&urls, &broker, postgres_admin_url.as_deref(), palette).await
        }
        Command::Products { search } => {
            products::show(&platform()?, search.as_deref(), palette).await?;
            Ok(true)
        }
        Command::Analytics => {
            figures::show(&platform()?, palette).await?;
            Ok(true)
        }
        Command::Reconcile { json } => reconcile::show(&platform()?, json, palette).await,
        Command::Seed => {
            products::seed(&platform()?, palette).await?;
            Ok(true)
        }
        Command::TestOrder => Stage::open(platform()?, &broker, palette).await?.test_order().await,
        Command::TestFailure { only } => {
            Stage::open(platform()?, &broker, palette).await?.test_failure(only.as_deref()).await
        }
        Command::Load(args) => Ok(load::run(&args, platform()?, &broker, palette).await?.is_well()),
        Command::Generate { check, root } => {
            generate::run(&root, check, palette)?;
            Ok(true)
        }
        Command::Schemas { action: SchemasAction::Check { against, root } } => {
            schemas::check_against(&root, &against, palette)?;
            Ok(true)
        }
    }
}

async fn topology_command(
    broker: &BrokerArgs,
    time_scale: u32,
    action: &TopologyAction,
    palette: Palette,
) -> Result<bool> {
    let secrets = topology::secrets(|name| std::env::var(name).ok());
    if !matches!(action, TopologyAction::Definitions) {
        topology::require_all(&secrets)?;
    }
    let definitions = topology::definitions(&broker.vhost, time_scale, &secrets);
    match action {
        TopologyAction::Definitions => {
            let text = serde_json::to_string_pretty(&definitions).context("printing the definitions")?;
            println!("{text}");
            Ok(true)
        }
        TopologyAction::Apply => {
            topology::apply_and_tell(broker, &definitions, palette).await?;
            Ok(true)
        }
        TopologyAction::Check => topology::check_and_tell(broker, &definitions, palette).await,
        TopologyAction::Keep { every } => {
            topology::keep(broker, &definitions, Duration::from_secs(*every), palette).await?;
            Ok(true)
        }
    }
}
