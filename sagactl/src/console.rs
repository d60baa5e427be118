//! How this program looks on a screen: colors, marks, aligned tables, amounts.

use std::fmt::Display;
use std::io::IsTerminal;

/// Colors, or their absence. Colors appear only on a terminal and never when `NO_COLOR` is set to anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    colored: bool,
}

impl Palette {
    /// Without colors: for files, pipes and tests.
    pub const PLAIN: Palette = Palette { colored: false };

    /// Looks at standard output and `NO_COLOR` (<https://no-color.org>).
    pub fn detect() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colored: !refused && std::io::stdout().is_terminal() }
    }

    /// For what went well.
    pub fn good(self, text: impl Display) -> String {
        self.paint("32", text)
    }

    /// For what failed.
    pub fn bad(self, text: impl Display) -> String {
        self.paint("31", text)
    }

    /// For what deserves a look.
    pub fn warn(self, text: impl Display) -> String {
        self.paint("33", text)
    }

    /// For what may be overlooked.
    pub fn dim(self, text: impl Display) -> String {
        self.paint("2", text)
    }

    /// For headings.
    pub fn strong(self, text: impl Display) -> String {
        self.paint("1", text)
    }

    /// `✔` or `✘`, in its color.
    pub fn mark(self, well: bool) -> String {
        if well { self.good("✔") } else { self.bad("✘") }
    }

    fn paint(self, code: &str, text: impl Display) -> String {
        if self.colored { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    }
}

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Figures.
    Right,
}

/// Lays rows out in columns two blanks apart, the head in bold. Widths count characters, so cells must be uncolored.
pub fn table(palette: Palette, head: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = head
        .iter()
        .enumerate()
        .map(|(column, (title, _))| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).chain([title.chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: Vec<&str>| -> String {
        let padded = cells.iter().zip(head).zip(&widths).map(|((cell, (_, align)), width)| {
            let width = *width;
            match align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut text = palette.strong(line(head.iter().map(|(title, _)| *title).collect()));
    text.push('\n');
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
        text.push('\n');
    }
    text
}

/// An amount of minor units as people write it: `$1,249.98`, `£12.00`, `12.00 CHF`.
pub fn amount(minor: i64, currency: &str) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let whole = grouped(minor.unsigned_abs() / 100);
    let cents = minor.unsigned_abs() % 100;
    match currency {
        "USD" => format!("{sign}${whole}.{cents:02}"),
        "GBP" => format!("{sign}£{whole}.{cents:02}"),
        "EUR" => format!("{sign}€{whole}.{cents:02}"),
        other => format!("{sign}{whole}.{cents:02} {other}"),
    }
}

/// A count with thousands separated: `12,345`.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 order`, `2 orders`: counts of things whose plural is regular.
pub fn counted(count: u64, thing: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", grouped(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_and_keep_both_decimals() {
        assert_eq!(amount(4998, "USD"), "$49.98");
        assert_eq!(amount(12_499_800, "GBP"), "£124,998.00");
        assert_eq!(amount(-5, "EUR"), "-€0.05");
        assert_eq!(amount(100, "CHF"), "1.00 CHF");
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(counted(1, "order"), "1 order");
    }

    #[test]
    fn a_table_aligns_words_left_and_figures_right() {
        let head = [("name", Align::Left), ("left", Align::Right)];
        let rows = vec![vec!["Tote".into(), "7".into()], vec!["Café Mug".into(), "1,200".into()]];
        assert_eq!(
            table(Palette::PLAIN, &head, &rows),
            "name       left\nTote          7\nCafé Mug  1,200\n"
        );
    }
}
