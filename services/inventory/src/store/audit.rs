//! Invariant 1, recomputed from reservations and adjustments: does the stock add up?
//!
//! For each product `reserved` must be the sum of all held lines, and `on_hand` the sum of all
//! adjustments less the committed lines. It is one statement and so sees one snapshot, in which
//! every order's reservation and its stock agree: the answer is right while orders go on.

use serde::{Deserialize, Serialize};
use sqlx::{PgExecutor, types::Json};
use utoipa::ToSchema;
use uuid::Uuid;

/// A product may be missing on either side: a line of a product that is gone is a difference too.
pub(super) const AUDIT: &str = "WITH lines AS ( \
         SELECT r.status, (item ->> 'product_id')::uuid AS product_id, (item ->> 'quantity')::bigint AS quantity \
         FROM reservations AS r CROSS JOIN LATERAL jsonb_array_elements(r.state -> 'items') AS item \
         WHERE r.status IN ('held', 'committed')), \
     promised AS ( \
         SELECT product_id, coalesce(sum(quantity) FILTER (WHERE status = 'held'), 0)::bigint AS held, \
                coalesce(sum(quantity) FILTER (WHERE status = 'committed'), 0)::bigint AS committed \
         FROM lines GROUP BY product_id), \
     adjusted AS (SELECT product_id, sum(delta)::bigint AS total FROM stock_adjustments GROUP BY product_id), \
     books AS ( \
         SELECT coalesce(p.id, promised.product_id) AS product_id, coalesce(p.name, '') AS name, \
                coalesce(p.on_hand, 0) AS on_hand, coalesce(p.reserved, 0) AS reserved, \
                coalesce(promised.held, 0) AS held, \
                coalesce(adjusted.total, 0) - coalesce(promised.committed, 0) AS due \
         FROM products AS p FULL JOIN promised ON promised.product_id = p.id \
         LEFT JOIN adjusted ON adjusted.product_id = coalesce(p.id, promised.product_id)), \
     differences AS ( \
         SELECT product_id, name, 'reserved' AS what, held AS expected, reserved AS found \
         FROM books WHERE held <> reserved \
         UNION ALL \
         SELECT product_id, name, 'on_hand', due, on_hand FROM books WHERE due <> on_hand) \
     SELECT (SELECT count(*) FROM products), (SELECT count(*) FROM differences), \
            (SELECT coalesce(jsonb_agg(listed), '[]') \
             FROM (SELECT * FROM differences ORDER BY product_id, what LIMIT $1) AS listed)";

/// Differences listed; the rest are only counted. More than that is one fault, not many.
const DIFFERENCES_MAX: i64 = 200;

/// One figure that is not what reservations and adjustments say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// Which product.
    pub product_id: Uuid,
    /// Its name; empty when the product is gone.
    pub name: String,
    /// `on_hand` or `reserved`.
    pub what: String,
    /// What it should be.
    pub expected: i64,
    /// What it is.
    pub found: i64,
}

/// The result of the recomputation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Audit {
    /// Whether everything adds up.
    pub balanced: bool,
    /// How many products were checked.
    pub products: i64,
    /// How many figures differ.
    pub differences_total: i64,
    /// The first of them, by product.
    pub differences: Vec<Difference>,
}

/// Recomputes the stock of every product.
///
/// # Errors
/// The database's.
pub async fn run(db: impl PgExecutor<'_>) -> sqlx::Result<Audit> {
    let (products, differences_total, Json(differences)): (i64, i64, Json<Vec<Difference>>) =
        sqlx::query_as(AUDIT).bind(DIFFERENCES_MAX).fetch_one(db).await?;
    Ok(Audit { balanced: differences_total == 0, products, differences_total, differences })
}
