//! Words of the domain as the OpenAPI document shows them. They are never built: the domain knows
//! nothing of HTTP.
#![allow(dead_code)]

use utoipa::ToSchema;

/// What is to be done with an order.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Verdict {
    /// Charge.
    Approve,
    /// Wait for a person.
    Review,
    /// Do not charge.
    Reject,
}

/// What a review ends with.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Ruling {
    /// Charge.
    Approve,
    /// Do not charge.
    Reject,
}

/// How far a review is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum ReviewStatus {
    /// Somebody has to decide.
    Open,
    /// Somebody, or the deadline, has decided.
    Decided,
    /// Nobody has decided, and nobody has to any more.
    Closed,
}

/// Why a review was closed without a decision.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(super) enum Closing {
    /// The order was cancelled, or failed.
    OrderDied,
    /// The order was confirmed, and nobody decided before the deadline.
    OrderConfirmed,
}
