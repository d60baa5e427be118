//! From rows to products and orders: merged, priced, split and counted.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::report::Report;
use super::{LINES_MAX, NAMESPACE, QUANTITY_MAX, RetailData, RetailOrder, RetailProduct, Row, iso_code};

/// Units of opening stock beyond twice what the data sells, so that small articles survive a hurried load test too.
const STOCK_MARGIN: i64 = 1_000;

/// A quantity or a price (minor units) beyond these is a slip of the keyboard, and would overflow sums further on.
const QUANTITY_BELIEVABLE: i64 = 1_000_000;
const PRICE_BELIEVABLE_MINOR: i64 = 1_000_000_000;

/// Collects rows; prices are known only at the end, when it is clear what most units were sold at.
#[derive(Default)]
pub(super) struct Assembler {
    products: Vec<ProductTally>,
    product_by_sku: HashMap<String, usize>,
    invoices: Vec<InvoiceTally>,
    invoice_by_number: HashMap<String, usize>,
    report: Report,
}

struct ProductTally {
    sku: String,
    units_by_price: BTreeMap<i64, u64>,
    rows_by_name: BTreeMap<String, u64>,
}

struct InvoiceTally {
    number: String,
    placed_at: DateTime<Utc>,
    customer: Option<String>,
    country: &'static str,
    /// Product, units and the price on the invoice, row by row.
    rows: Vec<(usize, u64, i64)>,
}

/// A product of an invoice with all its units.
struct MergedLine {
    product: usize,
    units: u64,
}

impl Assembler {
    /// Takes a row of the file, or counts why it is left out.
    pub(super) fn add(&mut self, row: &Row<'_>) {
        self.report.rows += 1;
        let skipped = &mut self.report.skipped;
        // The data's marks of a cancelled invoice and of one that corrects it.
        if row.invoice.starts_with(['C', 'c']) {
            skipped.cancellations += 1;
        } else if row.quantity <= 0 {
            skipped.non_positive_quantities += 1;
        } else if row.price_minor <= 0 {
            skipped.non_positive_prices += 1;
        } else if row.quantity > QUANTITY_BELIEVABLE || row.price_minor > PRICE_BELIEVABLE_MINOR {
            skipped.malformed += 1;
        } else {
            let product = self.tally_product(row);
            self.tally_invoice(row, product);
        }
    }

    /// Counts a row that cannot be read.
    pub(super) fn add_malformed(&mut self) {
        self.report.rows += 1;
        self.report.skipped.malformed += 1;
    }

    fn tally_product(&mut self, row: &Row<'_>) -> usize {
        let index = match self.product_by_sku.get(row.sku) {
            Some(index) => *index,
            None => {
                let index = self.products.len();
                self.product_by_sku.insert(row.sku.to_owned(), index);
                self.products.push(ProductTally {
                    sku: row.sku.to_owned(),
                    units_by_price: BTreeMap::new(),
                    rows_by_name: BTreeMap::new(),
                });
                index
            }
        };
        let product = &mut self.products[index];
        *product.units_by_price.entry(row.price_minor).or_default() += row.quantity.unsigned_abs();
        let name = row.name.trim();
        if let Some(rows) = product.rows_by_name.get_mut(name) {
            *rows += 1;
        } else if !name.is_empty() {
            product.rows_by_name.insert(name.to_owned(), 1);
        }
        index
    }

    fn tally_invoice(&mut self, row: &Row<'_>, product: usize) {
        let index = match self.invoice_by_number.get(row.invoice) {
            Some(index) => *index,
            None => {
                let index = self.invoices.len();
                self.invoice_by_number.insert(row.invoice.to_owned(), index);
                self.invoices.push(InvoiceTally {
                    number: row.invoice.to_owned(),
                    placed_at: row.placed_at,
                    customer: None,
                    country: iso_code(row.country),
                    rows: Vec::new(),
                });
                index
            }
        };
        let invoice = &mut self.invoices[index];
        // A few invoices were typed across the turn of a minute.
        invoice.placed_at = invoice.placed_at.min(row.placed_at);
        if invoice.customer.is_none() {
            invoice.customer = row.customer.map(str::to_owned);
        }
        invoice.rows.push((product, row.quantity.unsigned_abs(), row.price_minor));
    }

