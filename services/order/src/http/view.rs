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
use uuid::Uuid;

use crate::store::StoredOrder;

/// The order, and what became of it as far as it is known. What is not known is left out.
#[derive(Debug, Serialize)]
pub(super) struct OrderView {
    id: OrderId,
    customer_id: CustomerId,
    status: &'static str,
    total_amount: Amount,
    currency: Currency,
    items: Vec<LineView>,
    shipping_address: Address,
    correlation_id: Uuid,
    created_at: Option<DateTime<Utc>>,
    #[serde(flatten)]
    since: Option<Since>,
}

#[derive(Debug, Serialize)]
struct LineView {
    product_id: ProductId,
    quantity: u32,
    price: Amount,
}

/// Whatever has changed since the order was placed, or may change.
#[derive(Debug, Serialize)]
struct Since {
    updated_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_at: Option<DateTime<Utc>>,
    payment_method: PaymentView,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation: Option<CancellationView>,
    compensation: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    compensation_answers: Option<AnswersView>,
    /// The event whose absence a person was called for.
    #[serde(skip_serializing_if = "Option::is_none")]
    stuck_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated_delivery: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
struct PaymentView {
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_brand: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_last_four: Option<String>,
}

#[derive(Debug, Serialize)]
struct CancellationView {
    status: &'static str,
    reason: String,
    requested_by: RequestedBy,
}

/// What each participant has said about a dead order, by the event that said it.
#[derive(Debug, Serialize)]
struct AnswersView {
    inventory: Option<EventType>,
    payment: Option<EventType>,
    /// What keeps payment from answering.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<EventType>,
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
