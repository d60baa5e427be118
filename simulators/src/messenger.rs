//! The carrier's calls to the shipping service: hand-over, then delivery, each until it is
//! acknowledged.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use rand::Rng;
use reqwest::StatusCode;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::carrier;
use crate::facts::{Fact, Milestone};
use crate::world::{Desk, World};

/// Calls on the way at once: enough for hundreds a second, few enough not to crowd out the shipping
/// service's own customers.
const CALLS_AT_ONCE: usize = 8;

/// A shipping service that takes longer is treated as down, and asked again.
const CALL_LIMIT: Duration = Duration::from_secs(5);

/// First and longest pause between two attempts. There is no last attempt: a real carrier's
/// tracking feed does not give up either.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The client for these calls, and its limit.
pub(crate) struct Messenger {
    client: reqwest::Client,
    base_url: String,
    permits: Semaphore,
}

/// One thing to tell.
struct News {
    order_id: Option<Uuid>,
    milestone: Milestone,
}

impl Messenger {
    pub(crate) fn new(base_url: &str) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            // The shipping service is a neighbor; a proxy meant for the internet would not find it.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(CALL_LIMIT)
            .build()
            .context("cannot build the HTTP client")?;
        let base_url = base_url.trim_end_matches('/').to_owned();
        Ok(Self { client, base_url, permits: Semaphore::new(CALLS_AT_ONCE) })
    }

    /// One attempt; `Some` when the shipping service has taken notice, whatever it thinks of it.
    async fn attempt(&self, order_id: Uuid, milestone: Milestone) -> Option<StatusCode> {
        let _permit = self.permits.acquire().await.ok()?;
        let url = format!("{}/shipments/{order_id}/{}", self.base_url, milestone.path());
        let call = self.client.post(url).json(&serde_json::json!({}));
        let status = match call.send().await {
            Ok(response) => response.status(),
            Err(error) => {
                tracing::debug!(%order_id, ?milestone, %error, "the shipping service does not answer");
                return None;
            }
        };
        // Unknown there, or refused for good: telling it again would change nothing.
        let final_refusal =
            matches!(status, StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY);
        if final_refusal {
            tracing::warn!(%order_id, ?milestone, %status, "the shipping service refuses the news");
        }
        (status.is_success() || final_refusal).then_some(status)
    }
}

/// Tells the shipping service, in a task of its own, whatever it has yet to hear of this booking.
/// Called again while that task runs, it does nothing: the task looks for more before it ends.
pub(crate) fn tell(world: &Arc<World>, messenger: &Arc<Messenger>, key: String) {
    let (world, messenger) = (world.clone(), messenger.clone());
    let telling = {
        let world = world.clone();
        async move {
            let begun = world.decide(|desk| begin(desk, &key)).await;
            if !matches!(begun, Ok(true)) {
                return;
            }
            while let Ok(Some(news)) = world.decide(|desk| next(desk, &key)).await {
                let Some(order_id) = news.order_id else { return };
                let status = until_acknowledged(&messenger, order_id, news.milestone).await;
                let told = Fact::ShippingTold {
                    key: key.clone(),
                    milestone: news.milestone,
                    http_status: status.as_u16(),
                };
                if world.decide(|desk| desk.record(news.order_id, told)).await.is_err() {
                    return;
                }
            }
        }
    };
    let stopping = world.stopping.clone();
    world.tasks.spawn(async move { stopping.run_until_cancelled(telling).await });
}

async fn until_acknowledged(messenger: &Messenger, order_id: Uuid, milestone: Milestone) -> StatusCode {
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(status) = messenger.attempt(order_id, milestone).await {
            return status;
        }
        // Jitter, or a service that comes back would meet all waiting calls at the same instant.
        let jittered = pause.mul_f64(rand::rng().random_range(0.5..1.0));
        tokio::time::sleep(jittered).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Claims the booking for one task; false when there is nothing to tell or it is claimed.
fn begin(desk: &mut Desk, key: &str) -> bool {
    let untold = desk.books.booking(key).and_then(carrier::untold).is_some();
    untold && desk.telling.insert(key.to_owned())
}

/// The next thing to tell. When there is none, the claim is given back under the same lock, so that
/// no news falls between two tasks.
fn next(desk: &mut Desk, key: &str) -> Option<News> {
    let booking = desk.books.booking(key)?;
    let Some(milestone) = carrier::untold(booking) else {
        desk.telling.remove(key);
        return None;
    };
    Some(News { order_id: booking.order_id, milestone })
}
