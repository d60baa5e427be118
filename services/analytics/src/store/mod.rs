//! Every SQL statement of the analytics service: here the facts and the counters, in [`reports`]
//! what is asked of them.

pub mod reports;

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use chassis::StateTable;
use chrono::{DateTime, Utc};
use shared_events::{Currency, OrderId, events::order::Line};
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

use crate::{
    counters::{Counters, MoneyTotals},
    facts::OrderFacts,
};

static FACTS: LazyLock<StateTable> = LazyLock::new(|| StateTable::new("order_facts"));

const INSERT_LINES: &str = "\
    INSERT INTO order_lines (order_id, product_id, units, minor) \
    SELECT order_id, product_id, SUM(units)::bigint, SUM(units * price)::bigint \
    FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) AS line (order_id, product_id, units, price) \
    GROUP BY order_id, product_id ON CONFLICT DO NOTHING";

/// Comes before the other two: its row's lock is what makes batches of several replicas change the
/// counters one after the other, whatever rows they need of the other tables.
const ADVANCE: &str = "\
    UPDATE counters SET revision = revision + 1, orders = orders + $1, confirmed = confirmed + $2, \
    failed = failed + $3, payments_captured = payments_captured + $4, payments_failed = payments_failed + $5";

const ADD_MONEY: &str = "\
    INSERT INTO money_totals AS total (currency, captured_minor, refunded_minor, confirmed_orders, confirmed_minor) \
    SELECT * FROM UNNEST($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) \
    ON CONFLICT (currency) DO UPDATE SET \
    captured_minor = total.captured_minor + excluded.captured_minor, \
    refunded_minor = total.refunded_minor + excluded.refunded_minor, \
    confirmed_orders = total.confirmed_orders + excluded.confirmed_orders, \
    confirmed_minor = total.confirmed_minor + excluded.confirmed_minor";

const ADD_EVENTS: &str = "\
    INSERT INTO event_counts AS total (event_type, count) SELECT * FROM UNNEST($1::text[], $2::bigint[]) \
    ON CONFLICT (event_type) DO UPDATE SET count = total.count + excluded.count";

/// One statement, and so one snapshot: all counters are of the revision beside them.
const SNAPSHOT: &str = "\
    SELECT source, revision, orders, confirmed, failed, payments_captured, payments_failed, \
    (SELECT COALESCE(jsonb_object_agg(event_type, count), '{}') FROM event_counts) AS events, \
    (SELECT COALESCE(jsonb_object_agg(currency, jsonb_build_object( \
        'captured_minor', captured_minor, 'refunded_minor', refunded_minor, \
        'confirmed_orders', confirmed_orders, 'confirmed_minor', confirmed_minor)), '{}') \
     FROM money_totals) AS money \
    FROM counters";

/// The facts of those of these orders that are known; the caller holds their locks.
///
/// # Errors
/// The database's, or a document that no longer fits.
pub async fn load(tx: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, OrderFacts>> {
    FACTS.load(tx, orders).await
}

/// What one batch changes.
#[derive(Debug, Default)]
pub struct Batch<'a> {
    /// The facts of the orders about which something new was heard.
    pub facts: Vec<(OrderId, &'a OrderFacts)>,
    /// The lines of the orders that were placed.
    pub lines: Vec<(OrderId, &'a [Line])>,
    /// By how much the counters change.
    pub counters: Counters,
}

/// Writes the batch: the orders' own rows first, the rows that all batches share as late as may be.
///
/// # Errors
/// The database's; among them the refusal of an implausible amount.
pub async fn save(tx: &mut PgConnection, batch: &Batch<'_>, at: DateTime<Utc>) -> sqlx::Result<()> {
    FACTS.save(tx, &batch.facts, at).await?;
    insert_lines(tx, &batch.lines).await?;
    add(tx, &batch.counters).await
}

async fn insert_lines(tx: &mut PgConnection, lines: &[(OrderId, &[Line])]) -> sqlx::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let (mut orders, mut products, mut units, mut prices) = (vec![], vec![], vec![], vec![]);
    for (order, line) in lines.iter().flat_map(|(order, lines)| lines.iter().map(|line| (order.0, line))) {
        orders.push(order);
        products.push(line.product_id.0);
        units.push(i64::from(line.quantity));
        prices.push(line.unit_price_minor);
    }
    sqlx::query(INSERT_LINES).bind(orders).bind(products).bind(units).bind(prices).execute(tx).await?;
    Ok(())
}

async fn add(tx: &mut PgConnection, change: &Counters) -> sqlx::Result<()> {
    sqlx::query(ADVANCE)
        .bind(change.orders)
        .bind(change.confirmed)
        .bind(change.failed)
        .bind(change.payments_captured)
        .bind(change.payments_failed)
        .execute(&mut *tx)
        .await?;
    let money = || change.money.iter().filter(|(_, change)| **change != MoneyTotals::default());
    let column =
        |field: fn(&MoneyTotals) -> i64| money().map(|(_, totals)| field(totals)).collect::<Vec<_>>();
    let currencies: Vec<_> = money().map(|(currency, _)| currency.as_str()).collect();
    if !currencies.is_empty() {
        sqlx::query(ADD_MONEY)
            .bind(currencies)
            .bind(column(|totals| totals.captured_minor))
            .bind(column(|totals| totals.refunded_minor))
            .bind(column(|totals| totals.confirmed_orders))
            .bind(column(|totals| totals.confirmed_minor))
            .execute(&mut *tx)
            .await?;
    }
    let (types, counts): (Vec<_>, Vec<_>) =
        change.events.iter().map(|(event_type, count)| (event_type.as_str(), *count)).unzip();
    if !types.is_empty() {
        sqlx::query(ADD_EVENTS).bind(types).bind(counts).execute(tx).await?;
    }
    Ok(())
}

/// The counters at one revision of one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The database's name in Redis.
    pub source: Uuid,
    /// One more with each batch.
    pub revision: i64,
    /// The counters.
    pub counters: Counters,
}

#[derive(sqlx::FromRow)]
struct SnapshotRow {
    source: Uuid,
    revision: i64,
    orders: i64,
    confirmed: i64,
    failed: i64,
    payments_captured: i64,
    payments_failed: i64,
    events: Json<BTreeMap<String, i64>>,
    money: Json<BTreeMap<Currency, MoneyTotals>>,
}

/// The counters as they are.
///
/// # Errors
/// The database's.
pub async fn snapshot(pool: &PgPool) -> sqlx::Result<Snapshot> {
    let row: SnapshotRow = sqlx::query_as(SNAPSHOT).fetch_one(pool).await?;
    let counters = Counters {
        orders: row.orders,
        confirmed: row.confirmed,
        failed: row.failed,
        payments_captured: row.payments_captured,
        payments_failed: row.payments_failed,
        money: row.money.0,
        events: row.events.0,
    };
    Ok(Snapshot { source: row.source, revision: row.revision, counters })
}

/// Which database this is, and how far its counters have come.
///
/// # Errors
/// The database's.
pub async fn revision(pool: &PgPool) -> sqlx::Result<(Uuid, i64)> {
    sqlx::query_as("SELECT source, revision FROM counters").fetch_one(pool).await
}
