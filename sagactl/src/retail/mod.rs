//! Real input: invoices of the Online Retail data (UCI, Chen 2015) as a catalogue and as orders.
//!
//! Two forms are read: the parquet file that pandas writes of it (`ts, invoice, sku, name, qty, unit_price,
//! customer_id, country`) and the public CSV (`InvoiceNo, StockCode, …`). Both become [`Row`]s, and one assembler makes
//! products and orders of them; what had to be left out or changed on the way is counted in the [`Report`].

mod assemble;
mod columns;
mod countries;
mod orders;
mod parquet_file;
mod price;
mod public_csv;
mod report;
mod zstd_pages;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use countries::iso_code;
pub use orders::RetailOrders;
pub use report::{Report, Skipped};

/// The namespace of ids made from stock codes and invoice numbers.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x2b1f_7c64_90de_4b8a_a5d7_3c0e_618f_42b9);

/// The order service's bound on lines; a longer invoice becomes several orders.
pub const LINES_MAX: usize = 100;

/// The order service's bound on units in a line; a larger quantity continues in a further order of the invoice.
pub const QUANTITY_MAX: u64 = 10_000;

/// A product of the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetailProduct {
    /// UUIDv5 of the stock code in [`NAMESPACE`].
    pub id: Uuid,
    /// The stock code.
    pub sku: String,
    /// The description given most often; of equals the first in the alphabet.
    pub name: String,
    /// The price most units were sold at, minor units of GBP; of equals the lower.
    pub price_minor: i64,
    /// Opening stock: twice the units sold in the data and a thousand.
    pub quantity: i64,
}

/// An invoice, or a part of one that was too long for one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetailOrder {
    /// UUIDv5 of invoice and part in [`NAMESPACE`].
    pub order_id: Uuid,
    /// The invoice's number.
    pub invoice: String,
    /// The invoice's time, which has no zone and is taken as UTC.
    pub placed_at: DateTime<Utc>,
    /// The data's customer number, or `guest-<invoice>`.
    pub customer_id: String,
    /// ISO 3166-1 alpha-2, `ZZ` when the data does not say.
    pub country: &'static str,
    /// Product, quantity, catalogue price in minor units; no product twice.
    pub lines: Vec<(Uuid, u32, i64)>,
}

/// A file, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetailData {
    /// In the order in which they first appear.
    pub products: Vec<RetailProduct>,
    /// By time, then invoice, then part.
    pub orders: Vec<RetailOrder>,
    /// What was left out, merged, split or repriced.
    pub report: Report,
}

/// Why a file could not be read. Single bad rows are counted in the [`Report`] instead.
#[derive(Debug, thiserror::Error)]
pub enum RetailError {
    /// The file cannot be opened.
    #[error("cannot open {path}")]
    Open {
        /// What was asked for.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Not parquet, or damaged.
    #[error("the parquet file cannot be read")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Not CSV, or damaged.
    #[error("the CSV file cannot be read")]
    Csv(#[from] csv::Error),
    /// A column is not there.
    #[error("the file has no column {0}")]
    MissingColumn(&'static str),
    /// A column holds something that cannot be what it should be.
    #[error("column {column} has the type {found}, which cannot be read as {wanted}")]
    ColumnType {
        /// The column.
        column: &'static str,
        /// Its type in the file.
        found: String,
        /// What is needed.
        wanted: &'static str,
    },
}

/// One line of an invoice as it stands in a file.
#[derive(Clone, Debug)]
struct Row<'a> {
    placed_at: DateTime<Utc>,
    invoice: &'a str,
    sku: &'a str,
    name: &'a str,
    quantity: i64,
    price_minor: i64,
    customer: Option<&'a str>,
    country: &'a str,
}

/// Reads a file of either form; `.csv` (in any case) is CSV, everything else parquet.
///
/// # Errors
/// When the file cannot be opened, is damaged or lacks a column.
pub fn read(path: impl AsRef<Path>) -> Result<RetailData, RetailError> {
    let path = path.as_ref();
    let file =
        std::fs::File::open(path).map_err(|source| RetailError::Open { path: path.to_owned(), source })?;
    let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if is_csv { public_csv::read(std::io::BufReader::new(file)) } else { parquet_file::read(file) }
}

#[cfg(test)]
mod tests;
