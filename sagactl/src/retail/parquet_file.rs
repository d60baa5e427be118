//! The parquet form of the data, as pandas writes it.

use std::borrow::Cow;

use bytes::Bytes;
use parquet::data_type::ByteArray;

use super::assemble::Assembler;
use super::columns::{Column, ColumnSource, instant};
use super::price::FloatPrices;
use super::{RetailData, RetailError, Row};

/// Reads a file of some megabytes; it is held in memory once, compressed, and column by column.
pub(super) fn read(mut file: impl std::io::Read) -> Result<RetailData, RetailError> {
    let mut contents = Vec::new();
    file.read_to_end(&mut contents).map_err(parquet::errors::ParquetError::from)?;
    let source = ColumnSource::open(Bytes::from(contents))?;
    let units_per_second = source.units_per_second("ts")?;
    let mut assembler = Assembler::default();
    let mut prices = FloatPrices::default();
    for group in 0..source.row_groups() {
        let read = |name| source.read(group, name);
        let columns = Columns {
            ts: integers(read("ts")?, "ts")?,
            invoice: read("invoice")?,
            sku: read("sku")?,
            name: read("name")?,
            qty: integers(read("qty")?, "qty")?,
            unit_price: floats(read("unit_price")?, "unit_price")?,
            customer_id: read("customer_id")?,
            country: read("country")?,
        };
        for index in 0..columns.ts.len() {
            let added = columns.add(index, units_per_second, &mut prices, &mut assembler);
            if added.is_none() {
                assembler.add_malformed();
            }
        }
    }
    Ok(assembler.finish())
}

struct Columns {
    ts: Vec<Option<i64>>,
    invoice: Column,
    sku: Column,
    name: Column,
    qty: Vec<Option<i64>>,
    unit_price: Vec<Option<f64>>,
    customer_id: Column,
    country: Column,
}

impl Columns {
    /// Hands one row to the assembler; `None` when a field that must be there is not.
    fn add(
        &self,
        index: usize,
        units_per_second: i64,
        prices: &mut FloatPrices,
        assembler: &mut Assembler,
    ) -> Option<()> {
        let invoice = text(&self.invoice, index)?;
        let sku = text(&self.sku, index)?;
        let customer = text(&self.customer_id, index);
        assembler.add(&Row {
            placed_at: instant(value(&self.ts, index)?, units_per_second)?,
            invoice: &invoice,
            sku: &sku,
            name: &text(&self.name, index).unwrap_or_default(),
            quantity: value(&self.qty, index)?,
            price_minor: prices.pennies(value(&self.unit_price, index)?)?,
            // The cleaned data writes 0 for a buyer who is not known.
            customer: customer.as_deref().filter(|id| *id != "0"),
            country: &text(&self.country, index).unwrap_or_default(),
        });
        Some(())
    }
}

fn value<T: Copy>(column: &[Option<T>], index: usize) -> Option<T> {
    column.get(index).copied().flatten()
}

/// A field as trimmed text, whatever it was stored as; pandas makes floats of integer columns that have gaps.
fn text(column: &Column, index: usize) -> Option<Cow<'_, str>> {
    let text = match column {
        Column::Text(values) => {
            let bytes = values.get(index)?.as_ref().map(ByteArray::data)?;
            Cow::Borrowed(std::str::from_utf8(bytes).ok()?.trim())
        }
        Column::Integer(values) => Cow::Owned(value(values, index)?.to_string()),
        Column::Float(values) => {
            let number = value(values, index).filter(|number| number.is_finite())?;
            Cow::Owned(number.to_string())
        }
    };
    (!text.is_empty()).then_some(text)
}

fn integers(column: Column, name: &'static str) -> Result<Vec<Option<i64>>, RetailError> {
    match column {
        Column::Integer(values) => Ok(values),
        Column::Float(values) => {
            Ok(values.into_iter().map(|value| value.filter(|v| v.fract() == 0.0).map(|v| v as i64)).collect())
        }
        Column::Text(_) => {
            Err(RetailError::ColumnType { column: name, found: "text".to_owned(), wanted: "an integer" })
        }
    }
}

fn floats(column: Column, name: &'static str) -> Result<Vec<Option<f64>>, RetailError> {
    match column {
        Column::Float(values) => Ok(values),
        Column::Integer(values) => Ok(values.into_iter().map(|value| value.map(|v| v as f64)).collect()),
        Column::Text(_) => {
            Err(RetailError::ColumnType { column: name, found: "text".to_owned(), wanted: "a number" })
        }
    }
}
