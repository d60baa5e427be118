//! The catalogue: what can be sold, and at which price.

use chrono::{DateTime, Utc};
use shared_events::{Currency, ProductId};
use sqlx::{PgConnection, PgExecutor, Row, postgres::PgRow};
use uuid::Uuid;

macro_rules! columns {
    () => {
        "id, position, sku, name, description, category, price_minor, currency, on_hand, reserved, \
         created_from, created_at, updated_at"
    };
}

pub(super) const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM products WHERE position > $1 \
      AND ($2::text IS NULL OR name ILIKE $2 OR sku ILIKE $2 OR category ILIKE $2 OR description ILIKE $2) \
      ORDER BY position LIMIT $3"
);

pub(super) const GET: &str = concat!("SELECT ", columns!(), " FROM products WHERE id = ANY($1) ORDER BY id");

pub(super) const LOCK: &str =
    concat!("SELECT ", columns!(), " FROM products WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE");

/// Positions follow the order of the list: `ORDER BY` comes before the identity is drawn.
pub(super) const INSERT: &str = "INSERT INTO products \
     (id, sku, name, description, category, price_minor, currency, on_hand, created_from, created_at, updated_at) \
     SELECT id, sku, name, description, category, price_minor, currency, on_hand, created_from, $10, $10 \
     FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], \
                 $8::bigint[], $9::bytea[]) WITH ORDINALITY \
     AS new (id, sku, name, description, category, price_minor, currency, on_hand, created_from, place) \
     ORDER BY place ON CONFLICT (id) DO NOTHING RETURNING id";

pub(super) const DESCRIBE: &str = "UPDATE products AS p SET sku = n.sku, name = n.name, \
     description = n.description, category = n.category, price_minor = n.price_minor, currency = n.currency, \
     updated_at = $8 \
     FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[]) \
     AS n (id, sku, name, description, category, price_minor, currency) WHERE p.id = n.id";

/// Two numbers of our own choice: the space of pairs is apart from that of the orders' locks.
pub(super) const CREATION_LOCK: &str = "WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock(8002, 1)) \
     SELECT clock_timestamp() FROM (SELECT count(*) FROM locked) AS all_locked";

/// What a product is, apart from its stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The shop's own number for it.
    pub sku: Option<String>,
    /// Its name.
    pub name: String,
    /// A sentence or two; may be empty.
    pub description: String,
    /// Its category.
    pub category: Option<String>,
    /// Price of one, minor units.
    pub price_minor: i64,
    /// Currency of the price.
    pub currency: Currency,
}

/// A product to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProduct {
    /// Its id.
    pub id: ProductId,
    /// What it is.
    pub what: Description,
    /// Opening quantity.
    pub quantity: i64,
    /// Digest of the request.
    pub created_from: Vec<u8>,
}

/// A product as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its place in the list.
    pub position: i64,
    /// What it is.
    pub what: Description,
    /// On the shelf, held ones included.
    pub on_hand: i64,
    /// Held for orders.
    pub reserved: i64,
    /// Digest of the request it was created with.
    pub created_from: Vec<u8>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When anything of it changed last.
    pub updated_at: DateTime<Utc>,
}

impl sqlx::FromRow<'_, PgRow> for Product {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: ProductId(row.try_get("id")?),
            position: row.try_get("position")?,
            what: Description {
                sku: row.try_get("sku")?,
                name: row.try_get("name")?,
                description: row.try_get("description")?,
                category: row.try_get("category")?,
                price_minor: row.try_get("price_minor")?,
                currency: currency(&row.try_get::<String, _>("currency")?)?,
            },
            on_hand: row.try_get("on_hand")?,
            reserved: row.try_get("reserved")?,
            created_from: row.try_get("created_from")?,
            created_at: row.try_get("created_at")?,
            updated_at: row.try_get("updated_at")?,
        })
    }
}

pub(super) fn currency(text: &str) -> sqlx::Result<Currency> {
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// The products after that position whose text contains `search`, in order of creation.
///
/// # Errors
/// The database's.
pub async fn list(
    db: impl PgExecutor<'_>,
    after: i64,
    search: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Product>> {
    let pattern = search.map(|text| {
        // The search text is taken literally, whatever it contains.
        let literal = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        format!("%{literal}%")
    });
    sqlx::query_as(LIST).bind(after).bind(pattern).bind(limit).fetch_all(db).await
}

/// Those of these products that exist, in id order.
///
/// # Errors
/// The database's.
pub async fn get(db: impl PgExecutor<'_>, products: &[ProductId]) -> sqlx::Result<Vec<Product>> {
    sqlx::query_as(GET).bind(uuids(products)).fetch_all(db).await
}

/// The same, locked until the end of the transaction.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &mut PgConnection, products: &[ProductId]) -> sqlx::Result<Vec<Product>> {
    sqlx::query_as(LOCK).bind(uuids(products)).fetch_all(tx).await
}

/// Lets one transaction at a time create products, and reads the clock: two that insert the same
/// ids in different orders would deadlock. Nothing else waits for it.
///
/// # Errors
/// The database's.
pub async fn begin_creation(tx: &mut PgConnection) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar(CREATION_LOCK).fetch_one(tx).await
}

/// Creates those that do not exist yet, in this order; returns their ids.
///
/// # Errors
/// The database's.
pub async fn insert(
    tx: &mut PgConnection,
    products: &[NewProduct],
    at: DateTime<Utc>,
) -> sqlx::Result<Vec<ProductId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(INSERT)
        .bind(products.iter().map(|p| p.id.0).collect::<Vec<_>>())
        .bind(products.iter().map(|p| p.what.sku.as_deref()).collect::<Vec<_>>())
        .bind(products.iter().map(|p| p.what.name.as_str()).collect::<Vec<_>>())
        .bind(products.iter().map(|p| p.what.description.as_str()).collect::<Vec<_>>())
        .bind(products.iter().map(|p| p.what.category.as_deref()).collect::<Vec<_>>())
        .bind(products.iter().map(|p| p.what.price_minor).collect::<Vec<_>>())
        .bind(products.iter().map(|p| p.what.currency.as_str().to_owned()).collect::<Vec<_>>())
        .bind(products.iter().map(|p| p.quantity).collect::<Vec<_>>())
        .bind(products.iter().map(|p| p.created_from.as_slice()).collect::<Vec<_>>())
        .bind(at)
        .fetch_all(tx)
        .await?;
    Ok(ids.into_iter().map(ProductId).collect())
}

/// Rewrites what these products are; their stock stays.
///
/// # Errors
/// The database's.
pub async fn describe(
    tx: &mut PgConnection,
    products: &[(ProductId, Description)],
    at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query(DESCRIBE)
        .bind(products.iter().map(|(id, _)| id.0).collect::<Vec<_>>())
        .bind(products.iter().map(|(_, what)| what.sku.as_deref()).collect::<Vec<_>>())
        .bind(products.iter().map(|(_, what)| what.name.as_str()).collect::<Vec<_>>())
        .bind(products.iter().map(|(_, what)| what.description.as_str()).collect::<Vec<_>>())
        .bind(products.iter().map(|(_, what)| what.category.as_deref()).collect::<Vec<_>>())
        .bind(products.iter().map(|(_, what)| what.price_minor).collect::<Vec<_>>())
        .bind(products.iter().map(|(_, what)| what.currency.as_str().to_owned()).collect::<Vec<_>>())
        .bind(at)
        .execute(tx)
        .await?;
    Ok(())
}

fn uuids(products: &[ProductId]) -> Vec<Uuid> {
    products.iter().map(|product| product.0).collect()
}
