//! From the word for an item to the product of the catalogue, with its price.

use axum::http::{HeaderMap, Method};
use chassis::http::{Amount, Problem};
use futures::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use shared_events::Currency;
use uuid::Uuid;

use super::words::{Kind, Word, refuse};
use crate::upstream::{Upstream, with_query};

/// Lookups of one request under way at once: enough to hide the way to the service and back, and a
/// small part of the connections it serves.
const LOOKUPS_AT_ONCE: usize = 8;
/// Products of one page of the catalogue.
const PAGE: &str = "200";
/// Pages searched for a name. A word that is part of more than a thousand products' texts is found
/// by its id, or not at all.
const PAGES_MAX: usize = 5;
/// Characters the catalogue searches for; the rest of a longer name is compared here.
const SEARCH_CHARS_MAX: usize = 100;

/// What is needed of a product.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Product {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) price: Amount,
    pub(super) currency: Currency,
}

/// The products of these words, each with the pointer of the field it stands in, in their order.
///
/// # Errors
/// 422 that names every unknown one; the catalogue's own problems.
pub(super) async fn resolve(
    inventory: &Upstream,
    items: Vec<(String, Word)>,
) -> Result<Vec<Product>, Problem> {
    let mut lookups: Vec<(String, Word)> = items.clone();
    // A cart names an item once for each piece.
    lookups.sort_by_key(|(_, word)| word.to_string());
    lookups.dedup_by_key(|(_, word)| word.to_string());
    let found: Vec<(String, Option<Product>)> = futures::stream::iter(lookups)
        .map(|(_, word)| async move { Ok::<_, Problem>((word.to_string(), find(inventory, &word).await?)) })
        .buffered(LOOKUPS_AT_ONCE)
        .try_collect()
        .await?;
    let mut products = Vec::with_capacity(items.len());
    let mut unknown = Vec::new();
    for (pointer, word) in items {
        let text = word.to_string();
        match found.iter().find(|(known, _)| *known == text).and_then(|(_, product)| product.clone()) {
            Some(product) => products.push(product),
            None => {
                unknown.push((pointer, format!("there is no product with the id or the name \"{text}\"")))
            }
        }
    }
    refuse(unknown)?;
    Ok(products)
}

/// The product a word means: a UUID is its id; otherwise the first product of that name, whatever
/// the case; otherwise the one whose id is made from the word.
///
/// # Errors
/// The catalogue's.
pub(super) async fn find(inventory: &Upstream, word: &Word) -> Result<Option<Product>, Problem> {
    let text = word.to_string();
    if Uuid::try_parse(text.trim()).is_err()
        && let Some(product) = by_name(inventory, text.trim()).await?
    {
        return Ok(Some(product));
    }
    inventory.find(&format!("/products/{}", word.id(Kind::Item))).await
}

async fn by_name(inventory: &Upstream, name: &str) -> Result<Option<Product>, Problem> {
    let search: String = name.chars().take(SEARCH_CHARS_MAX).collect();
    let wanted = name.to_lowercase();
    let mut cursor = String::new();
    for _ in 0..PAGES_MAX {
        let mut query = vec![("q", search.as_str()), ("limit", PAGE)];
        if !cursor.is_empty() {
            query.push(("cursor", &cursor));
        }
        let path = with_query("/products", &query);
        let reply = inventory.send(Method::GET, &path, &HeaderMap::new(), None).await?;
        let page: Vec<Product> = reply.read(inventory)?;
        if let Some(product) = page.into_iter().find(|product| product.name.trim().to_lowercase() == wanted) {
            return Ok(Some(product));
        }
        match reply.headers.get("x-next-cursor").and_then(|next| next.to_str().ok()) {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    Ok(None)
}
