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
use uuid::Uuid;

use crate::{
    Inventory,
    store::reservations::{self, Reservation},
};

/// A reservation as everyone sees it.
#[derive(Debug, Serialize)]
pub(super) struct ReservationView {
    id: Uuid,
    order_id: OrderId,
    /// `held`, `committed`, `released` or `rejected`.
    status: &'static str,
    items: Vec<HeldLine>,
    /// When inventory asks the order what became of it; it goes on holding.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
    /// How often it has asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<u32>,
    /// What a release found: `nothing`, `held` or `committed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    released_from: Option<ReleasedFrom>,
    /// The event that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<EventType>,
    /// Why nothing could be held.
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

/// `GET /reservations/{order_id}`.
pub(super) async fn get(
    State(app): State<App<Inventory>>,
    Path(order): Path<OrderId>,
) -> Result<Json<ReservationView>, Problem> {
    let found = reservations::get(app.pool(), &[order]).await?.pop();
    found
        .map(|reservation| Json(reservation.into()))
        .ok_or_else(|| Problem::not_found(format!("inventory has not heard of order {order}")))
}
