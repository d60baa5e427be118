//! RabbitMQ: connections, publishing with confirms, consuming in batches. `lapin` appears nowhere else.

pub(crate) mod connection;
pub(crate) mod consumer;
pub(crate) mod incoming;
pub(crate) mod publisher;
pub(crate) mod tap;

/// How often a message was tried before; on copies that come back from the retry ladder.
pub(crate) const ATTEMPT: &str = "x-attempt";
/// When handling it first failed, RFC 3339.
pub(crate) const FIRST_FAILED_AT: &str = "x-first-failed-at";
/// `retry`, `malformed`, `unknown_type`, …
pub(crate) const ERROR_CLASS: &str = "x-error-class";
/// What went wrong, cut to a kilobyte.
pub(crate) const ERROR_TEXT: &str = "x-error-text";
/// Who published it first. A copy carries its consumer's own `user_id`, so the producer that was
/// verified on arrival is written down here.
pub(crate) const PRODUCER: &str = "x-producer";
/// How often its sender said the event again on purpose.
pub(crate) const RESEND: &str = "x-resend";
/// The event's cause, for tools that do not read the body.
pub(crate) const CAUSATION: &str = "causation_id";
/// Schema version of the payload.
pub(crate) const VERSION: &str = "version";
