//! Planted bugs of the consumer: two wrong ways to try again.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use lapin::{
    Channel,
    options::{BasicAckOptions, BasicNackOptions},
};
use tokio_util::sync::CancellationToken;

use super::{Consumer, Incoming, Processed};
use crate::{
    broker::publisher::Message,
    faults::{Point, point},
    participant::Participant,
};

/// How long an acknowledgement takes from our hands to the broker's.
const ACK_TAKES: Duration = Duration::from_millis(50);

/// Copies that are to be made once their originals are acknowledged; a process has one consumer.
static COPIES: Mutex<Vec<Message>> = Mutex::new(Vec::new());

/// [`Bug::AckBeforeCopy`](crate::faults::Bug::AckBeforeCopy): the halves of a retry in the wrong order.
pub(super) fn copy_later(message: Message) {
    COPIES.lock().unwrap_or_else(PoisonError::into_inner).push(message);
}

impl<P: Participant> Consumer<P> {
    /// The second half, with the point between the halves where it belongs.
    pub(super) async fn copy_now(&self) {
        let copies = std::mem::take(&mut *COPIES.lock().unwrap_or_else(PoisonError::into_inner));
        if !copies.is_empty() {
            tokio::time::sleep(ACK_TAKES).await;
            point(Point::AfterCopy);
            let sent = self.publisher.publish(copies).await;
            tracing::info!(?sent, "copies were made after their originals were acknowledged");
        }
    }

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
