//! The public CSV of the data: `InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country`.

use std::borrow::Cow;
use std::io::Read;

use chrono::{DateTime, NaiveDateTime, Utc};
use csv::ByteRecord;

use super::assemble::Assembler;
use super::price::pennies;
use super::{RetailData, RetailError, Row};

/// How dates are written: the first as published, the others by spreadsheets and by pandas.
const DATE_FORMATS: [&str; 4] =
    ["%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];

/// Reads the file; a row that cannot be read is counted, a file without the columns is refused.
pub(super) fn read(file: impl Read) -> Result<RetailData, RetailError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let fields = Fields::find(reader.byte_headers()?)?;
    let mut assembler = Assembler::default();
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        if fields.add(&record, &mut assembler).is_none() {
            assembler.add_malformed();
        }
    }
    Ok(assembler.finish())
}

/// Where each column stands.
struct Fields {
    invoice: usize,
    sku: usize,
    name: usize,
    quantity: usize,
    date: usize,
    price: usize,
    customer: usize,
    country: usize,
}

impl Fields {
    fn find(headers: &ByteRecord) -> Result<Self, RetailError> {
        // Spreadsheets put a byte-order mark before the first name.
        let at = |name: &'static str| {
            headers
                .iter()
                .position(|header| {
                    latin(header).trim_start_matches('\u{feff}').trim().eq_ignore_ascii_case(name)
                })
                .ok_or(RetailError::MissingColumn(name))
        };
        Ok(Self {
            invoice: at("InvoiceNo")?,
            sku: at("StockCode")?,
            name: at("Description")?,
            quantity: at("Quantity")?,
            date: at("InvoiceDate")?,
            price: at("UnitPrice")?,
            customer: at("CustomerID")?,
            country: at("Country")?,
        })
    }

    /// Hands one row to the assembler; `None` when a field that must be there is not.
    fn add(&self, record: &ByteRecord, assembler: &mut Assembler) -> Option<()> {
        let field = |index| record.get(index).map(latin);
        let required = |index| field(index).filter(|text| !text.trim().is_empty());
        let (invoice, sku) = (required(self.invoice)?, required(self.sku)?);
        let (name, country) = (field(self.name)?, field(self.country)?);
        let customer = field(self.customer)?;
        // "17850.0" is how a table with gaps writes 17850.
        let customer = customer.trim().trim_end_matches(".0");
        assembler.add(&Row {
            placed_at: instant(&field(self.date)?)?,
            invoice: invoice.trim(),
            sku: sku.trim(),
            name: &name,
            quantity: field(self.quantity)?.trim().parse().ok()?,
            price_minor: pennies(&field(self.price)?)?,
            customer: Some(customer).filter(|id| !id.is_empty() && *id != "0"),
            country: &country,
        });
        Some(())
    }
}

/// Text in UTF-8, or else in Latin-1, as the copy that circulates since 2015 has it (for its pound signs).
fn latin(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes)
        .map_or_else(|_| Cow::Owned(bytes.iter().copied().map(char::from).collect()), Cow::Borrowed)
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    DATE_FORMATS
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text.trim(), format).ok())
        .map(|naive| naive.and_utc())
}
