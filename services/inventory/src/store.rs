//! Every SQL statement of the service. Each function takes and returns many; one is a list of one.

pub mod audit;
pub mod products;
pub mod reservations;
pub mod stock;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

const NOW: &str = "SELECT clock_timestamp()";

/// All statements by name, so that a test can prepare each against a migrated database.
pub const STATEMENTS: &[(&str, &str)] = &[
    ("NOW", NOW),
    ("audit::AUDIT", audit::AUDIT),
    ("products::LIST", products::LIST),
    ("products::GET", products::GET),
    ("products::LOCK", products::LOCK),
    ("products::INSERT", products::INSERT),
    ("products::DESCRIBE", products::DESCRIBE),
    ("products::CREATION_LOCK", products::CREATION_LOCK),
    ("reservations::GET", reservations::GET),
    ("stock::LOCK", stock::LOCK),
    ("stock::SHIFT", stock::SHIFT),
    ("stock::SET", stock::SET),
    ("stock::RECORD", stock::RECORD),
];

/// The database's clock, the only one whose times are stored.
///
/// # Errors
/// The database's.
pub async fn now(tx: &mut PgConnection) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar(NOW).fetch_one(tx).await
}
