//! Planted bugs: mistakes that real systems ship with. Each must be caught by the fault suite, or the
//! suite is worth nothing. Which fault brings a bug to light and which oracle has to see it stands with
//! the bug; `make chaos-controls` goes through this table.

use serde_json::{Value, json};
use shared_events::Service;

use crate::topology;

macro_rules! bugs {
    ($($(#[doc = $what:literal])+ $bug:ident = $name:literal
        hurts $fault:literal
        seen $oracle:literal),+ $(,)?) => {
        /// A mistake that can be planted in a test build.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Bug {
            $(
                $(#[doc = $what])+
                #[doc = concat!("\n\nIt does damage ", $fault, ".\n\nIt is seen by this: ", $oracle, ".")]
                $bug
            ),+
        }

        impl Bug {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$bug),+];

            /// Its name in `PLANTED_BUG`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$bug => $name),+ }
            }

            /// The mistake, and whom it imitates.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$bug => concat!($($what),+).trim_ascii_start()),+ }
            }

            /// Under which fault it does damage.
            #[must_use]
            pub const fn hurts(self) -> &'static str {
                match self { $(Self::$bug => $fault),+ }
            }

            /// Which oracle must see the damage.
            #[must_use]
            pub const fn seen(self) -> &'static str {
                match self { $(Self::$bug => $oracle),+ }
            }
        }
    };
}

bugs! {
    /// Every service: an event that was handled before is handled again; the log takes a second row of
    /// it. Imitates consumers that trust the broker to deliver once.
    NoInbox = "no_inbox"
        hurts "when events are delivered two to five times, or after a kill at before_ack"
        seen "a saga log has two rows for one event (the second has it in causation_id); and a run that delivers twice drops no duplicate",
    /// Every service: a delivery is acknowledged when it is read, before its transaction. Imitates
    /// automatic acknowledgement.
    AckBeforeCommit = "ack_before_commit"
        hurts "when a consumer is killed with deliveries in hand (before_commit), or stopped while its database is away"
        seen "applied or dead-lettered = published; and sagas that never end",
    /// Every service: a handler that fails is logged, and its deliveries are acknowledged. Imitates the
    /// catch-all around a handler.
    AckOnFailure = "ack_on_failure"
        hurts "when a handler panics (panic_in_decide), or an input cannot be written for a while"
        seen "applied or dead-lettered = published; and sagas that never end",
    /// Every service: a row counts as sent when it is written to the socket; no confirm is waited for.
    /// Imitates publishers without confirms.
    MarkBeforeConfirm = "mark_before_confirm"
        hurts "when the broker is killed, or its connections are cut or swallowed, under load"
        seen "the wiretap saw every outbox row that is marked as published; and sagas that never end",
    /// Every service: an acknowledged event counts as sent, also one that came back because no queue was
    /// bound. Imitates an ear for acks only.
    ReturnedIsSent = "returned_is_sent"
        hurts "while nothing at all is bound for an event: its consumers' bindings and the wiretap's are removed, and mended later"
        seen "applied or dead-lettered = published; and sagas that never end",
    /// Every service: the relay reads only by a cursor, rows newer than the newest it has sent. Imitates
    /// pollers with a high-water mark.
    CursorRelay = "cursor_relay"
        hurts "when transactions commit in another order than they took their numbers (load, slow Postgres), when a confirm is lost, and on every resend"
        seen "no outbox row stays unpublished; and the wiretap saw every committed event",
    /// Every service: only what the engine hands over is published; what is left behind stays there.
    /// Imitates "publish after commit" without an outbox's second half.
    NoSweep = "no_sweep"
        hurts "when a service is killed at after_commit, or the broker while events are under way"
        seen "no outbox row stays unpublished; and sagas that never end",
    /// Every service: events go out before their transaction is committed. Imitates a publish from
    /// within the handler.
    PublishBeforeCommit = "publish_before_commit"
        hurts "when a transaction ends without its commit: kill at before_commit, cut COMMIT, Postgres killed"
        seen "every event on the wiretap is in its producer's outbox",
    /// Inventory: it forgets that it released an order of which nothing was held. Imitates "nothing to
    /// undo".
    NoTombstone = "no_tombstone"
        hurts "when a release overtakes its reservation: cancelled at once, and the request late (retried, reordered)"
        seen "no dead order holds stock (invariant 4); and the stock adds up",
    /// Inventory: stock is read without a lock and written as a number. Imitates entities that an ORM
    /// loads and stores.
    ReadThenWriteStock = "read_then_write_stock"
        hurts "when two replicas of inventory share the load of few products, or stock is adjusted under load"
        seen "the stock adds up: adjustments = on_hand + committed, reserved = held (invariant 1)",
    /// Payment: a gateway that gives no answer to a charge is taken for a decline. Imitates the timeout
    /// in the catch block.
    TimeoutIsFailure = "timeout_is_failure"
        hurts "when the gateway captures and answers too late or not at all"
        seen "the gateway's journal: a failed order has captured = refunded (invariant 3)",
    /// Payment: a charge without an answer is sent again at once, under a new key. Imitates a client
    /// library's retry that makes a key for each attempt.
    SecondKey = "second_key"
        hurts "when the gateway captures and answers too late or not at all"
        seen "the gateway's journal: never two captures for one order (invariant 5)",
    /// Every service: what fails is rejected, and the dead-letter exchange of its inbox leads into the
    /// ladder (see [`plant_in_topology`]). Imitates retries by dead-lettering, which count nothing.
    RetryByReject = "retry_by_reject"
        hurts "when an input can never be written: it goes round and round"
        seen "applied or dead-lettered = published, with a reason, and no message is left on inbox or ladder",
    /// Every service: its transactions do not wait for the disk, and the check at start is skipped.
    /// Imitates a tuning guide.
    SynchronousCommitOff = "synchronous_commit_off"
        hurts "when Postgres is killed (all of it, by kill -9) under load"
        seen "what was accepted exists; the wiretap saw no event that its outbox lacks",
    /// Order: a customer has the answer before the order is in the database. Imitates "202, we will see
    /// to it".
    AnswerBeforeCommit = "answer_before_commit"
        hurts "when the order service is killed, or its database is away, under load"
        seen "what was accepted exists",
    /// Every service: a failed delivery is acknowledged, and then its copy is published. Imitates
    /// the two halves of a retry in the comfortable order.
    AckBeforeCopy = "ack_before_copy"
        hurts "when a service is killed at after_copy (between the halves, here too), or the broker goes while a copy is made"
        seen "applied or dead-lettered = published; and sagas that never end",
    /// Every service: armed timers are kept in the process only. Imitates `sleep` in a task.
    TimersInMemory = "timers_in_memory"
        hurts "when payment or shipping is killed between an intent and its call (before_effect, after_effect), or order with a deadline open"
        seen "every saga ends",
    /// Every service: commands run in their request's own future, in a transaction begun by hand, and a
    /// connection comes back to the pool as it is. Imitates trap 2 of the design, cancellation.
    CancelledTransactions = "cancelled_transactions"
        hurts "when clients hang up while their orders are written, under load"
        seen "every order is in the outbox and in the saga log (order without order.placed); and sagas that never end",
    /// Payment: a capture that comes after the order's death is kept. Imitates compensation that looks
    /// only once.
    RefundSkipped = "refund_skipped"
        hurts "when orders are cancelled, or fail by deadline, while the gateway is slow"
        seen "the gateway's journal: a dead order has captured = refunded (invariant 3); and sagas that never end",
    /// Every service: a command whose commit gave no answer is answered "not done", for good. Imitates
    /// an error handler that believes an error.
    FailedCommitIsFailure = "failed_commit_is_failure"
        hurts "when the answer to a COMMIT is lost on its way"
        seen "what was refused for good does not exist",
}

