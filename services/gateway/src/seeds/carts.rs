//! The calls of the system whose customers send a cart of item ids and the sum they expect to pay.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName},
    response::{IntoResponse, Response},
};
use chassis::http::{Amount, Json, Path, Problem};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Seeds, items,
    place::{self, Extras, LINES_MAX, NewOrder, Order},
    store::{self, System},
    words::{Kind, Word, refuse},
};

/// Pieces of one cart. Each is a word of its own, so a larger number means another call.
const ITEMS_MAX: usize = 1_000;
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A cart. An item that stands in it twice is bought twice.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct CartBody {
    /// A UUID, or any other word, which then stands for one user.
    user_id: Word,
    /// Product ids, or names of products whatever the case.
    item_ids: Vec<Word>,
    /// What the customer expects to pay. It must agree with the catalogue; without it the
    /// catalogue's sum is taken.
    total_amount: Option<Amount>,
    /// `{street, city, state, zip, country?}`; without it each field says `not given`.
    #[schema(value_type = Option<Object>)]
    shipping_address: Option<Value>,
    /// `{type, token?}`; without it `credit_card` without a token, for which the payment simulator
    /// draws the outcome by its failure rate.
    #[schema(value_type = Option<Object>)]
    payment_method: Option<Value>,
}

/// What became of a cart.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlacedView {
    order_id: Uuid,
    #[schema(example = "pending")]
    status: String,
    total_amount: Amount,
}

/// An order, in the words in which it was placed.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CartView {
    /// The id, or the word under which it was asked for.
    order_id: Word,
    /// The user as the order was placed; for an order of another call, the customer's id.
    user_id: Word,
    /// One for each piece.
    item_ids: Vec<Word>,
    total_amount: Amount,
    /// `pending`, `confirmed`, `failed`, … as the order service says.
    #[schema(example = "confirmed")]
    status: String,
    created_at: Option<DateTime<Utc>>,
    /// `{step, code, reason}` of a failed order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    failure: Option<Value>,
    /// Whether stock and money of a dead order are accounted for: `pending`, `complete`, `stuck`.
    #[serde(skip_serializing_if = "Option::is_none")]
    compensation: Option<String>,
}

/// The words kept beside an order.
#[derive(Debug, Deserialize)]
struct AskedCart {
    user_id: Word,
    item_ids: Vec<Word>,
}

impl CartBody {
    fn check(&self) -> Result<(), Problem> {
        let count = self.item_ids.len();
        let mut faults: Vec<_> = self.user_id.fault("/user_id").into_iter().collect();
        if !(1..=ITEMS_MAX).contains(&count) {
            faults.push(("/item_ids".to_owned(), format!("a cart has 1 to {ITEMS_MAX} items, not {count}")));
            return refuse(faults);
        }
        for (index, item) in self.item_ids.iter().enumerate() {
            faults.extend(item.fault(&format!("/item_ids/{index}")));
        }
        let mut different: Vec<String> = self.item_ids.iter().map(Word::to_string).collect();
        different.sort_unstable();
        different.dedup();
        if different.len() > LINES_MAX {
            let rule = format!("an order has at most {LINES_MAX} different items, not {}", different.len());
            faults.push(("/item_ids".to_owned(), rule));
        }
        refuse(faults)
    }
}

/// Place a cart at the catalogue's prices.
///
/// Answers 200, as the system it stands for does; `Idempotency-Key` makes a repeat harmless.
#[utoipa::path(
    post, path = "/orders/", tag = "carts", operation_id = "place_cart", request_body = CartBody,
    params(("idempotency-key" = Option<String>, Header, description = "The same key and cart again is the same order.")),
    responses((status = 200, body = PlacedView))
)]
pub(super) async fn place(
    State(seeds): State<Seeds>,
    headers: HeaderMap,
    Json(body): Json<CartBody>,
) -> Result<Response, Problem> {
    body.check()?;
    let asked = json!({"user_id": body.user_id, "item_ids": body.item_ids});
    let pass_on: HeaderMap =
        headers.get(&IDEMPOTENCY_KEY).map(|key| (IDEMPOTENCY_KEY, key.clone())).into_iter().collect();
    let expected = body.total_amount;
    let cart =
        Asked { order_id: order_id_of(&pass_on), has_key: !pass_on.is_empty(), words: &asked, expected };
    let (placed, headers) = match priced(&seeds, cart.order_id, body).await {
        Ok(order) => match agree(expected, order.total()) {
            Ok(()) => order.place(&seeds.upstreams.order, pass_on).await?,
            Err(refused) => cart.placed_before(&seeds, Some(&order)).await.ok_or(refused)?,
        },
        Err(refused) => cart.placed_before(&seeds, None).await.ok_or(refused)?,
    };
    if let Err(error) = store::accept(&seeds.pool, System::Carts, placed.id, &asked).await {
        // The order stands; it will be shown with ids instead of the words.
        tracing::warn!(%error, order_id = %placed.id, "the words of an order could not be kept");
    }
    let view = PlacedView { order_id: placed.id, status: placed.status, total_amount: placed.total_amount };
    Ok((headers, Json(view)).into_response())
}

