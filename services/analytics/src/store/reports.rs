//! What is asked of the facts: every statement reads one window of time, over an index.
//!
//! A window is from its first moment (inclusive) to its last (exclusive).

use chrono::{DateTime, Utc};
use shared_events::Currency;
use sqlx::PgPool;
use uuid::Uuid;

const RECENT: &str = "\
    SELECT order_id, customer_id, total_minor, items_count, placed_at FROM order_facts \
    WHERE placed_at IS NOT NULL ORDER BY placed_at DESC, order_id DESC LIMIT $1";

/// Money as it moves: a capture counts when it was made, a refund when it was given.
const REVENUE: &str = "\
    SELECT date_bin($4::text::interval, at, to_timestamp(0)) AS start, \
        SUM(minor)::bigint AS revenue_minor, SUM(orders)::bigint AS orders \
    FROM (SELECT captured_at, captured_minor, 1 FROM order_facts \
            WHERE captured_at >= $1 AND captured_at < $2 AND captured_currency = $3 \
          UNION ALL \
          SELECT refunded_at, -refunded_minor, 0 FROM order_facts \
            WHERE refunded_at >= $1 AND refunded_at < $2 AND refunded_currency = $3) AS moved (at, minor, orders) \
    GROUP BY start ORDER BY start";

const TOP_PRODUCTS: &str = "\
    SELECT product_id, SUM(units)::bigint AS units, SUM(minor)::bigint AS revenue_minor, count(*) AS orders \
    FROM order_facts JOIN order_lines USING (order_id) \
    WHERE confirmed_at >= $1 AND confirmed_at < $2 AND currency = $3 \
    GROUP BY product_id \
    ORDER BY CASE WHEN $5 THEN SUM(minor) ELSE SUM(units) END DESC, SUM(units) DESC, SUM(minor) DESC, product_id \
    LIMIT $4";

/// A later step proves the earlier ones: their events may still be on the way.
const FUNNEL: &str = "\
    SELECT furthest, reason, count(*) AS orders FROM ( \
        SELECT CASE WHEN delivered_at IS NOT NULL THEN 5 WHEN dispatched_at IS NOT NULL THEN 4 \
                    WHEN confirmed_at IS NOT NULL OR scheduled_at IS NOT NULL THEN 3 \
                    WHEN captured_at IS NOT NULL THEN 2 \
                    WHEN reserved_at IS NOT NULL OR payment_requested_at IS NOT NULL THEN 1 ELSE 0 END AS furthest, \
               CASE WHEN delivered_at IS NOT NULL THEN NULL WHEN failed_at IS NOT NULL THEN failed_code \
                    WHEN cancelled_at IS NOT NULL THEN 'cancelled' END AS reason \
        FROM order_facts WHERE placed_at >= $1 AND placed_at < $2) AS reached \
    GROUP BY furthest, reason ORDER BY furthest, orders DESC, reason";

/// Both ends of a duration are of different machines' clocks; one that comes out negative is taken
/// for none at all.
const DURATIONS: &str = "\
    SELECT name, count(*) AS count, max(seconds) AS max, \
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY seconds) AS percentiles \
    FROM (SELECT span.name, GREATEST(0, EXTRACT(epoch FROM span.ended - span.began))::float8 AS seconds \
          FROM order_facts CROSS JOIN LATERAL (VALUES \
            ('placed_to_confirmed', placed_at, confirmed_at), \
            ('placed_to_settled', placed_at, COALESCE(confirmed_at, completed_at)), \
            ('placed_to_reserved', placed_at, reserved_at), \
            ('placed_to_assessed', placed_at, assessed_at), \
            ('reserved_to_payment_requested', reserved_at, payment_requested_at), \
            ('payment_requested_to_captured', payment_requested_at, captured_at), \
            ('captured_to_confirmed', captured_at, confirmed_at), \
            ('confirmed_to_scheduled', confirmed_at, scheduled_at), \
            ('scheduled_to_dispatched', scheduled_at, dispatched_at), \
            ('dispatched_to_delivered', dispatched_at, delivered_at), \
            ('ended_to_compensated', COALESCE(failed_at, cancelled_at), completed_at) \
          ) AS span (name, began, ended) \
          WHERE placed_at >= $1 AND placed_at < $2 AND span.began IS NOT NULL AND span.ended IS NOT NULL \
         ) AS measured \
    GROUP BY name";

