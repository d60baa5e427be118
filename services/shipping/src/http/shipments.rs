//! `/shipments/{order_id}`, and the reports of its progress.

use axum::extract::State;
use chassis::{
    App, CommandError,
    http::{Json, Path, Problem},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared_events::OrderId;
use shipping_domain::{CancelAnswer, Command, Failure, Input, Status};
use uuid::Uuid;

use crate::{
    Shipping,
    gateway::Carrier,
    store::{self, StoredShipment},
};

/// A shipment as the API shows it. The address is not part of it: it is personal, and known to
/// whoever placed the order.
#[derive(Debug, Serialize)]
pub(super) struct ShipmentView {
    /// Its own id, derived from the order's.
    id: Uuid,
    order_id: OrderId,
    /// `booking`, `scheduled`, `dispatched`, `delivered`, `cancelling`, `cancelled` or `failed`.
    status: Status,
    tracking_number: Option<String>,
    estimated_delivery: Option<DateTime<Utc>>,
    /// What a wish to cancel was answered with, if there was one: `cancelled` or `rejected`.
    cancel_answer: Option<CancelAnswer>,
    /// Why the carrier does not take it.
    failure: Option<Failure>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<StoredShipment> for ShipmentView {
    fn from(stored: StoredShipment) -> Self {
        let StoredShipment { order_id, state, created_at, updated_at } = stored;
        let (tracking_number, estimated_delivery) = state
            .consignment
            .map(|consignment| (consignment.tracking_number, consignment.estimated_delivery))
            .unzip();
        Self {
            id: order_id.derived("shipment"),
            order_id,
            status: state.status,
            tracking_number,
            estimated_delivery,
            cancel_answer: state.cancel_answer,
            failure: state.failure,
            created_at,
            updated_at,
        }
    }
}

/// `GET /shipments/{order_id}`
pub(super) async fn show<C: Carrier>(
    State(app): State<App<Shipping<C>>>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<ShipmentView>, Problem> {
    read(&app, order_id).await
}

/// `POST /shipments/{order_id}/dispatch`; a body is allowed and not read.
pub(super) async fn dispatch<C: Carrier>(
    State(app): State<App<Shipping<C>>>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<ShipmentView>, Problem> {
    report(&app, order_id, Command::Dispatch).await
}

/// `POST /shipments/{order_id}/deliver`; a body is allowed and not read.
pub(super) async fn deliver<C: Carrier>(
    State(app): State<App<Shipping<C>>>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<ShipmentView>, Problem> {
    report(&app, order_id, Command::Deliver).await
}

async fn report<C: Carrier>(
    app: &App<Shipping<C>>,
    order_id: OrderId,
    command: Command,
) -> Result<Json<ShipmentView>, Problem> {
    app.engine().report(order_id, Input::Command(command)).await.map_err(refusal)?;
    read(app, order_id).await
}

/// The carrier takes 404 and 409 as final and comes back after a 503. So what will be decided by an
/// answer that is still awaited is a 503, however certain the caller is.
fn refusal(error: CommandError) -> Problem {
    match error {
        CommandError::Rejected(rejection) => match rejection.code {
            "unknown_shipment" => Problem::not_found(rejection.detail).code(rejection.code),
            "still_booking" | "being_cancelled" => {
                Problem::unavailable(rejection.detail).code(rejection.code)
            }
            _ => CommandError::Rejected(rejection).into(),
        },
        other @ (CommandError::Unavailable(_) | CommandError::Failed(_)) => other.into(),
    }
}

async fn read<C: Carrier>(app: &App<Shipping<C>>, order_id: OrderId) -> Result<Json<ShipmentView>, Problem> {
    let found = store::find(app.pool(), &[order_id]).await?.pop();
    let shipment = found.ok_or_else(|| Problem::not_found("There is no shipment for this order."))?;
    Ok(Json(shipment.into()))
}
