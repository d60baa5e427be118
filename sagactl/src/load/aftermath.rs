//! What a run leaves behind: do the books balance, is every queue empty?

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

use crate::broker::{Management, QueueDepth};
use crate::client::Platform;
use crate::endpoints::BrokerArgs;

/// The broker counts its queues every five seconds; a figure younger than the last order takes this long.
const FRESH_AFTER: Duration = Duration::from_millis(5_500);

/// Messages on their way (other people's orders, a carrier's call) get this long to arrive.
const DRAIN_LIMIT: Duration = Duration::from_secs(45);

const ASK_EVERY: Duration = Duration::from_millis(500);

/// The state of the platform after a run.
#[derive(Debug, Clone, Serialize)]
pub struct Aftermath {
    /// Every product's stock adds up.
    pub stock_balanced: bool,
    /// Every order's money adds up, against the gateway's journal.
    pub ledger_balanced: bool,
    /// What does not add up.
    pub differences: Vec<Value>,
    /// How many inboxes, retry queues and dead-letter queues were looked at.
    pub queues: usize,
    /// Those that did not become empty, with what lies in them.
    pub waiting: Vec<(String, u64)>,
}

impl Aftermath {
    /// Whether there is nothing to complain about.
    pub fn is_clean(&self) -> bool {
        self.stock_balanced && self.ledger_balanced && self.waiting.is_empty()
    }
}

/// Looks at queues, then at the books: a message still under way could change them.
pub(super) async fn look(platform: &Platform, broker: &BrokerArgs) -> Result<Aftermath> {
    let management = Management::new(broker)?;
    let started = Instant::now();
    tokio::time::sleep(FRESH_AFTER).await;
    let queues = loop {
        let queues = ours(management.queues().await.context("asking the broker for its queues")?);
        if queues.iter().all(|queue| queue.messages == 0) || started.elapsed() >= DRAIN_LIMIT {
            break queues;
        }
        tokio::time::sleep(ASK_EVERY).await;
    };
    let stock = platform.stock_audit().await?;
    let ledger = platform.ledger_audit().await?;
    let waiting = queues.iter().filter(|queue| queue.messages > 0);
    Ok(Aftermath {
        stock_balanced: stock.balanced,
        ledger_balanced: ledger.balanced,
        differences: stock.differences.into_iter().chain(ledger.differences).collect(),
        queues: queues.len(),
        waiting: waiting.map(|queue| (queue.name.clone(), queue.messages)).collect(),
    })
}

/// The services' own queues; a wiretap's temporary queue is none of them.
fn ours(queues: Vec<QueueDepth>) -> Vec<QueueDepth> {
    let is_ours = |name: &str| name.ends_with(".inbox") || name.ends_with(".dlq") || name.contains(".retry.");
    queues.into_iter().filter(|queue| is_ours(&queue.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_inboxes_retry_and_dead_letter_queues_are_looked_at() {
        let names = ["order.inbox", "order.retry.1s", "order.dlq", "amq.gen-x", "tap.operator"];
        let queues = names.map(|name| QueueDepth { name: name.into(), messages: 0, consumers: 0 });
        assert_eq!(ours(queues.into()).len(), 3);
    }
}
