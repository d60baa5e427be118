//! The ledger's audit: our books against the gateway's, order by order (invariants 2, 3 and 5).
//!
//! Nothing stands still meanwhile. The journal is read first, so that every order in it is known here
//! by the time our books are read; and an order that differs is looked at again a second later, and
//! reported only when it differs still and did not change while it was looked at.

use std::{collections::HashMap, time::Duration};

use payment_domain::Status;
use serde::Serialize;
use shared_events::OrderId;
use sqlx::PgPool;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    journal::{Journal, MoneyAtGateway},
    store::{self, Book},
};

/// Orders read from our books at a time: a few megabytes.
const PAGE: i64 = 5_000;
/// How long an order that differs is left alone before it is looked at again. What was under way by
/// then has been written down on both sides.
const SECOND_LOOK_AFTER: Duration = Duration::from_secs(1);
/// Orders looked at again; each is a question to the journal. When more differ, something is so
/// wrong that a sample says it.
const SECOND_LOOKS_MAX: usize = 500;
/// Differences listed in the answer; their number is told in full.
const LISTED_MAX: usize = 200;

/// What the audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Audit {
    /// Whether there is no difference.
    pub balanced: bool,
    /// Orders in our books.
    pub orders: usize,
    /// Those of them of which the gateway may know more than we do yet.
    pub in_flight: usize,
    /// Those of them that wait for a person.
    pub stuck: usize,
    /// Orders at the gateway that our books never heard of: another database's.
    pub foreign: usize,
    /// Differences found; the list has at most 200 of them.
    pub differences_total: usize,
    /// What differs, and how.
    pub differences: Vec<Difference>,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Difference {
    /// The order.
    #[schema(value_type = Uuid)]
    pub order_id: OrderId,
    /// What was compared.
    pub what: &'static str,
    /// What it should be: an amount, or a number of things.
    #[schema(value_type = f64)]
    pub expected: Figure,
    /// What it is.
    #[schema(value_type = f64)]
    pub found: Figure,
}

/// A figure in a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// An amount, minor units.
    Money(i64),
    /// A number of things.
    Count(u32),
}

impl Serialize for Figure {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Money(minor) => chassis::http::Amount(*minor).serialize(serializer),
            Self::Count(count) => serializer.serialize_u32(*count),
        }
    }
}

/// Why the audit could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Our own books.
    #[error("our books cannot be read")]
    Books(#[from] sqlx::Error),
    /// The gateway's.
    #[error("the gateway's journal cannot be read")]
    Journal(#[from] reqwest::Error),
}

/// Audits every order.
///
/// # Errors
/// When one of the books cannot be read.
pub async fn audit(pool: &PgPool, journal: &Journal) -> Result<Audit, AuditError> {
    let mut at_gateway = journal.all().await?;
    let mut found = Audit::default();
    let mut suspects = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let page = store::books_after(pool, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.order_id;
        for book in &page {
            found.orders += 1;
            let status = status(book);
            found.in_flight += usize::from(status.is_none_or(Status::is_in_flight));
            found.stuck += usize::from(matches!(status, Some(Status::Unresolved | Status::RefundStuck)));
            let money = at_gateway.remove(&book.order_id).unwrap_or_default();
            if !compare(book, &money).is_empty() {
                suspects.push(book.order_id);
            }
        }
    }
    found.foreign = at_gateway.len();
    if !suspects.is_empty() {
        tokio::time::sleep(SECOND_LOOK_AFTER).await;
        suspects.truncate(SECOND_LOOKS_MAX);
        let differences = second_look(pool, journal, &suspects).await?;
        found.differences_total = differences.len();
        found.differences = differences.into_iter().take(LISTED_MAX).collect();
    }
    found.balanced = found.differences_total == 0;
    Ok(found)
}

/// Looks at some orders again. Our books are read before and after the gateway's: an order that stood
/// still in ours all the while has no excuse for differing.
async fn second_look(
    pool: &PgPool,
    journal: &Journal,
    suspects: &[Uuid],
) -> Result<Vec<Difference>, AuditError> {
    let before = store::books(pool, suspects).await?;
    let mut at_gateway = HashMap::with_capacity(before.len());
    for book in &before {
        at_gateway.insert(book.order_id, journal.of(book.order_id).await?);
    }
    let after = store::books(pool, suspects).await?;
    let after: HashMap<Uuid, &Book> = after.iter().map(|book| (book.order_id, book)).collect();
    let stood_still = |book: &&Book| after.get(&book.order_id).is_some_and(|after| after == book);
    let mut still: Vec<&Book> = before.iter().filter(stood_still).collect();
    still.sort_by_key(|book| book.order_id);
    Ok(still.into_iter().flat_map(|book| compare(book, &at_gateway[&book.order_id])).collect())
}

fn status(book: &Book) -> Option<Status> {
    Status::ALL.iter().copied().find(|status| status.as_str() == book.status)
}

/// What of one order is not as it should be. While it is in flight, the gateway may be ahead of us;
/// its own invariants hold all the same.
#[must_use]
pub fn compare(book: &Book, money: &MoneyAtGateway) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut check = |right: bool, what, expected, found| {
        if !right {
            differences.push(Difference { order_id: OrderId(book.order_id), what, expected, found });
        }
    };
    let mut equal = |what, expected: i64, found: i64| {
        check(expected == found, what, Figure::Money(expected), Figure::Money(found));
    };
    let amount = book.amount_minor.unwrap_or_default();

    equal("captured_in_ledger", book.captured_minor, book.ledger_captured);
    equal("refunded_in_ledger", book.refunded_minor, book.ledger_refunded);
    let status = status(book);
    if let Some((captured, refunded)) = status.and_then(|status| owed_by(status, amount)) {
        equal("captured_by_status", captured, book.captured_minor);
        equal("refunded_by_status", refunded, book.refunded_minor);
    }
    if !status.is_none_or(Status::is_in_flight) {
        equal("captured_at_gateway", book.captured_minor, money.captured_minor);
        equal("refunded_at_gateway", book.refunded_minor, money.refunded_minor);
    }
    let mut at_most = |what, most: i64, found: i64| {
        check(found <= most, what, Figure::Money(most), Figure::Money(found));
    };
    at_most("captured_at_most_amount", amount, money.captured_minor.max(book.captured_minor));
    at_most("refunded_at_most_captured", money.captured_minor, money.refunded_minor);
    check(money.captures <= 1, "captures_at_gateway", Figure::Count(1), Figure::Count(money.captures));
    differences
}