impl Bug {
    /// The bug of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|bug| bug.name() == name)
    }
}

/// Plants the half of a bug that lies in the broker: changes `definitions` as
/// [`definitions`](topology::definitions) made them. Only [`Bug::RetryByReject`] has such a half: what
/// an inbox rejects goes to the ladder's first rung instead of the dead letters.
pub fn plant_in_topology(bug: Bug, definitions: &mut Value) {
    if bug != Bug::RetryByReject {
        return;
    }
    let policies = definitions["policies"].as_array_mut().into_iter().flatten();
    for policy in policies {
        let of_inbox = Service::ALL.iter().find(|service| policy["name"] == json!(service.inbox()));
        if let Some(service) = of_inbox {
            policy["definition"]["dead-letter-exchange"] = json!(topology::retry_exchange(*service));
            policy["definition"]["dead-letter-routing-key"] = json!(topology::LADDER[0].name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_by_reject_leads_every_inbox_into_its_own_ladder_and_no_other_bug_touches_the_broker() {
        let sound = topology::definitions("/", 1, &topology::Secrets::new());
        for bug in Bug::ALL {
            let mut definitions = sound.clone();
            plant_in_topology(*bug, &mut definitions);
            let policies = definitions["policies"].as_array().unwrap();
            let changed =
                policies.iter().filter(|p| p["definition"]["dead-letter-routing-key"] == "1s").count();
            let expected = if *bug == Bug::RetryByReject { Service::ALL.len() } else { 0 };
            assert_eq!(changed, expected, "{}", bug.name());
            assert_eq!(definitions == sound, expected == 0, "{}", bug.name());
        }
    }
}
