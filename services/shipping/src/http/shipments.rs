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
use utoipa::ToSchema;
use uuid::Uuid;

use super::documents;
use crate::{
    Shipping,
    store::{self, StoredShipment},
};

/// A shipment as the API shows it. The address is not part of it: it is personal, and known to
/// whoever placed the order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Shipment)]
pub(super) struct ShipmentView {
    /// Its own id, derived from the order's.
    id: Uuid,
    #[schema(value_type = Uuid)]
    order_id: OrderId,
    /// How far it is.
    #[schema(value_type = documents::ShipmentStatus)]
    status: Status,
    /// The carrier's number.
    #[schema(example = "TRK-KRVQJ")]
    tracking_number: Option<String>,
    estimated_delivery: Option<DateTime<Utc>>,
    /// What a wish to cancel was answered with, if there was one.
    #[schema(value_type = Option<documents::CancelAnswer>)]
    cancel_answer: Option<CancelAnswer>,
    /// Why the carrier does not take it.
    #[schema(value_type = Option<documents::Failure>)]
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

/// The shipment of an order.
#[utoipa::path(
    get, path = "/shipments/{order_id}", tag = "shipments", operation_id = "get_shipment",
    params(("order_id" = Uuid, Path, description = "The order.")),
    responses(
        (status = 200, description = "As it stands.", body = ShipmentView),
        (status = 400, description = "That is no id."),
        (status = 404, description = "There is no shipment for this order (yet)."),
    )
)]
pub(super) async fn show(
    State(app): State<App<Shipping>>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<ShipmentView>, Problem> {
    read(&app, order_id).await
}

/// Reports that a parcel was handed over to the carrier (operator, or the carrier).
///
/// It may be reported again. A body is allowed and not read.
#[utoipa::path(
    post, path = "/shipments/{order_id}/dispatch", tag = "shipments", operation_id = "dispatch_shipment",
    params(("order_id" = Uuid, Path, description = "The order.")),
    responses(
        (status = 200, description = "As it stands now.", body = ShipmentView),
        (status = 400, description = "That is no id."),
        (status = 404, description = "`unknown_shipment`: there is none for this order."),
        (status = 409, description = "`shipment_cancelled` or `shipment_failed`: it will not go out."),
        (status = 503, description = "`still_booking` or `being_cancelled`: the carrier's answer is awaited; report it again."),
    )
)]
pub(super) async fn dispatch(
    State(app): State<App<Shipping>>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<ShipmentView>, Problem> {
    report(&app, order_id, Command::Dispatch).await
}

/// Reports that a parcel has arrived (operator, or the carrier).
///
/// It may be reported again. A body is allowed and not read.
#[utoipa::path(
    post, path = "/shipments/{order_id}/deliver", tag = "shipments", operation_id = "deliver_shipment",
    params(("order_id" = Uuid, Path, description = "The order.")),
    responses(
        (status = 200, description = "As it stands now.", body = ShipmentView),
        (status = 400, description = "That is no id."),
        (status = 404, description = "`unknown_shipment`: there is none for this order."),
        (status = 409, description = "`shipment_cancelled` or `shipment_failed`: it will not go out."),
        (status = 503, description = "`still_booking` or `being_cancelled`: the carrier's answer is awaited; report it again."),
    )
)]
pub(super) async fn deliver(
    State(app): State<App<Shipping>>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<ShipmentView>, Problem> {
    report(&app, order_id, Command::Deliver).await
}

async fn report(
    app: &App<Shipping>,
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

async fn read(app: &App<Shipping>, order_id: OrderId) -> Result<Json<ShipmentView>, Problem> {
    let found = store::find(app.pool(), &[order_id]).await?.pop();
    let shipment = found.ok_or_else(|| Problem::not_found("There is no shipment for this order."))?;
    Ok(Json(shipment.into()))
}
