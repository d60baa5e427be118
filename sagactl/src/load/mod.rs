//! `sagactl load`: many orders, each followed to its end, and the books looked at afterwards.

mod aftermath;
mod progress;
mod report;
mod runner;
mod stats;
mod tracker;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use futures::StreamExt;
use futures::stream;
use shared_events::EventType;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::client::{NewProduct, Platform};
use crate::console::{Palette, counted, grouped};
use crate::demo::{BasketGenerator, CatalogueItem, GeneratedOrders, OrderSource, catalogue};
use crate::endpoints::BrokerArgs;
use crate::follow::Listening;
use crate::products::{decimal, import};
use crate::retail::{self, RetailOrders};
use progress::Progress;
pub use report::Report;
use runner::{Pace, Run, place_all};
use tracker::Tracker;

/// While the last orders settle, those the wiretap is silent about are asked for this often …
const ASK_EVERY: Duration = Duration::from_secs(5);

/// … at most this many in one round: asking must not become a load of its own.
const ASKED_AT_ONCE: usize = 256;

/// The events that decide how an order ends; the others would only be work for the broker that is being measured.
const HEARD: &[EventType] = &[
    EventType::OrderConfirmed,
    EventType::OrderFailed,
    EventType::OrderCancelled,
    EventType::OrderCompleted,
    EventType::ShippingCancelRejected,
];

/// How often the wiretap is opened again after it broke.
const TAP_PAUSE: Duration = Duration::from_millis(500);

/// Options of `sagactl load`.
#[derive(Debug, Clone, Args)]
pub struct LoadArgs {
    /// How many orders to place.
    #[arg(long, env = "LOAD_COUNT", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub count: u32,
    /// Orders a second, whatever becomes of those before; without it, customers wait for their confirmation.
    #[arg(long, env = "LOAD_RATE", value_parser = rate)]
    pub rate: Option<f64>,
    /// Real orders: a parquet or CSV file of the Online Retail data. Its products are imported first.
    #[arg(long, env = "LOAD_FROM")]
    pub from: Option<PathBuf>,
    /// Customers at once; each waits for its confirmation, so this many orders are on their way. 256 saturate two cores.
    #[arg(long, env = "LOAD_CONCURRENCY", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: u16,
    /// Seed of the generated baskets.
    #[arg(long, env = "LOAD_SEED", default_value_t = 1)]
    pub seed: u64,
    /// Seconds the last orders may take to settle.
    #[arg(long, env = "LOAD_SETTLE_SECONDS", default_value_t = 300)]
    pub settle_seconds: u64,
    /// Writes the figures as JSON to this file.
    #[arg(long, env = "LOAD_REPORT")]
    pub report: Option<PathBuf>,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 && rate <= 100_000.0 => Ok(rate),
        _ => Err("a rate is a number of orders a second above 0 and up to 100000".to_owned()),
    }
}

/// Runs the load and prints the summary; the report says whether everything went well.
pub async fn run(
    args: &LoadArgs,
    platform: Platform,
    broker: &BrokerArgs,
    palette: Palette,
) -> Result<Report> {
    // A service that is killed during the run is waited for; one that is not there to begin with is a mistake.
    platform.stock_audit().await?;
    platform.order(Uuid::nil()).await?;
    let (source, orders, available) = source(args, &platform, palette).await?;
    let count = available.map_or(args.count as usize, |available| available.min(args.count as usize));
    if count < args.count as usize {
        println!("{}", palette.warn(format!("{source} holds {} only", counted(count as u64, "order"))));
    }
    let tracker = Arc::new(Tracker::default());
    let listening = Listening::to(broker, HEARD).await?;
    let listener = listen(listening, broker.clone(), Arc::clone(&tracker));
    let progress = Progress::start(Arc::clone(&tracker), count as u64);
    let run = Arc::new(Run {
        platform: platform.clone(),
        tracker: Arc::clone(&tracker),
        repeated: AtomicU64::new(0),
    });
    let pace = Pace { count, concurrency: usize::from(args.concurrency), rate: args.rate };

    let started = Instant::now();
    let placed = place_all(Arc::clone(&run), orders, pace).await;
    let placing = started.elapsed();
    let settled_while_placing = tracker.counts().settled;
    if placed.is_ok() {
        settle(&platform, &tracker, Duration::from_secs(args.settle_seconds)).await?;
    }
    let total = started.elapsed();
    progress.finish().await;
    listener.abort();
    placed.context("placing the orders")?;

    let aftermath = aftermath::look(&platform, broker).await?;
    let measured = report::Measured {
        source,
        placing,
        total,
        settled_while_placing,
        repeated: run.repeated.load(Ordering::Relaxed),
    };
    let report = Report::new(measured, tracker.tally(), aftermath);
    print!("{}", report.text(palette));
    if let Some(path) = &args.report {
        let json = serde_json::to_vec_pretty(&report).context("writing the report as JSON")?;
        std::fs::write(path, json).with_context(|| format!("writing the report to {}", path.display()))?;
    }
    Ok(report)
}