/// The order of a cart, at the catalogue's prices of now.
async fn priced(seeds: &Seeds, order_id: Uuid, body: CartBody) -> Result<NewOrder, Problem> {
    let words = body.item_ids.into_iter().enumerate();
    let words = words.map(|(index, word)| (format!("/item_ids/{index}"), word)).collect();
    let products = items::resolve(&seeds.upstreams.inventory, words).await?;
    let products: Vec<_> = products.into_iter().map(|product| (product, 1)).collect();
    let extras = Extras { shipping_address: body.shipping_address, payment_method: body.payment_method };
    NewOrder::new(order_id, body.user_id.id(Kind::User).to_string(), &products, extras)
}

/// A cart as it was asked for.
struct Asked<'a> {
    order_id: Uuid,
    has_key: bool,
    words: &'a Value,
    expected: Option<Amount>,
}

impl Asked<'_> {
    /// The order that the same cart became under the same key, when the catalogue refuses it now: a
    /// product is gone since, or has another price than the customer still expects.
    ///
    /// It is the same cart when it was asked for in the same words, or when what the words mean
    /// today is what was ordered.
    async fn placed_before(&self, seeds: &Seeds, priced: Option<&NewOrder>) -> Option<(Order, HeaderMap)> {
        if !self.has_key {
            return None;
        }
        // Whoever cannot be asked now leaves the refusal as it is.
        let order = place::find(&seeds.upstreams.order, self.order_id).await.ok()??;
        let kept = store::find(&seeds.pool, self.order_id).await.ok()?;
        let same_words = kept.is_some_and(|kept| kept == *self.words);
        let same_pieces = priced.is_some_and(|priced| priced.means(&order));
        let same_sum = self.expected.is_none_or(|expected| expected == order.total_amount);
        ((same_words || same_pieces) && same_sum).then(|| place::again(order))
    }
}

/// Made from the key, so that a repeat names the same order.
fn order_id_of(headers: &HeaderMap) -> Uuid {
    let key = headers.get(&IDEMPOTENCY_KEY).and_then(|key| key.to_str().ok());
    // The order service refuses a key that cannot be read.
    key.map_or_else(Uuid::now_v7, |key| Word::Text(format!("key {key}")).id(Kind::Key))
}

/// Prices are the catalogue's: a customer who expects another sum has seen another price.
fn agree(expected: Option<Amount>, sum: Amount) -> Result<(), Problem> {
    match expected {
        Some(expected) if expected != sum => {
            let words = format!("is {expected}, but the catalogue's prices add up to {sum}");
            Err(Problem::invalid([("/total_amount", words)]).code("total_mismatch"))
        }
        Some(_) | None => Ok(()),
    }
}

/// An order by its id, or by the word under which it was placed.
#[utoipa::path(
    get, path = "/orders/{order_id}", tag = "carts", operation_id = "show_cart",
    params(("order_id" = String, Path, description = "A UUID, or the word a single-item order was placed under.")),
    responses((status = 200, body = CartView))
)]
pub(super) async fn show(
    State(seeds): State<Seeds>,
    Path(word): Path<String>,
) -> Result<Json<CartView>, Problem> {
    let word = Word::Text(word);
    refuse(word.fault("/order_id").into_iter().collect())
        .map_err(|_| Problem::bad_request("an order id has 1 to 200 characters").code("bad_id"))?;
    let order_id = word.id(Kind::Order);
    let order = place::find(&seeds.upstreams.order, order_id).await?;
    let order = order.ok_or_else(|| Problem::not_found(format!("there is no order \"{word}\"")))?;
    let asked = store::find(&seeds.pool, order_id).await?;
    Ok(Json(view(word, order, asked.as_ref())))
}

fn view(word: Word, order: Order, asked: Option<&Value>) -> CartView {
    let cart = asked.and_then(|asked| AskedCart::deserialize(asked).ok());
    // An order of a single item has its own number, which may not have been a text.
    let order_id = asked.and_then(|asked| Word::deserialize(&asked["order_id"]).ok()).unwrap_or(word);
    let (user_id, item_ids) = cart.map_or_else(
        || {
            let pieces = order.items.iter().flat_map(|line| {
                let pieces = usize::try_from(line.quantity).unwrap_or(0);
                std::iter::repeat_n(Word::from(line.product_id), pieces)
            });
            // An order of another call may be of a million pieces, which nobody wants to read.
            (Word::Text(order.customer_id.clone()), pieces.take(ITEMS_MAX).collect())
        },
        |cart| (cart.user_id, cart.item_ids),
    );
    CartView {
        order_id,
        user_id,
        item_ids,
        total_amount: order.total_amount,
        status: order.status,
        created_at: order.created_at,
        failure: order.failure,
        compensation: order.compensation,
    }
}
