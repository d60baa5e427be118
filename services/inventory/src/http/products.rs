//! `/products`: the catalogue.

use std::collections::BTreeSet;

use axum::{
    extract::{DefaultBodyLimit, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chassis::{
    App,
    http::{Amount, Correlation, Json, Path, Problem, Query},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared_events::{Currency, ProductId};
use uuid::Uuid;

use super::product_form::{NewProductForm, PatchForm};
use crate::{
    Inventory, catalogue,
    store::products::{self, NewProduct, Product},
};

/// Products of one page, also of a list that asks for no limit.
const PAGE_MAX: i64 = 200;
/// Characters of a search text.
const SEARCH_CHARS_MAX: usize = 100;
/// Products of one batch: the demo catalogue in two calls, and a transaction of some 100 ms.
const BATCH_MAX: usize = 500;
/// Bytes of a batch body: 500 products with long descriptions.
const BATCH_BYTES_MAX: usize = 2 * 1024 * 1024;
/// The list is a bare array, so the way to its next page is a header.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");

/// A product as everyone sees it.
#[derive(Debug, Serialize)]
pub(super) struct ProductView {
    id: ProductId,
    name: String,
    description: String,
    price: Amount,
    currency: Currency,
    available_quantity: i64,
    reserved_quantity: i64,
    on_hand_quantity: i64,
    category: Option<String>,
    sku: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Product> for ProductView {
    fn from(product: Product) -> Self {
        Self {
            id: product.id,
            name: product.what.name,
            description: product.what.description,
            price: Amount(product.what.price_minor),
            currency: product.what.currency,
            available_quantity: product.on_hand - product.reserved,
            reserved_quantity: product.reserved,
            on_hand_quantity: product.on_hand,
            category: product.what.category,
            sku: product.what.sku,
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}

/// Query of the list.
#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    limit: Option<i64>,
    cursor: Option<i64>,
    q: Option<String>,
}

/// `GET /products`: a bare array in the order of creation, at most 200.
pub(super) async fn list(
    State(app): State<App<Inventory>>,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let limit = query.limit.unwrap_or(PAGE_MAX);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::bad_request(format!("limit must be from 1 to {PAGE_MAX}")));
    }
    let search = query.q.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if search.is_some_and(|text| text.chars().count() > SEARCH_CHARS_MAX || text.contains('\0')) {
        return Err(Problem::bad_request(format!("q must have at most {SEARCH_CHARS_MAX} characters")));
    }
    let found = products::list(app.pool(), query.cursor.unwrap_or(0), search, limit).await?;
    let full = found.len() as i64 == limit;
    let next = found.last().filter(|_| full).map(|last| HeaderValue::from(last.position));
    let views: Vec<ProductView> = found.into_iter().map(ProductView::from).collect();
    let mut response = Json(views).into_response();
    if let Some(next) = next {
        response.headers_mut().insert(NEXT_CURSOR, next);
    }
    Ok(response)
}

/// `GET /products/{id}`.
pub(super) async fn get(
    State(app): State<App<Inventory>>,
    Path(id): Path<Uuid>,
) -> Result<Json<ProductView>, Problem> {
    let found = products::get(app.pool(), &[ProductId(id)]).await?.pop();
    found.map(|product| Json(product.into())).ok_or_else(|| missing(ProductId(id)))
}

/// `POST /products`: 201; the same request with the same id again 200; another one with it 409.
pub(super) async fn create(
    State(app): State<App<Inventory>>,
    Correlation(correlation): Correlation,
    Json(form): Json<NewProductForm>,
) -> Result<Response, Problem> {
    let problems = form.problems("");
    if !problems.is_empty() {
        return Err(Problem::invalid(problems));
    }
    let new = form.into_product();
    let created = !catalogue::create(app.pool(), vec![new.clone()], correlation).await?.is_empty();
    let product = products::get(app.pool(), &[new.id]).await?.pop().ok_or_else(|| missing(new.id))?;
    if product.created_from != new.created_from {
        let detail = format!("product {} exists already and was created differently", new.id);
        return Err(Problem::conflict("product_exists", detail));
    }
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    let location = [(header::LOCATION, format!("/products/{}", new.id))];
    Ok((status, location, Json(ProductView::from(product))).into_response())
}

/// Body of the batch.
#[derive(Debug, Deserialize)]
pub(super) struct BatchForm {
    products: Vec<NewProductForm>,
}

/// Answer to the batch.
#[derive(Debug, Serialize)]
pub(super) struct BatchView {
    /// How many are new.
    created: usize,
    /// How many were there already, and were left as they are.
    existing: usize,
}

/// `POST /products/batch`: all or none of up to 500; an id that exists is left as it is.
pub(super) async fn create_batch(
    State(app): State<App<Inventory>>,
    Correlation(correlation): Correlation,
    Json(form): Json<BatchForm>,
) -> Result<Json<BatchView>, Problem> {
    if form.products.len() > BATCH_MAX {
        let rule = format!("must have at most {BATCH_MAX} products");
        return Err(Problem::invalid(vec![("/products".to_owned(), rule)]));
    }
    let mut ids = BTreeSet::new();
    let mut problems = Vec::new();
    for (index, form) in form.products.iter().enumerate() {
        let at = format!("/products/{index}");
        problems.extend(form.problems(&at));
        if form.id().is_some_and(|id| !ids.insert(id)) {
            problems.push((format!("{at}/id"), "occurs twice in this batch".to_owned()));
        }
    }
    if !problems.is_empty() {
        return Err(Problem::invalid(problems));
    }
    let new: Vec<NewProduct> = form.products.into_iter().map(NewProductForm::into_product).collect();
    let total = new.len();
    let created = catalogue::create(app.pool(), new, correlation).await?.len();
    Ok(Json(BatchView { created, existing: total - created }))
}

/// A batch body may be larger than the 256 KiB of other bodies.
pub(super) fn batch_body_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(BATCH_BYTES_MAX)
}

/// `PATCH /products/{id}`: name, description, price, currency, category, stock number.
pub(super) async fn patch(
    State(app): State<App<Inventory>>,
    Path(id): Path<Uuid>,
    Correlation(correlation): Correlation,
    Json(form): Json<PatchForm>,
) -> Result<Json<ProductView>, Problem> {
    let problems = form.problems();
    if !problems.is_empty() {
        return Err(Problem::invalid(problems));
    }
    let product =
        catalogue::describe(app.pool(), ProductId(id), correlation, move |what| form.apply(what)).await?;
    Ok(Json(product.into()))
}

fn missing(id: ProductId) -> Problem {
    Problem::not_found(format!("there is no product {id}"))
}
