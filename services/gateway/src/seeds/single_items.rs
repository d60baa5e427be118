//! The calls of the system that sells one item an order, and names orders and items by any word.

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderMap, Method},
    response::{IntoResponse, Response},
};
use chassis::http::{Amount, Json, Problem};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Seeds, items,
    place::{self, Extras, NewOrder, QUANTITY_MAX},
    store::{self, System},
    words::{Kind, Word, refuse},
};

/// Price of a product that this call makes, in cents: the system it stands for knows no prices.
const PRICE_DEFAULT: Amount = Amount(999);
/// Orders of the list: a bare array has no second page.
const LIST_MAX: i64 = 200;
/// Orders without an answer that one list asks for; the next one asks for the rest.
const LOOKUPS_MAX: i64 = 64;
/// Orders looked up at once while listing.
const LOOKUPS_AT_ONCE: usize = 8;
/// A request ends after thirty seconds, here and at the order service; what that does not have after
/// twice as long, it never gets.
const ON_ITS_WAY_MAX: Duration = Duration::from_secs(60);
/// Said in the stock's history.
const REASON: &str = "set through POST /inventory";

/// An order of one item.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct OrderBody {
    /// Any word or number; the same one again is the same order.
    order_id: Word,
    /// A product's name whatever the case, or its id.
    item: Word,
    #[schema(minimum = 1, maximum = 10_000)]
    quantity: i64,
    /// `{street, city, state, zip, country?}`; without it each field says `not given`.
    #[schema(value_type = Option<Object>)]
    shipping_address: Option<Value>,
    /// `{type, token?}`; without it `credit_card` without a token, for which the payment simulator
    /// draws the outcome by its failure rate.
    #[schema(value_type = Option<Object>)]
    payment_method: Option<Value>,
}

/// What became of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrderAnswer {
    #[schema(example = "order placed")]
    message: &'static str,
    order_id: Word,
    #[schema(example = "pending")]
    status: String,
    total_amount: Amount,
}

/// How much there is of an item.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct StockBody {
    /// A product's name whatever the case, or its id.
    item: Word,
    /// Pieces on hand, those held for orders included.
    #[schema(minimum = 0)]
    stock: i64,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StockAnswer {
    #[schema(example = "stock of laptop set to 10")]
    message: String,
    product_id: Uuid,
}

/// A row of the list.
#[derive(Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(super) struct OrderRow {
    order_id: Word,
    item: Word,
    quantity: i64,
}

/// Order one item.
///
/// Its order id may be any word; `GET /orders/{order_id}` finds it again by the same word.
#[utoipa::path(
    post, path = "/order", tag = "single items", operation_id = "place_single_item", request_body = OrderBody,
    responses((status = 200, body = OrderAnswer))
)]
pub(super) async fn place(
    State(seeds): State<Seeds>,
    Json(body): Json<OrderBody>,
) -> Result<Response, Problem> {
    let mut faults: Vec<_> =
        [body.order_id.fault("/order_id"), body.item.fault("/item")].into_iter().flatten().collect();
    if !(1..=QUANTITY_MAX).contains(&body.quantity) {
        faults.push(("/quantity".to_owned(), format!("is from 1 to {QUANTITY_MAX}")));
    }
    refuse(faults)?;
    let row = OrderRow { order_id: body.order_id, item: body.item, quantity: body.quantity };
    let asked = serde_json::to_value(&row).map_err(|error| Problem::internal(&error))?;
    let products = items::resolve(&seeds.upstreams.inventory, vec![("/item".to_owned(), row.item)]).await?;
    let products: Vec<_> = products.into_iter().map(|product| (product, row.quantity)).collect();
    let order_id = row.order_id.id(Kind::Order);
    let extras = Extras { shipping_address: body.shipping_address, payment_method: body.payment_method };
    // The system knows no customers: each order is one of its own, so that nobody seems to buy all.
    let order = NewOrder::new(order_id, order_id.to_string(), &products, extras)?;
    // Before it is placed, so that the list knows its words whenever this process ends.
    store::intend(&seeds.pool, System::SingleItems, order_id, &asked).await?;
    let (placed, headers) = match order.place(&seeds.upstreams.order, HeaderMap::new()).await {
        Ok(placed) => placed,
        Err(problem) => {
            // After a silence nobody knows; the list will ask.
            if problem.status().is_client_error() {
                forget(&seeds, order_id, &asked).await;
            }
            return Err(problem);
        }
    };
    if let Err(error) = store::accept(&seeds.pool, System::SingleItems, order_id, &asked).await {
        tracing::warn!(%error, %order_id, "an order is not yet noted as placed");
    }
    let answer = OrderAnswer {
        message: "order placed",
        order_id: row.order_id,
        status: placed.status,
        total_amount: placed.total_amount,
    };
    Ok((headers, Json(answer)).into_response())
}

