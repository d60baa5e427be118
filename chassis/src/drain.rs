//! From SIGTERM to the end: what is in hand is finished, the rest is given back, and one deadline holds
//! for everything, whatever hangs.
//!
//! Whatever the deadline cuts off is left as a crash at that moment would leave it, and a crash loses
//! nothing: an open transaction is rolled back by the database, an unacknowledged message goes back to
//! its queue, an unsent event is swept out of the outbox, a timer finds out what became of an effect,
//! and a client without an answer asks again under the same key. So the limits may be tight: they cost
//! a repetition, never an order.

use std::time::Duration;

use sqlx::PgPool;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// When each stage has to be done, from the end of the notice on. A stage that is done sooner leaves its
/// time to the next one; one that hangs leaves the next one its own. With the half second of notice that
/// is the default, the whole drain takes four seconds at most: a second less than the five we promise, for
/// a machine on which everything is late.
///
/// Requests take milliseconds; a client that sends its request byte by byte is not waited for.
const HTTP_UNTIL: Duration = Duration::from_millis(1_200);
/// A batch takes milliseconds, too; consumer and timers were asked to stop before the notice.
const SOURCES_UNTIL: Duration = Duration::from_millis(1_700);
/// A gateway that answers at all answers within a second.
const EFFECTS_UNTIL: Duration = Duration::from_millis(2_600);
const INTAKE_UNTIL: Duration = Duration::from_millis(2_900);
const RELAY_UNTIL: Duration = Duration::from_millis(3_300);
/// Closing politely is a courtesy.
const PUBLISHER_UNTIL: Duration = Duration::from_millis(3_400);
const POOL_UNTIL: Duration = Duration::from_millis(3_500);

/// The tasks of a running service. They stop one after the other, each when nothing can reach it
/// any more.
pub(crate) struct Running {
    /// Cancelled by SIGTERM: not ready any more, and nothing new is taken from the broker or the timers.
    pub(crate) stopping: CancellationToken,
    /// Cancelled at the end of the notice: no new connections.
    pub(crate) stop_serving: CancellationToken,
    pub(crate) stop_intake: CancellationToken,
    pub(crate) stop_relay: CancellationToken,
    pub(crate) stop_publisher: CancellationToken,
    /// What brings work in: consumer and timers; beside them the watch over the topology and the
    /// participant's own background.
    pub(crate) sources: Vec<JoinHandle<()>>,
    pub(crate) effects: TaskTracker,
    pub(crate) intake: JoinHandle<()>,
    pub(crate) relay: JoinHandle<()>,
    pub(crate) publisher: JoinHandle<()>,
}

impl Running {
    /// Brings what is under way to its end, in time.
    ///
    /// During the notice connections are still taken, while `/readyz` says 503 and every answer closes its
    /// connection: whoever spreads requests over replicas sends the next one elsewhere, and nobody meets
    /// a closed door.
    pub(crate) async fn drain(
        self,
        serving: JoinHandle<std::io::Result<()>>,
        pool: PgPool,
        notice: Duration,
    ) {
        let end_of_notice = Instant::now() + notice;
        let until = |border: Duration| end_of_notice + border;
        self.stopping.cancel();
        sleep_until(end_of_notice).await;
        self.stop_serving.cancel();
        if timeout_at(until(HTTP_UNTIL), serving).await.is_err() {
            tracing::warn!("a request does not come to its end; not waiting for it");
        }
        let sources = futures::future::join_all(self.sources);
        if timeout_at(until(SOURCES_UNTIL), sources).await.is_err() {
            tracing::warn!("consumer or timers wait for a server that is away; what they hold comes back");
        }
        self.effects.close();
        if timeout_at(until(EFFECTS_UNTIL), self.effects.wait()).await.is_err() {
            let left = self.effects.len();
            tracing::warn!(left, "effects still under way; timers will find out what became of them");
        }
        self.stop_intake.cancel();
        if timeout_at(until(INTAKE_UNTIL), self.intake).await.is_err() {
            tracing::warn!("the database is silent; what it was told last is unknown, and is asked again");
        }
        self.stop_relay.cancel();
        if timeout_at(until(RELAY_UNTIL), self.relay).await.is_err() {
            tracing::warn!("broker or database is away; unsent events stay in the outbox");
        }
        self.stop_publisher.cancel();
        let _ = timeout_at(until(PUBLISHER_UNTIL), self.publisher).await;
        let _ = timeout_at(until(POOL_UNTIL), pool.close()).await;
    }
}

#[cfg(test)]
mod tests {
    use futures::future::pending;

    use super::*;

    fn hanging<T: Send + 'static>() -> JoinHandle<T> {
        tokio::spawn(pending())
    }

    fn running(task: fn() -> JoinHandle<()>) -> Running {
        let token = CancellationToken::new;
        Running {
            stopping: token(),
            stop_serving: token(),
            stop_intake: token(),
            stop_relay: token(),
            stop_publisher: token(),
            sources: vec![task(), task()],
            effects: TaskTracker::new(),
            intake: task(),
            relay: task(),
            publisher: task(),
        }
    }

    fn no_pool() -> PgPool {
        PgPool::connect_lazy("postgres://nobody@127.0.0.1:1/nowhere").unwrap()
    }

    #[tokio::test]
    async fn the_drain_ends_in_time_although_everything_hangs() {
        let running = running(hanging);
        running.effects.spawn(pending::<()>());
        let began = Instant::now();
        running.drain(hanging(), no_pool(), Duration::from_millis(100)).await;
        let took = began.elapsed().as_millis();
        assert!((3_500..4_500).contains(&took), "{took} ms");
    }

    #[tokio::test]
    async fn nobody_is_waited_for_who_is_done_and_new_connections_end_with_the_notice() {
        let running = running(|| tokio::spawn(async {}));
        let (stopping, stop_serving) = (running.stopping.clone(), running.stop_serving.clone());
        let began = Instant::now();
        let serving = tokio::spawn(async move {
            stop_serving.cancelled().await;
            Ok(())
        });
        let drained = tokio::spawn(running.drain(serving, no_pool(), Duration::from_millis(700)));
        stopping.cancelled().await;
        assert!(
            began.elapsed() < Duration::from_millis(300),
            "unready at once, and not only after the notice"
        );
        drained.await.unwrap();
        let took = began.elapsed().as_millis();
        assert!((700..1_400).contains(&took), "{took} ms");
    }
}
