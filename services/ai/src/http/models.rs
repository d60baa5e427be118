//! `GET /models/info`: what judges, by which rules, and from which score on what follows.

use ai_domain::{RULES, Steps};
use axum::extract::State;
use chassis::{App, http::Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Ai;

/// Every model that is at work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Models)]
pub(super) struct ModelsView {
    models: Vec<ModelView>,
}

/// One model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Model)]
struct ModelView {
    /// What it judges.
    #[schema(example = "fraud")]
    kind: &'static str,
    #[schema(example = "scorecard-1")]
    version: String,
    /// How it works, and what is known of its quality.
    description: &'static str,
    thresholds: ThresholdsView,
    rules: Vec<RuleView>,
}

/// From which score on what follows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Thresholds)]
struct ThresholdsView {
    /// A person decides.
    review: u8,
    /// The order is rejected.
    reject: u8,
}

/// One rule of a scorecard.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rule)]
struct RuleView {
    /// A flag of the assessments it brought points to.
    code: &'static str,
    /// What its figure counts.
    figure: &'static str,
    /// `from`: the highest limit reached counts; `below`: the lowest limit not reached.
    #[schema(example = "from")]
    compare: &'static str,
    steps: Vec<StepView>,
}

/// One step of a rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Step)]
struct StepView {
    limit: i64,
    /// Below zero they speak for the order.
    points: i64,
}

/// What judges orders: the scorecard with all its rules and points.
#[utoipa::path(
    get, path = "/models/info", tag = "models", operation_id = "models_info",
    responses((status = 200, description = "Every model that is at work.", body = ModelsView))
)]
pub(super) async fn info(State(app): State<App<Ai>>) -> Json<ModelsView> {
    let scorecard = app.participant().scorecard();
    let thresholds =
        ThresholdsView { review: scorecard.thresholds.review, reject: scorecard.thresholds.reject };
    let rules = RULES.iter().map(|rule| {
        let compare = match rule.steps {
            Steps::From(_) => "from",
            Steps::Below(_) => "below",
        };
        let steps =
            rule.steps.table().iter().map(|(limit, points)| StepView { limit: *limit, points: *points });
        RuleView { code: rule.code, figure: rule.about, compare, steps: steps.collect() }
    });
    Json(ModelsView {
        models: vec![ModelView {
            kind: "fraud",
            version: scorecard.version.clone(),
            description: "A scorecard: the points of all rules are added and cut to 0 to 100. The points were chosen \
                          by hand and not learned; no accuracy was measured.",
            thresholds,
            rules: rules.collect(),
        }],
    })
}
