//! `/transactions/{order_id}`, and the way out of an unresolved one.

use axum::{extract::State, http::StatusCode};
use chassis::{
    App,
    http::{Amount, Json, Path, Problem},
};
use chrono::{DateTime, Utc};
use payment_domain::{Command, Failure, Opinion, Status};
use serde::{Deserialize, Serialize};
use shared_events::{Currency, CustomerId, EventType, OrderId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::documents;
use crate::{Payment, store::StoredTransaction};

/// A person's note goes into the saga log: long enough for a sentence and a ticket's number.
const NOTE_CHARS_MAX: usize = 500;

/// A transaction as the API shows it. What belongs to the order is null while only its death, its
/// reservation or its fraud verdict has arrived.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Transaction)]
pub(super) struct TransactionView {
    /// Its own id, derived from the order's.
    id: Uuid,
    #[schema(value_type = Uuid)]
    order_id: OrderId,
    #[schema(value_type = Option<String>, example = "ada")]
    customer_id: Option<CustomerId>,
    amount: Option<Amount>,
    #[schema(value_type = Option<String>, example = "USD")]
    currency: Option<Currency>,
    #[schema(value_type = documents::PaymentStatus)]
    status: Status,
    captured: Amount,
    refunded: Amount,
    method: Option<MethodView>,
    /// What the fraud assessment says.
    #[schema(value_type = documents::FraudOpinion)]
    fraud: Opinion,
    /// Why it was declined, failed, or cannot be refunded.
    #[schema(value_type = Option<documents::Failure>)]
    failure: Option<Failure>,
    /// The event that ended the order, when one has.
    #[schema(value_type = Option<String>, example = "order.failed")]
    order_ended_by: Option<EventType>,
    /// The gateway's own id of the capture.
    charge_id: Option<String>,
    /// How many charges were sent, all under one key.
    charges_sent: u8,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// How it is paid, as far as that may be shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentMethod)]
struct MethodView {
    #[schema(example = "credit_card")]
    #[serde(rename = "type")]
    kind: String,
    card_brand: Option<String>,
    card_last_four: Option<String>,
}

impl From<StoredTransaction> for TransactionView {
    fn from(stored: StoredTransaction) -> Self {
        let StoredTransaction { order_id, state, created_at, updated_at } = stored;
        let intent = state.intent;
        Self {
            id: order_id.derived("transaction"),
            order_id,
            customer_id: intent.as_ref().map(|intent| intent.customer_id.clone()),
            amount: intent.as_ref().map(|intent| Amount(intent.amount_minor)),
            currency: intent.as_ref().map(|intent| intent.currency),
            status: state.status,
            captured: Amount(state.captured_minor),
            refunded: Amount(state.refunded_minor),
            method: intent.map(|intent| MethodView {
                kind: intent.method,
                card_brand: intent.card_brand,
                card_last_four: intent.card_last_four,
            }),
            fraud: state.fraud,
            failure: state.failure,
            order_ended_by: state.dead,
            charge_id: state.charge_id,
            charges_sent: state.charges_sent,
            created_at,
            updated_at,
        }
    }
}

/// The payment of an order.
#[utoipa::path(
    get, path = "/transactions/{order_id}", tag = "transactions", operation_id = "get_transaction",
    params(("order_id" = Uuid, Path, description = "The order.")),
    responses(
        (status = 200, description = "As it stands.", body = TransactionView),
        (status = 400, description = "That is no id."),
        (status = 404, description = "Payment never heard of this order (yet)."),
    )
)]
pub(super) async fn show(
    State(app): State<App<Payment>>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<TransactionView>, Problem> {
    Ok(Json(super::find(&app, order_id).await?.into()))
}

/// What a person found out about an unresolved charge.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct Resolution {
    /// Whether the money was captured. "Not captured" is voided at the gateway first, to be sure.
    captured: bool,
    /// How they know.
    #[schema(example = "seen in the bank's list", min_length = 1, max_length = 500)]
    note: String,
}

/// Says what became of a charge that the gateway does not tell about (operator).
#[utoipa::path(
    post, path = "/transactions/{order_id}/resolve", tag = "transactions", operation_id = "resolve_transaction",
    params(("order_id" = Uuid, Path, description = "The order.")),
    request_body = Resolution,
    responses(
        (status = 202, description = "Taken as known, or voided at the gateway to be sure.", body = TransactionView),
        (status = 400, description = "That is no id."),
        (status = 404, description = "Payment never heard of this order."),
        (status = 409, description = "`not_unresolved`: the charge waits for nobody."),
        (status = 422, description = "The note is empty or too long."),
    )
)]
pub(super) async fn resolve(
    State(app): State<App<Payment>>,
    Path(order_id): Path<OrderId>,
    Json(resolution): Json<Resolution>,
) -> Result<(StatusCode, Json<TransactionView>), Problem> {
    let note = checked_note(&resolution.note)?;
    let command = Command::Resolve { order_id, captured: resolution.captured, note };
    let transaction = super::command(&app, order_id, command).await?;
    Ok((StatusCode::ACCEPTED, Json(transaction.into())))
}

fn checked_note(note: &str) -> Result<String, Problem> {
    let note = note.trim();
    let characters = note.chars().count();
    if characters == 0 || characters > NOTE_CHARS_MAX || note.chars().any(char::is_control) {
        let rule = format!("a note has 1 to {NOTE_CHARS_MAX} characters, none of them a control character");
        return Err(Problem::invalid([("/note", rule)]));
    }
    Ok(note.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_something_and_not_too_much() {
        assert_eq!(checked_note(" seen in the bank's list ").unwrap(), "seen in the bank's list");
        assert!(checked_note(&"x".repeat(NOTE_CHARS_MAX)).is_ok());
        for bad in [String::new(), "  ".to_owned(), "a\u{0}b".to_owned(), "x".repeat(NOTE_CHARS_MAX + 1)] {
            assert_eq!(checked_note(&bad).unwrap_err().status(), StatusCode::UNPROCESSABLE_ENTITY);
        }
    }

    #[test]
    fn a_tombstone_is_shown_without_what_it_never_learned() {
        let stored = StoredTransaction {
            order_id: OrderId(Uuid::from_u128(7)),
            state: payment_domain::State { status: Status::Voided, ..Default::default() },
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        };
        let json = serde_json::to_value(TransactionView::from(stored)).unwrap();
        assert_eq!(json["status"], "voided");
        assert!(json["amount"].is_null() && json["customer_id"].is_null() && json["method"].is_null());
        assert_eq!(json["id"], OrderId(Uuid::from_u128(7)).derived("transaction").to_string());
    }
}
