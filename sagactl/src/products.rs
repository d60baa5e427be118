//! `sagactl products` and `sagactl seed`: the catalogue, looked at and filled.

use anyhow::{Context, Result};
use serde_json::Number;

use crate::client::{BatchAnswer, NewProduct, Platform, minor_units};
use crate::console::{Align, Palette, amount, counted, grouped, table};
use crate::demo;

/// Products sent in one request: the most the inventory takes.
const BATCH: usize = 500;

/// Prints the products, at most 200, optionally only those whose name contains `search`.
pub async fn show(platform: &Platform, search: Option<&str>, palette: Palette) -> Result<()> {
    let products = platform.products(search).await?;
    let rows: Vec<Vec<String>> = products
        .iter()
        .map(|product| {
            vec![
                product.id.to_string(),
                product.name.clone(),
                amount(minor_units(&product.price), product.currency.as_deref().unwrap_or("USD")),
                quantity(product.available_quantity),
                quantity(product.reserved_quantity),
            ]
        })
        .collect();
    let head = [
        ("id", Align::Left),
        ("name", Align::Left),
        ("price", Align::Right),
        ("available", Align::Right),
        ("reserved", Align::Right),
    ];
    print!("{}", table(palette, &head, &rows));
    println!("{}", palette.dim(counted(rows.len() as u64, "product")));
    Ok(())
}

/// Fills the inventory with the demonstration catalogue. The ids are fixed, so a second run keeps everything as it is.
pub async fn seed(platform: &Platform, palette: Palette) -> Result<()> {
    let products = demo::catalogue()
        .into_iter()
        .map(|product| NewProduct {
            id: Some(product.id),
            name: product.name,
            description: product.description,
            price: decimal(product.price_minor),
            currency: Some("USD".to_owned()),
            quantity: product.quantity,
            category: Some(product.category),
            sku: Some(product.sku),
        })
        .collect::<Vec<_>>();
    let answer = import(platform, &products, |_| {}).await?;
    println!(
        "{} demonstration catalogue: {} new, {} kept",
        palette.mark(true),
        grouped(answer.created),
        grouped(answer.existing)
    );
    Ok(())
}

/// Creates products in batches and tells `progress` how many were sent after each.
pub async fn import(
    platform: &Platform,
    products: &[NewProduct],
    mut progress: impl FnMut(usize),
) -> Result<BatchAnswer> {
    let mut sum = BatchAnswer { created: 0, existing: 0 };
    for batch in products.chunks(BATCH) {
        let answer = platform.create_products(batch).await.context("importing products")?;
        sum.created += answer.created;
        sum.existing += answer.existing;
        progress(batch.len());
    }
    Ok(sum)
}

/// Minor units as a JSON decimal with two places. The text is parsed by serde_json, so `24.99` is printed as `24.99`.
pub fn decimal(minor: i64) -> Number {
    let text = format!("{}.{:02}", minor / 100, minor.unsigned_abs() % 100);
    serde_json::from_str(&text).unwrap_or_else(|_| Number::from(minor / 100))
}

fn quantity(count: i64) -> String {
    u64::try_from(count).map_or_else(|_| count.to_string(), grouped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_survives_its_journey_through_json() {
        for minor in [1, 10, 99, 2499, 4998, 124_998_029] {
            assert_eq!(minor_units(&decimal(minor)), minor);
        }
        assert_eq!(decimal(2499).to_string(), "24.99");
    }
}
