//! Planted bugs of the relay: two ways of not finding what was left behind.

use crate::faults::{Bug, planted};

/// A number is drawn before its transaction is visible, so a row may appear behind the cursor.
const NEWER_THAN_THE_NEWEST: &str = "UPDATE outbox SET claimed_until = clock_timestamp() + $2::text::interval \
     WHERE seq IN (SELECT seq FROM outbox WHERE dead_at IS NULL AND $3::text IS NOT NULL \
                   AND seq > (SELECT COALESCE(max(seq), 0) FROM outbox WHERE published_at IS NOT NULL) \
                   ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED) \
     RETURNING seq, body, resends";
/// What no engine has handed over: events that belong to no decision.
const NEVER_HANDED_OVER: &str = "UPDATE outbox SET claimed_until = clock_timestamp() + $2::text::interval \
     WHERE seq IN (SELECT seq FROM outbox WHERE published_at IS NULL AND dead_at IS NULL \
                   AND claimed_until IS NULL AND $3::text IS NOT NULL ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED) \
     RETURNING seq, body, resends";

/// The statement of [`Bug::CursorRelay`] or [`Bug::NoSweep`], or the sound one.
pub(super) fn claim(sound: &'static str) -> &'static str {
    if planted(Bug::CursorRelay) {
        NEWER_THAN_THE_NEWEST
    } else if planted(Bug::NoSweep) {
        NEVER_HANDED_OVER
    } else {
        sound
    }
}
