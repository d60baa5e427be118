//! `GET /api/reconciliation`: what was sent and not handled.

use std::sync::Arc;

use axum::extract::State;
use chassis::http::Json;

use crate::reconciler::{Reconciler, Report};

/// What the reconciler found last: every event that a consumer should have handled and has not.
#[utoipa::path(
    get, path = "/api/reconciliation", tag = "platform", operation_id = "reconciliation",
    responses((status = 200, description = "The last comparison of this process, even if there was none yet.", body = Report))
)]
pub(super) async fn show(State(reconciler): State<Arc<Reconciler>>) -> Json<Report> {
    Json(Report::clone(&reconciler.report()))
}