/// From (inclusive) and to (exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First moment of the window.
    pub from: DateTime<Utc>,
    /// First moment after it.
    pub to: DateTime<Utc>,
}

/// An order that was placed lately.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RecentOrder {
    /// Which.
    pub order_id: Uuid,
    /// Whose.
    pub customer_id: String,
    /// What it costs, minor units.
    pub total_minor: i64,
    /// Lines it has.
    pub items_count: i32,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
}

/// The orders placed last, newest first.
///
/// # Errors
/// The database's.
pub async fn recent(pool: &PgPool, limit: i64) -> sqlx::Result<Vec<RecentOrder>> {
    sqlx::query_as(RECENT).bind(limit).fetch_all(pool).await
}

/// The money that moved in one bucket of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RevenueRow {
    /// Where the bucket begins, UTC.
    pub start: DateTime<Utc>,
    /// Captured minus refunded, minor units; negative where more went back.
    pub revenue_minor: i64,
    /// How many orders were captured.
    pub orders: i64,
}

/// The money that moved, by buckets of `width` (`1 hour`, `1 day`) counted from 1970 UTC; without
/// the buckets in which none did.
///
/// # Errors
/// The database's.
pub async fn revenue(
    pool: &PgPool,
    window: Window,
    currency: Currency,
    width: &str,
) -> sqlx::Result<Vec<RevenueRow>> {
    sqlx::query_as(REVENUE)
        .bind(window.from)
        .bind(window.to)
        .bind(currency.as_str())
        .bind(width)
        .fetch_all(pool)
        .await
}

/// What was sold of one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ProductRow {
    /// Which.
    pub product_id: Uuid,
    /// How many.
    pub units: i64,
    /// For how much, minor units.
    pub revenue_minor: i64,
    /// In how many orders.
    pub orders: i64,
}

/// What is ranked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// Units sold.
    Units,
    /// What they cost.
    Revenue,
}

/// The products sold most in the orders of that currency that were confirmed in the window.
///
/// # Errors
/// The database's.
pub async fn top_products(
    pool: &PgPool,
    window: Window,
    currency: Currency,
    rank: Rank,
    limit: u32,
) -> sqlx::Result<Vec<ProductRow>> {
    sqlx::query_as(TOP_PRODUCTS)
        .bind(window.from)
        .bind(window.to)
        .bind(currency.as_str())
        .bind(i64::from(limit))
        .bind(rank == Rank::Revenue)
        .fetch_all(pool)
        .await
}

/// Orders that came equally far and ended alike.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct FunnelRow {
    /// The furthest step: 0 placed, 1 reserved, 2 paid, 3 confirmed, 4 shipped, 5 delivered.
    pub furthest: i32,
    /// Why they went no further: an order's failure code or `cancelled`; none while they live.
    pub reason: Option<String>,
    /// How many.
    pub orders: i64,
}

/// How far the orders placed in the window came.
///
/// # Errors
/// The database's.
pub async fn funnel(pool: &PgPool, window: Window) -> sqlx::Result<Vec<FunnelRow>> {
    sqlx::query_as(FUNNEL).bind(window.from).bind(window.to).fetch_all(pool).await
}

/// How long something took.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct DurationRow {
    /// From what to what: `placed_to_confirmed`, …
    pub name: String,
    /// How many orders have both ends.
    pub count: i64,
    /// The 50th, 95th and 99th percentile, seconds, interpolated.
    pub percentiles: Vec<f64>,
    /// The longest, seconds.
    pub max: f64,
}

/// How long the orders placed in the window took, for whatever has been measured at all.
///
/// # Errors
/// The database's.
pub async fn durations(pool: &PgPool, window: Window) -> sqlx::Result<Vec<DurationRow>> {
    sqlx::query_as(DURATIONS).bind(window.from).bind(window.to).fetch_all(pool).await
}