/// What must be captured and refunded in a state of which that is certain (invariant 3).
fn owed_by(status: Status, amount: i64) -> Option<(i64, i64)> {
    match status {
        Status::Collecting
        | Status::Charging
        | Status::Unknown
        | Status::Voiding
        | Status::Unresolved
        | Status::Failed
        | Status::Voided => Some((0, 0)),
        Status::Captured | Status::Refunding | Status::RefundStuck => Some((amount, 0)),
        Status::Refunded => Some((amount, amount)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn book(status: Status, captured: i64, refunded: i64) -> Book {
        Book {
            order_id: Uuid::from_u128(7),
            status: status.as_str().to_owned(),
            amount_minor: Some(4998),
            captured_minor: captured,
            refunded_minor: refunded,
            updated_at: DateTime::UNIX_EPOCH,
            ledger_captured: captured,
            ledger_refunded: refunded,
        }
    }

    fn money(captures: u32, captured_minor: i64, refunded_minor: i64) -> MoneyAtGateway {
        MoneyAtGateway { captures, captured_minor, refunded_minor }
    }

    fn what(book: &Book, money: &MoneyAtGateway) -> Vec<&'static str> {
        compare(book, money).iter().map(|difference| difference.what).collect()
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn books_that_agree_have_no_difference() {
        for (status, captured, refunded) in [
            (Status::Collecting, 0, 0),
            (Status::Captured, 4998, 0),
            (Status::Failed, 0, 0),
            (Status::Voided, 0, 0),
            (Status::RefundStuck, 4998, 0),
            (Status::Refunded, 4998, 4998),
        ] {
            let at_gateway = money(u32::from(captured > 0), captured, refunded);
            assert_eq!(what(&book(status, captured, refunded), &at_gateway), NONE, "{status:?}");
        }
    }

    #[test]
    fn while_an_order_is_in_flight_the_gateway_may_be_ahead() {
        for status in [Status::Charging, Status::Unknown, Status::Voiding, Status::Unresolved] {
            assert_eq!(what(&book(status, 0, 0), &money(1, 4998, 0)), NONE);
            assert_eq!(what(&book(status, 0, 0), &money(0, 0, 0)), NONE);
        }
        assert_eq!(what(&book(Status::Refunding, 4998, 0), &money(1, 4998, 4998)), NONE);
    }

    #[test]
    fn two_captures_are_found_even_in_flight() {
        let found = compare(&book(Status::Charging, 0, 0), &money(2, 4998, 0));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].what, "captures_at_gateway");
        assert_eq!((found[0].expected, found[0].found), (Figure::Count(1), Figure::Count(2)));
    }

    #[test]
    fn money_that_only_one_side_knows_is_found() {
        assert_eq!(what(&book(Status::Captured, 4998, 0), &money(0, 0, 0)), ["captured_at_gateway"]);
        assert_eq!(what(&book(Status::Failed, 0, 0), &money(1, 4998, 0)), ["captured_at_gateway"]);
        let refunded_behind_our_back = what(&book(Status::Captured, 4998, 0), &money(1, 4998, 4998));
        assert_eq!(refunded_behind_our_back, ["refunded_at_gateway"]);
        let found = what(&book(Status::Refunded, 4998, 4998), &money(1, 4998, 0));
        assert_eq!(found, ["refunded_at_gateway"]);
    }

    #[test]
    fn more_than_the_order_or_more_back_than_in_is_found() {
        let found = what(&book(Status::Unknown, 0, 0), &money(1, 4999, 0));
        assert_eq!(found, ["captured_at_most_amount"]);
        let found = what(&book(Status::Unknown, 0, 0), &money(1, 100, 200));
        assert_eq!(found, ["refunded_at_most_captured"]);
    }

    #[test]
    fn a_planted_drift_is_named_from_every_side() {
        let mut drifted = book(Status::Captured, 4998, 0);
        drifted.captured_minor = 4900;
        let found = what(&drifted, &money(1, 4998, 0));
        assert_eq!(found, ["captured_in_ledger", "captured_by_status", "captured_at_gateway"]);
        let mut lost_entry = book(Status::Refunded, 4998, 4998);
        lost_entry.ledger_refunded = 0;
        assert_eq!(what(&lost_entry, &money(1, 4998, 4998)), ["refunded_in_ledger"]);
    }

    #[test]
    fn differences_read_as_decimals_and_counts() {
        let found = compare(&book(Status::Failed, 0, 0), &money(2, 4998, 0));
        let json = serde_json::to_string(&found).unwrap();
        assert!(json.contains(r#""what":"captured_at_gateway","expected":0.00,"found":49.98"#), "{json}");
        assert!(json.contains(r#""what":"captures_at_gateway","expected":1,"found":2"#), "{json}");
    }
}
