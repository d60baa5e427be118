//! `GET /assessments/{order_id}`: how an order was judged, and why.

use ai_domain::{Assessment, Closing, Happened, Review, ReviewStatus};
use axum::extract::State;
use chassis::{
    App,
    http::{Json, Path, Problem},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared_events::{
    OrderId,
    events::fraud::{Ruling, Verdict},
};
use utoipa::ToSchema;

use super::documents;
use crate::{
    Ai,
    store::{self, StoredAssessment},
};

/// An assessment as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Assessment)]
pub(super) struct AssessmentView {
    #[schema(value_type = uuid::Uuid)]
    order_id: OrderId,
    /// 0 (harmless) to 100.
    #[schema(maximum = 100)]
    score: u8,
    risk_level: RiskLevel,
    /// What followed from the score. What a review ended with is in `review`.
    #[schema(value_type = documents::Verdict)]
    verdict: Verdict,
    /// Sentences with figures, most important first.
    reasons: Vec<String>,
    /// The codes of the rules that brought points, as `GET /models/info` explains them.
    flags: Vec<String>,
    #[schema(example = "scorecard-1")]
    model_version: String,
    assessed_at: DateTime<Utc>,
    /// What is known of the order's way since. From `confirmed` on the money is captured: a review
    /// that is still open then is a case for a refund, and no gate any more.
    order_status: OrderStatus,
    /// Null when no person was asked.
    review: Option<ReviewView>,
}

/// How far an order is, as the AI service has heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum OrderStatus {
    /// Not confirmed, and not ended.
    Pending,
    /// Its money is captured.
    Confirmed,
    /// It has arrived.
    Delivered,
    /// It was cancelled or failed.
    Ended,
}

impl From<Happened> for OrderStatus {
    fn from(happened: Happened) -> Self {
        match happened {
            Happened { died: true, .. } => Self::Ended,
            Happened { delivered: true, .. } => Self::Delivered,
            Happened { confirmed: true, .. } => Self::Confirmed,
            Happened { .. } => Self::Pending,
        }
    }
}

/// How dangerous an order looked; follows the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RiskLevel {
    /// Approved.
    Low,
    /// For a person to decide.
    Medium,
    /// Rejected.
    High,
}

impl From<Verdict> for RiskLevel {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approve => Self::Low,
            Verdict::Review => Self::Medium,
            Verdict::Reject => Self::High,
        }
    }
}

/// A review as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Review)]
pub(super) struct ReviewView {
    #[schema(value_type = documents::ReviewStatus)]
    status: ReviewStatus,
    /// When the deadline decides, or, once the order is confirmed, closes the review.
    until: DateTime<Utc>,
    /// A person's name, or `deadline`.
    decided_by: Option<String>,
    #[schema(value_type = Option<documents::Ruling>)]
    verdict: Option<Ruling>,
    decided_at: Option<DateTime<Utc>>,
    note: Option<String>,
    /// Why it was closed without a decision.
    #[schema(value_type = Option<documents::Closing>)]
    closed_because: Option<Closing>,
}

impl From<Review> for ReviewView {
    fn from(review: Review) -> Self {
        let Review { status, until, decision, closed_because } = review;
        let mut view = Self {
            status,
            until,
            decided_by: None,
            verdict: None,
            decided_at: None,
            note: None,
            closed_because,
        };
        if let Some(decision) = decision {
            view.verdict = Some(decision.verdict);
            view.decided_by = Some(decision.decided_by);
            view.decided_at = Some(decision.decided_at);
            view.note = decision.note;
        }
        view
    }
}

impl AssessmentView {
    /// `None` while the order has not been placed here, whatever else is known of it.
    pub(super) fn of(stored: StoredAssessment) -> Option<Self> {
        let assessment = stored.state.assessment?;
        Some(Self {
            order_id: stored.order_id,
            score: assessment.score,
            risk_level: assessment.verdict.into(),
            verdict: assessment.verdict,
            reasons: assessment.sentences(),
            flags: flags(&assessment),
            model_version: assessment.model_version,
            assessed_at: assessment.assessed_at,
            order_status: stored.state.happened.into(),
            review: stored.state.review.map(ReviewView::from),
        })
    }
}

/// What speaks against the order, by rule.
pub(super) fn flags(assessment: &Assessment) -> Vec<String> {
    let against = assessment.reasons.iter().filter(|reason| reason.points > 0);
    against.map(|reason| reason.code.clone()).collect()
}

/// How an order was judged, and why. The score of an order is never changed.
#[utoipa::path(
    get, path = "/assessments/{order_id}", tag = "fraud", operation_id = "get_assessment",
    params(("order_id" = uuid::Uuid, Path, description = "The order.")),
    responses(
        (status = 200, description = "As it stands.", body = AssessmentView),
        (status = 400, description = "That is no id."),
        (status = 404, description = "The order is not assessed (yet)."),
    )
)]
pub(super) async fn show(
    State(app): State<App<Ai>>,
    Path(order_id): Path<OrderId>,
) -> Result<Json<AssessmentView>, Problem> {
    find(&app, order_id).await.map(Json)
}

/// The order's assessment; 404 when there is none.
pub(super) async fn find(app: &App<Ai>, order_id: OrderId) -> Result<AssessmentView, Problem> {
    let found = store::find(app.pool(), &[order_id]).await?.pop();
    found.and_then(AssessmentView::of).ok_or_else(|| Problem::not_found("This order is not assessed (yet)."))
}