type Orders = Box<dyn OrderSource + Send>;

/// Where the orders come from: its name, the orders, and how many there are when that is limited.
async fn source(
    args: &LoadArgs,
    platform: &Platform,
    palette: Palette,
) -> Result<(String, Orders, Option<usize>)> {
    let Some(path) = &args.from else {
        let catalogue = catalogue();
        let first = catalogue.first().context("the demonstration catalogue is empty")?;
        if platform.product(first.id).await?.is_none() {
            bail!("the demonstration catalogue is not in the inventory; run `sagactl seed` (make up does)");
        }
        let items: Vec<CatalogueItem> = catalogue.iter().map(CatalogueItem::from).collect();
        let orders = GeneratedOrders::new(BasketGenerator::new(args.seed, &items));
        return Ok((format!("generated baskets, seed {}", args.seed), Box::new(orders), None));
    };
    let shown = path.display().to_string();
    println!("reading {shown}");
    let file = path.clone();
    let data = tokio::task::spawn_blocking(move || retail::read(file))
        .await
        .context("reading the retail file")?
        .with_context(|| format!("reading {shown}"))?;
    println!("{}", palette.dim(data.report.to_string().trim_end()));
    let products: Vec<NewProduct> = data
        .products
        .iter()
        .map(|product| NewProduct {
            id: Some(product.id),
            name: product.name.clone(),
            description: format!("Stock code {}", product.sku),
            price: decimal(product.price_minor),
            currency: Some("GBP".to_owned()),
            quantity: product.quantity,
            category: None,
            sku: Some(product.sku.clone()),
        })
        .collect();
    let bar = progress::plain_bar(products.len() as u64, "products");
    let answer = import(platform, &products, |sent| bar.inc(sent as u64)).await?;
    bar.finish_and_clear();
    println!("products: {} new, {} kept", grouped(answer.created), grouped(answer.existing));
    let available = data.orders.len();
    // Ids of this run's own: with the data's, a second run would only be given the first one's answers.
    let orders = RetailOrders::new(data.orders, &Uuid::now_v7().to_string());
    Ok((shown, Box::new(orders), Some(available)))
}

/// Feeds the tracker from the wiretap, which is opened again when it breaks; what it misses meanwhile is asked for later.
fn listen(mut listening: Listening, broker: BrokerArgs, tracker: Arc<Tracker>) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            while let Ok(envelope) = listening.next().await {
                tracker.hear(&envelope);
            }
            listening = loop {
                tokio::time::sleep(TAP_PAUSE).await;
                if let Ok(again) = Listening::to(&broker, HEARD).await {
                    break again;
                }
            };
        }
    })
}

/// Waits until every order has ended, asking the order service about those that stay open, or until the limit.
async fn settle(platform: &Platform, tracker: &Tracker, limit: Duration) -> Result<()> {
    let started = Instant::now();
    let mut asked = Instant::now();
    while !tracker.open(Duration::ZERO).is_empty() && started.elapsed() < limit {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if asked.elapsed() >= ASK_EVERY {
            ask(platform, tracker, tracker.open(ASK_EVERY).into_iter().take(ASKED_AT_ONCE)).await;
            asked = Instant::now();
        }
    }
    // The last word on whatever is still open, an order nobody answered for included.
    ask(platform, tracker, tracker.open(Duration::ZERO).into_iter()).await;
    Ok(())
}

async fn ask(platform: &Platform, tracker: &Tracker, orders: impl Iterator<Item = Uuid>) {
    stream::iter(orders)
        .for_each_concurrent(16, |id| async move {
            match platform.order(id).await {
                Ok(Some(order)) => tracker.learn(id, &order),
                Ok(None) => tracker.absent(id),
                // A service that does not answer now is asked again in the next round.
                Err(_) => {}
            }
        })
        .await;
}
