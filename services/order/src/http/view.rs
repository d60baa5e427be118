//! An order as the API shows it.

use chassis::http::Amount;
use chrono::{DateTime, Utc};
use order_domain::{
    Cancel, Compensation, Failure, InventoryAnswer, PaymentAnswer, Placed, Progress, State, Trouble,
};
use serde::Serialize;
use shared_events::{
    Currency, CustomerId, EventType, OrderId, ProductId,
    events::order::{Address, RequestedBy},
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::documents;
use crate::store::StoredOrder;

/// The order, and what became of it as far as it is known. What is not known is left out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub(super) struct OrderView {
    #[schema(value_type = Uuid)]
    id: OrderId,
    #[schema(value_type = String, example = "ada")]
    customer_id: CustomerId,
    #[schema(value_type = documents::OrderStatus)]
    status: &'static str,
    /// Sum of the lines.
    total_amount: Amount,
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    items: Vec<LineView>,
    #[schema(value_type = documents::Address)]
    shipping_address: Address,
    /// Carried by every event that this order causes.
    correlation_id: Uuid,
    created_at: Option<DateTime<Utc>>,
    #[schema(value_type = Since)]
    #[serde(flatten)]
    since: Option<Since>,
}

/// One product of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderLine)]
struct LineView {
    #[schema(value_type = Uuid)]
    product_id: ProductId,
    quantity: u32,
    /// The price of one, as the customer saw it.
    price: Amount,
}

/// Whatever has changed since the order was placed, or may change. All of it is absent from the answer
/// to `POST /orders`, which is the same however late it is repeated.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderProgress)]
struct Since {
    #[schema(required = false)]
    updated_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_at: Option<DateTime<Utc>>,
    #[schema(required = false)]
    payment_method: PaymentView,
    #[schema(value_type = Option<documents::Failure>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation: Option<CancellationView>,
    #[schema(value_type = documents::CompensationStatus, required = false)]
    compensation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    compensation_answers: Option<AnswersView>,
    /// The event whose absence a person was called for.
    #[serde(skip_serializing_if = "Option::is_none")]
    stuck_on: Option<String>,
    /// The transaction's id, once something was captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<Uuid>,
    /// The carrier's number.
    #[schema(example = "TRK-KRVQJ")]
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_delivery: Option<DateTime<Utc>>,
}

/// How it is paid, as far as that may be shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentMethod)]
struct PaymentView {
    #[schema(example = "credit_card")]
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_brand: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_last_four: Option<String>,
}

/// A wish to be out of the order, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cancellation)]
struct CancellationView {
    /// `requested`, `done` or `rejected`.
    #[schema(example = "done")]
    status: &'static str,
    reason: String,
    #[schema(value_type = documents::RequestedBy)]
    requested_by: RequestedBy,
}

/// What each participant has said about a dead order, by the event that said it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CompensationAnswers)]
struct AnswersView {
    #[schema(value_type = Option<String>, example = "inventory.released")]
    inventory: Option<EventType>,
    #[schema(value_type = Option<String>, example = "payment.refunded")]
    payment: Option<EventType>,
    /// What keeps payment from answering.
    #[schema(value_type = Option<String>, example = "payment.refund.failed")]
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<EventType>,
    /// The events still owed.
    missing: Vec<&'static str>,
}

impl OrderView {
    /// The order as it was when it was placed: the first answer, and every repeated one. `None` for
    /// a state without an order, which is never stored.
    pub(super) fn as_placed(id: OrderId, state: &State, correlation_id: Uuid) -> Option<Self> {
        let placed = state.placed.as_ref()?;
        Some(Self {
            id,
            customer_id: placed.customer_id.clone(),
            status: Progress::Pending.as_str(),
            total_amount: Amount(placed.total_minor),
            currency: placed.currency,
            items: lines(placed),
            shipping_address: placed.shipping_address.clone(),
            correlation_id,
            created_at: state.placed_at,
            since: None,
        })
    }

    /// The order as it stands.
    pub(super) fn as_it_stands(stored: StoredOrder) -> Option<Self> {
        let id = OrderId(stored.id);
        let first = Self::as_placed(id, &stored.state, stored.correlation_id)?;
        let state = stored.state;
        let since = Since {
            updated_at: stored.updated_at,
            confirmed_at: state.confirmed_at,
            payment_method: PaymentView {
                kind: stored.payment_method.kind,
                card_brand: stored.payment_method.card_brand,
                card_last_four: stored.payment_method.card_last_four,
            },
            compensation: state.compensation.as_str(),
            compensation_answers: answers(&state),
            stuck_on: state.stuck_on(),
            // The payment service derives its transaction's id in the same way.
            payment_id: state.captured_minor.map(|_| id.derived("transaction")),
            cancellation: cancellation(&state),
            failure: state.failure,
            tracking_number: state.tracking_number,
            estimated_delivery: state.estimated_delivery,
        };
        Some(Self { status: state.progress.as_str(), since: Some(since), ..first })
    }
}

fn lines(placed: &Placed) -> Vec<LineView> {
    let line = |line: &shared_events::events::order::Line| LineView {
        product_id: line.product_id,
        quantity: line.quantity,
        price: Amount(line.unit_price_minor),
    };
    placed.items.iter().map(line).collect()
}

fn cancellation(state: &State) -> Option<CancellationView> {
    let wish = state.cancellation.as_ref()?;
    let status = match (state.progress, state.cancel) {
        (Progress::Cancelled, _) => "done",
        (_, Cancel::Requested) => "requested",
        (_, Cancel::Rejected | Cancel::None) => "rejected",
    };
    Some(CancellationView { status, reason: wish.reason.clone(), requested_by: wish.requested_by })
}

fn answers(state: &State) -> Option<AnswersView> {
    (state.compensation != Compensation::None).then(|| AnswersView {
        inventory: state.answers.inventory.map(InventoryAnswer::event_type),
        payment: state.answers.payment.map(PaymentAnswer::event_type),
        trouble: state.answers.trouble.map(Trouble::event_type),
        missing: state.missing(),
    })
}
