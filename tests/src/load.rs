//! A client that places many orders while things break, and keeps a journal of what it was told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::StreamExt as _;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::{Http, Platform, Product, eventually_within, order_body};

/// How long one order may be refused before the test fails. Longer than a cold start of the broker.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two attempts at one order.
const PAUSE: Duration = Duration::from_millis(100);

/// An order that is going to be placed, and where it has to end.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its id, chosen by the client.
    pub id: Uuid,
    /// The request.
    pub body: Value,
    /// The status it must settle in.
    pub ends: &'static str,
}

impl Wanted {
    /// An order that must end in that status.
    #[must_use]
    pub fn new(mut body: Value, ends: &'static str) -> Self {
        let id = Uuid::now_v7();
        body["order_id"] = json!(id);
        Self { id, body, ends }
    }

    /// `count` orders of one unit: of ten, eight succeed, one is declined, and the carrier refuses
    /// one.
    #[must_use]
    pub fn mixed(product: Product, count: usize) -> Vec<Self> {
        let one = |index: usize| match index % 10 {
            4 => Self::new(order_body(product, 1, "tok_declined"), "failed"),
            7 => {
                let mut body = order_body(product, 1, "tok_ok");
                body["shipping_address"]["country"] = json!("XX");
                Self::new(body, "failed")
            }
            _ => Self::new(order_body(product, 1, "tok_ok"), "confirmed"),
        };
        (0..count).map(one).collect()
    }
}

/// Orders being placed in the background. An order that gets no answer, or a 5xx, is placed again
/// under the same id, as a careful client would, until the service has it.
#[derive(Debug)]
pub struct Load {
    placing: JoinHandle<()>,
    accepted: Arc<AtomicUsize>,
    repeated: Arc<AtomicUsize>,
}

impl Platform {
    /// Begins to place these orders, so many at once.
    #[must_use]
    pub fn load(&self, orders: &[Wanted], at_once: usize) -> Load {
        let (http, url) = (self.http().clone(), self.url("order", "/orders"));
        let (accepted, repeated) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counts = (accepted.clone(), repeated.clone());
        let orders = orders.to_vec();
        let placing = tokio::spawn(async move {
            let each = futures::stream::iter(orders).map(|order| {
                let (http, url, counts) = (http.clone(), url.clone(), counts.clone());
                async move {
                    counts.1.fetch_add(insist(&http, &url, &order).await, Ordering::Relaxed);
                    counts.0.fetch_add(1, Ordering::Relaxed);
                }
            });
            each.buffer_unordered(at_once).collect::<()>().await;
        });
        Load { placing, accepted, repeated }
    }
}

impl Platform {
    /// Places a few orders at a time until a process has died of its crash point, however many that
    /// takes: how much of the work one batch holds is chance. Gives what was placed; the last of it
    /// may still be on its way.
    pub async fn load_until_death(
        &self,
        process: &'static str,
        few: impl Fn() -> Vec<Wanted>,
    ) -> (Vec<Wanted>, Vec<Load>) {
        let (mut orders, mut loads) = (Vec::new(), Vec::new());
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.has_died(process) {
            assert!(tokio::time::Instant::now() < deadline, "{process} does not die");
            let few = few();
            let load = self.load(&few, 5);
            // The order service may be the one that dies: then its orders wait for its return.
            let _ = tokio::time::timeout(Duration::from_secs(1), load.accepted(few.len())).await;
            tokio::time::sleep(PAUSE).await;
            orders.extend(few);
            loads.push(load);
        }
        (orders, loads)
    }
}

/// Places an order until it is accepted; says how often it had to be asked again.
async fn insist(http: &Http, url: &str, order: &Wanted) -> usize {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut asked_again = 0;
    loop {
        let complaint = match http.post(url, &order.body).await {
            Ok(answer) if answer.status.is_success() => {
                assert_eq!(answer.json()["id"], json!(order.id), "another order was answered");
                return asked_again;
            }
            Ok(answer) if answer.status == StatusCode::SERVICE_UNAVAILABLE => {
                assert!(answer.headers.contains_key("retry-after"), "no Retry-After: {}", answer.text);
                answer.text
            }
            Ok(answer) => panic!("order {} is refused: {} {}", order.id, answer.status, answer.text),
            Err(error) => format!("{error:#}"),
        };
        assert!(tokio::time::Instant::now() < deadline, "order {} is not accepted: {complaint}", order.id);
        tokio::time::sleep(PAUSE).await;
        asked_again += 1;
    }
}

impl Load {
    /// Waits until so many orders have been accepted.
    pub async fn accepted(&self, count: usize) {
        eventually_within(PATIENCE, &format!("{count} orders are accepted"), async || {
            match self.accepted.load(Ordering::Relaxed) {
                enough if enough >= count => Ok(()),
                few => Err(format!("{few} so far")),
            }
        })
        .await;
    }

    /// Waits until all are accepted; says how often an order had to be placed again.
    pub async fn finish(self) -> usize {
        self.placing.await.unwrap();
        self.repeated.load(Ordering::Relaxed)
    }
}