    /// Prices and names are settled, invoices become orders.
    pub(super) fn finish(mut self) -> RetailData {
        let products: Vec<RetailProduct> = self.products.iter().map(settle).collect();
        self.invoices.sort_by(|a, b| (a.placed_at, &a.number).cmp(&(b.placed_at, &b.number)));
        let mut report = self.report;
        let mut orders = Vec::with_capacity(self.invoices.len());
        for invoice in &self.invoices {
            report.invoices += 1;
            for (product, units, price_minor) in &invoice.rows {
                let usual = products[*product].price_minor;
                report.lines_at_other_price += u64::from(usual != *price_minor);
                report.value_difference_minor += (usual - price_minor) * *units as i64;
            }
            let lines = merge(&invoice.rows);
            report.lines_merged += (invoice.rows.len() - lines.len()) as u64;
            report.lines_over_quantity_bound +=
                lines.iter().filter(|line| line.units > QUANTITY_MAX).count() as u64;
            let parts = split(&lines);
            report.invoices_split += u64::from(parts.len() > 1);
            for (part, lines) in parts.into_iter().enumerate() {
                orders.push(order(invoice, part + 1, &lines, &products));
            }
        }
        RetailData { products, orders, report }
    }
}

fn settle(tally: &ProductTally) -> RetailProduct {
    // Both maps are in ascending order and the first of equals is kept: the lower price, the first name.
    let mut usual = (0, 0);
    for (price_minor, units) in &tally.units_by_price {
        if *units > usual.1 {
            usual = (*price_minor, *units);
        }
    }
    let mut name = (tally.sku.as_str(), 0);
    for (candidate, rows) in &tally.rows_by_name {
        if *rows > name.1 {
            name = (candidate, *rows);
        }
    }
    let sold: u64 = tally.units_by_price.values().sum();
    RetailProduct {
        id: Uuid::new_v5(&NAMESPACE, tally.sku.as_bytes()),
        sku: tally.sku.clone(),
        name: name.0.to_owned(),
        price_minor: usual.0,
        quantity: (sold as i64).saturating_mul(2).saturating_add(STOCK_MARGIN),
    }
}

/// Rows of the same product become one line, at the place of the first.
fn merge(rows: &[(usize, u64, i64)]) -> Vec<MergedLine> {
    let mut lines: Vec<MergedLine> = Vec::with_capacity(rows.len());
    let mut place: HashMap<usize, usize> = HashMap::with_capacity(rows.len());
    for (product, units, _) in rows {
        if let Some(at) = place.get(product) {
            lines[*at].units += units;
        } else {
            place.insert(*product, lines.len());
            lines.push(MergedLine { product: *product, units: *units });
        }
    }
    lines
}

/// Orders of at most [`LINES_MAX`] lines of at most [`QUANTITY_MAX`] units, none with a product twice: what a line has
/// over the bound waits for the next round.
fn split(lines: &[MergedLine]) -> Vec<Vec<(usize, u32)>> {
    let mut parts = Vec::new();
    let mut left: Vec<(usize, u64)> = lines.iter().map(|line| (line.product, line.units)).collect();
    while !left.is_empty() {
        for chunk in left.chunks(LINES_MAX) {
            parts.push(
                chunk.iter().map(|(product, units)| (*product, (*units).min(QUANTITY_MAX) as u32)).collect(),
            );
        }
        left.retain_mut(|(_, units)| {
            *units = units.saturating_sub(QUANTITY_MAX);
            *units > 0
        });
    }
    parts
}

fn order(
    invoice: &InvoiceTally,
    part: usize,
    lines: &[(usize, u32)],
    products: &[RetailProduct],
) -> RetailOrder {
    let name = format!("order/{}/{part}", invoice.number);
    RetailOrder {
        order_id: Uuid::new_v5(&NAMESPACE, name.as_bytes()),
        invoice: invoice.number.clone(),
        placed_at: invoice.placed_at,
        customer_id: invoice.customer.clone().unwrap_or_else(|| format!("guest-{}", invoice.number)),
        country: invoice.country,
        lines: lines
            .iter()
            .map(|(product, quantity)| {
                let product = &products[*product];
                (product.id, *quantity, product.price_minor)
            })
            .collect(),
    }
}
