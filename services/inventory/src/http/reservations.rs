//! `/reservations/{order_id}`: what inventory holds, or held, for an order.

use axum::extract::State;
use chassis::{
    App,
    http::{Json, Path, Problem},
};
use chrono::{DateTime, Utc};
use inventory_domain::State as Held;
use serde::Serialize;
use shared_events::{
    EventType, OrderId,
    events::inventory::{HeldLine, ReleasedFrom, ReserveFailure},
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::documents;
use crate::{
    Inventory,
    store::reservations::{self, Reservation},
};

/// A reservation as everyone sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reservation)]
pub(super) struct ReservationView {
    /// Its own id, derived from the order's.
    id: Uuid,
    #[schema(value_type = Uuid)]
    order_id: OrderId,
    /// Where it stands.
    #[schema(value_type = documents::ReservationStatus)]
    status: &'static str,
    #[schema(value_type = Vec<documents::HeldLine>)]
    items: Vec<HeldLine>,
    /// When inventory asks the order what became of it; it goes on holding.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
    /// How often it has asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<u32>,
    /// What a release found.
    #[schema(value_type = Option<documents::ReleasedFrom>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    released_from: Option<ReleasedFrom>,
    /// The event that ended it.
    #[schema(value_type = Option<String>, example = "order.failed")]
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<EventType>,
    /// Why nothing could be held.
    #[schema(value_type = Option<documents::ReserveFailure>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<ReserveFailure>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Reservation> for ReservationView {
    fn from(row: Reservation) -> Self {
        let mut view = Self {
            id: row.order.derived("reservation"),
            order_id: row.order,
            status: row.state.status(),
            items: row.state.items().to_vec(),
            expires_at: None,
            asked: None,
            released_from: None,
            reason: None,
            failure: None,
            created_at: row.created_at,
            updated_at: row.updated_at,
        };
        match row.state {
            Held::Held { expires_at, asked, .. } => {
                (view.expires_at, view.asked) = (Some(expires_at), Some(asked));
            }
            Held::Released { released_from, reason, .. } => {
                (view.released_from, view.reason) = (Some(released_from), Some(reason));
            }
            Held::Rejected { code } => view.failure = Some(code),
            Held::Unknown | Held::Committed { .. } => {}
        }
        view
    }
}

/// What inventory holds, or held, for an order.
#[utoipa::path(
    get, path = "/reservations/{order_id}", tag = "reservations", operation_id = "get_reservation",
    params(("order_id" = Uuid, Path, description = "The order.")),
    responses(
        (status = 200, description = "As it stands.", body = ReservationView),
        (status = 400, description = "That is no id."),
        (status = 404, description = "Inventory has not heard of the order (yet)."),
    )
)]
pub(super) async fn get(
    State(app): State<App<Inventory>>,
    Path(order): Path<OrderId>,
) -> Result<Json<ReservationView>, Problem> {
    let found = reservations::get(app.pool(), &[order]).await?.pop();
    found
        .map(|reservation| Json(reservation.into()))
        .ok_or_else(|| Problem::not_found(format!("inventory has not heard of order {order}")))
}
