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
use utoipa::{IntoParams, ToSchema};
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
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Product)]
pub(super) struct ProductView {
    #[schema(value_type = Uuid)]
    id: ProductId,
    #[schema(example = "Canvas Tote")]
    name: String,
    description: String,
    price: Amount,
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// What can still be ordered: on hand less reserved.
    available_quantity: i64,
    /// Held for orders that are not paid yet.
    reserved_quantity: i64,
    on_hand_quantity: i64,
    category: Option<String>,
    /// Stock-keeping unit.
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

/// Which products.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Products of a page; 200 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<i64>,
    /// The header `x-next-cursor` of the page before.
    cursor: Option<i64>,
    /// Those whose name contains this, whatever its case.
    #[param(max_length = 100, example = "tote")]
    q: Option<String>,
}

/// The catalogue: a bare array in the order of creation, at most 200 a page.
#[utoipa::path(
    get, path = "/products", tag = "products", operation_id = "list_products", params(ListQuery),
    responses(
        (status = 200, description = "One page.", body = Vec<ProductView>, headers(
            ("x-next-cursor" = Option<i64>, description = "Pass it as `cursor` to get the next page; absent on the last.")
        )),
        (status = 400, description = "A parameter makes no sense."),
    )
)]
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

/// A product with its stock.
#[utoipa::path(
    get, path = "/products/{id}", tag = "products", operation_id = "get_product",
    params(("id" = Uuid, Path, description = "The product.")),
    responses(
        (status = 200, description = "As it is now.", body = ProductView),
        (status = 400, description = "That is no id."),
        (status = 404, description = "There is no such product."),
    )
)]
pub(super) async fn get(
    State(app): State<App<Inventory>>,
    Path(id): Path<Uuid>,
) -> Result<Json<ProductView>, Problem> {
    let found = products::get(app.pool(), &[ProductId(id)]).await?.pop();
    found.map(|product| Json(product.into())).ok_or_else(|| missing(ProductId(id)))
}

/// Adds a product.
///
/// A request that chooses the id may be repeated: it then gets 200 and changes nothing.
#[utoipa::path(
    post, path = "/products", tag = "products", operation_id = "create_product",
    request_body(content = NewProductForm, examples(("a bag" = (value = json!(
        {"name": "Canvas Tote", "description": "A sturdy everyday bag.", "price": 24.99, "quantity": 100}
    ))))),
    responses(
        (status = 201, description = "Added.", body = ProductView, headers(
            ("Location" = String, description = "`/products/{id}`")
        )),
        (status = 200, description = "Added by the same request before.", body = ProductView, headers(
            ("Location" = String, description = "`/products/{id}`")
        )),
        (status = 409, description = "`product_exists`: the id belongs to a product that was created differently."),
        (status = 422, description = "Some fields are not valid."),
    )
)]
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

/// Products to be sold.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ProductBatch)]
pub(super) struct BatchForm {
    #[schema(max_items = 500)]
    products: Vec<NewProductForm>,
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductBatchResult)]
pub(super) struct BatchView {
    /// How many are new.
    created: usize,
    /// How many were there already, and were left as they are.
    existing: usize,
}

/// Adds up to 500 products, all or none; an id that exists is left as it is.
#[utoipa::path(
    post, path = "/products/batch", tag = "products", operation_id = "create_products",
    request_body = BatchForm,
    responses(
        (status = 200, description = "All are there.", body = BatchView),
        (status = 413, description = "The body is larger than 2 MiB."),
        (status = 422, description = "Some fields are not valid; none was added."),
    )
)]
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

/// Changes name, description, price, currency, category or stock number.
#[utoipa::path(
    patch, path = "/products/{id}", tag = "products", operation_id = "change_product",
    params(("id" = Uuid, Path, description = "The product.")),
    request_body(content = PatchForm, examples(("a new price" = (value = json!({"price": 19.99}))))),
    responses(
        (status = 200, description = "As it is now.", body = ProductView),
        (status = 400, description = "That is no id."),
        (status = 404, description = "There is no such product."),
        (status = 422, description = "Some fields are not valid, or cannot be changed here."),
    )
)]
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
