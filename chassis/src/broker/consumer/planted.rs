//! Planted bugs of the consumer: two wrong ways to try again.

use std::time::Duration;

use lapin::{
    Channel,
    options::{BasicAckOptions, BasicNackOptions},
};
use tokio_util::sync::CancellationToken;

use super::{Consumer, Incoming, Processed};
use crate::{
    broker::publisher::{Message, PublisherHandle},
    faults::{Point, point},
    participant::Participant,
};

/// By then the acknowledgement of the original has left.
const ACK_TAKES: Duration = Duration::from_millis(50);

/// [`Bug::AckBeforeCopy`](crate::faults::Bug::AckBeforeCopy): the halves of a retry in the wrong order,
/// with the point between them where it belongs.
pub(super) fn copy_later(publisher: PublisherHandle, message: Message) {
    tokio::spawn(async move {
        tokio::time::sleep(ACK_TAKES).await;
        point(Point::AfterCopy);
        let sent = publisher.publish(vec![message]).await;
        tracing::info!(?sent, "a copy was made after its original was acknowledged");
    });
}

impl<P: Participant> Consumer<P> {
    /// [`Bug::RetryByReject`](crate::faults::Bug::RetryByReject): what fails is rejected, and wherever
    /// the broker puts it is the retry. `last` is the tag of the batch's last delivery; the tags of a
    /// channel follow each other.
    pub(super) async fn answer_one_by_one(
        &self,
        batch: Vec<Incoming>,
        last: u64,
        channel: &Channel,
        stop: &CancellationToken,
    ) -> anyhow::Result<bool> {
        let first = last + 1 - batch.len() as u64;
        for (tag, incoming) in (first..).zip(batch) {
            if let Err(refusal) = &incoming.content {
                self.dead_letter(&incoming, &refusal.clone()).await?;
                channel.basic_ack(tag, BasicAckOptions::default()).await?;
                continue;
            }
            match self.process(std::slice::from_ref(&incoming), channel, stop).await? {
                Processed::Written => channel.basic_ack(tag, BasicAckOptions::default()).await?,
                Processed::Stopped => return Ok(false),
                Processed::Failed(reason) => {
                    tracing::warn!(reason, "handling failed; rejecting");
                    let reject = BasicNackOptions { multiple: false, requeue: false };
                    channel.basic_nack(tag, reject).await?;
                }
            }
        }
        Ok(true)
    }
}
