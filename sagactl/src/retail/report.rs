//! What reading the data left out, merged, split or repriced.

use std::fmt;

/// Rows that became no line of any order, by reason; the first that applies counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// The invoice begins with `C`.
    pub cancellations: u64,
    /// A quantity of zero or less: a return or a correction of stock.
    pub non_positive_quantities: u64,
    /// A price of zero or less, also after rounding to pennies: a gift or a correction of the books.
    pub non_positive_prices: u64,
    /// A field is missing, cannot be read or is beyond belief.
    pub malformed: u64,
}

impl Skipped {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.cancellations + self.non_positive_quantities + self.non_positive_prices + self.malformed
    }
}

/// The differences between the file and what is made of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows in the file.
    pub rows: u64,
    /// Rows left out.
    pub skipped: Skipped,
    /// Invoices with at least one line.
    pub invoices: u64,
    /// Rows added to an earlier row of the same invoice and product.
    pub lines_merged: u64,
    /// Rows invoiced at another price than the catalogue's.
    pub lines_at_other_price: u64,
    /// What the orders cost at catalogue prices, less what was invoiced; minor units, negative when the orders cost less.
    pub value_difference_minor: i64,
    /// Merged lines of more units than one line may have; what is over continues in the invoice's next order.
    pub lines_over_quantity_bound: u64,
    /// Invoices that became more than one order.
    pub invoices_split: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipped = &self.skipped;
        writeln!(
            f,
            "{} rows, {} skipped ({} cancellations, {} quantities and {} prices of zero or less, {} malformed)",
            self.rows,
            skipped.total(),
            skipped.cancellations,
            skipped.non_positive_quantities,
            skipped.non_positive_prices,
            skipped.malformed
        )?;
        writeln!(
            f,
            "{} invoices, {} split; {} rows merged, {} lines over the quantity bound",
            self.invoices, self.invoices_split, self.lines_merged, self.lines_over_quantity_bound
        )?;
        let difference = self.value_difference_minor;
        write!(
            f,
            "{} rows at another price than the catalogue's; the orders differ by {}{}.{:02} GBP",
            self.lines_at_other_price,
            if difference < 0 { "-" } else { "+" },
            difference.unsigned_abs() / 100,
            difference.unsigned_abs() % 100
        )
    }
}
