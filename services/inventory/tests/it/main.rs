//! Inventory's store, catalogue and batches on a real Postgres.
#![allow(clippy::unwrap_used)]

mod batches;
mod store;
mod store_properties;

use inventory_service::{
    catalogue,
    store::products::{self, Description, NewProduct, Product},
};
use shared_events::{CorrelationId, Currency, ProductId};
use sqlx::PgPool;
use uuid::Uuid;

/// A product of 24.99 USD under a new id.
pub(crate) fn new_product(name: &str, quantity: i64) -> NewProduct {
    NewProduct {
        id: ProductId(Uuid::new_v4()),
        what: Description {
            sku: Some(format!("SKU-{name}")),
            name: name.to_owned(),
            description: format!("A {name}."),
            category: Some("bags".to_owned()),
            price_minor: 2499,
            currency: Currency::USD,
        },
        quantity,
        created_from: vec![1, 2, 3],
    }
}

/// A correlation of nobody in particular.
pub(crate) fn correlation() -> CorrelationId {
    CorrelationId(Uuid::now_v7())
}

/// Creates products with these quantities.
pub(crate) async fn stocked(pool: &PgPool, quantities: &[i64]) -> Vec<ProductId> {
    let new: Vec<_> = quantities
        .iter()
        .enumerate()
        .map(|(n, quantity)| new_product(&format!("tote {n}"), *quantity))
        .collect();
    catalogue::create(pool, new, correlation()).await.unwrap()
}

/// The product as it is now.
pub(crate) async fn product(pool: &PgPool, id: ProductId) -> Product {
    products::get(pool, &[id]).await.unwrap().pop().unwrap()
}