/// Forgets the words of a refused order, unless they are those of an order that was placed under the
/// same word: its own request may still be on its way, or have ended without an answer.
async fn forget(seeds: &Seeds, order_id: Uuid, asked: &Value) {
    // What cannot be asked or removed now is left to the list.
    if let Ok(None) = place::find(&seeds.upstreams.order, order_id).await
        && let Err(error) = store::forget(&seeds.pool, order_id, asked).await
    {
        tracing::warn!(%error, %order_id, "the words of a refused order are kept for now");
    }
}

/// Set the stock of an item; one that is not in the catalogue is added at 9.99.
#[utoipa::path(
    post, path = "/inventory", tag = "single items", operation_id = "set_stock", request_body = StockBody,
    responses((status = 200, body = StockAnswer))
)]
pub(super) async fn stock(
    State(seeds): State<Seeds>,
    Json(body): Json<StockBody>,
) -> Result<Json<StockAnswer>, Problem> {
    let mut faults: Vec<_> = body.item.fault("/item").into_iter().collect();
    if body.stock < 0 {
        faults.push(("/stock".to_owned(), "must be 0 or more".to_owned()));
    }
    refuse(faults)?;
    let name = body.item.to_string();
    let product_id = match items::find(&seeds.upstreams.inventory, &body.item).await? {
        Some(product) => product.id,
        None => match create(&seeds, &body).await {
            Ok(product_id) => {
                let message = format!("{name} added at {PRICE_DEFAULT} with a stock of {}", body.stock);
                return Ok(Json(StockAnswer { message, product_id }));
            }
            // Somebody was faster; what was asked for is the stock.
            Err(problem) if problem.status() == axum::http::StatusCode::CONFLICT => body.item.id(Kind::Item),
            Err(problem) => return Err(problem),
        },
    };
    let count = json!({"on_hand": body.stock, "reason": REASON}).to_string().into_bytes();
    let path = format!("/products/{product_id}/stock");
    seeds.upstreams.inventory.send(Method::POST, &path, &HeaderMap::new(), Some(count)).await?;
    Ok(Json(StockAnswer { message: format!("stock of {name} set to {}", body.stock), product_id }))
}

async fn create(seeds: &Seeds, body: &StockBody) -> Result<Uuid, Problem> {
    #[derive(Serialize)]
    struct NewProduct {
        id: Uuid,
        name: String,
        price: Amount,
        quantity: i64,
    }
    let product = NewProduct {
        id: body.item.id(Kind::Item),
        name: body.item.to_string(),
        price: PRICE_DEFAULT,
        quantity: body.stock,
    };
    let form = serde_json::to_vec(&product).map_err(|error| Problem::internal(&error))?;
    seeds.upstreams.inventory.send(Method::POST, "/products", &HeaderMap::new(), Some(form)).await?;
    Ok(product.id)
}

/// The last 200 orders of `POST /order`, newest first.
#[utoipa::path(
    get, path = "/orders", tag = "single items", operation_id = "list_single_items",
    responses((status = 200, body = Vec<OrderRow>))
)]
pub(super) async fn list(State(seeds): State<Seeds>) -> Result<Json<Vec<OrderRow>>, Problem> {
    settle(&seeds).await?;
    let newest = store::newest(&seeds.pool, System::SingleItems, LIST_MAX).await?;
    Ok(Json(newest.into_iter().filter_map(|asked| OrderRow::deserialize(asked).ok()).collect()))
}

/// Asks what became of those without an answer: what the order service has is noted as placed, what
/// it does not have is forgotten when it is too old to be on its way.
async fn settle(seeds: &Seeds) -> Result<(), Problem> {
    let unsettled = store::unsettled(&seeds.pool, System::SingleItems, LOOKUPS_MAX).await?;
    let looked_up: Vec<(Uuid, Result<Option<place::Order>, Problem>)> = futures::stream::iter(unsettled)
        .map(|id| async move { (id, place::find(&seeds.upstreams.order, id).await) })
        .buffered(LOOKUPS_AT_ONCE)
        .collect()
        .await;
    let (mut placed, mut unknown) = (Vec::new(), Vec::new());
    for (id, answer) in looked_up {
        match answer {
            Ok(Some(_)) => placed.push(id),
            Ok(None) => unknown.push(id),
            // The next list asks again; this one shows what is known.
            Err(problem) => tracing::debug!(order_id = %id, reason = problem.detail(), "not settled"),
        }
    }
    if !placed.is_empty() {
        store::found(&seeds.pool, &placed).await?;
    }
    if !unknown.is_empty() {
        store::expire(&seeds.pool, &unknown, ON_ITS_WAY_MAX).await?;
    }
    Ok(())
}
