//! `/reviews`: the orders that wait for a person, and the person's decision.

use ai_domain::{Input, ReviewCommand, ReviewStatus};
use axum::extract::State;
use chassis::{
    App,
    http::{Json, Page, Path, Problem, Query, cut_page, page_limit, read_time_cursor, time_cursor},
};
use serde::Deserialize;
use shared_events::{OrderId, events::fraud::Ruling};
use utoipa::{IntoParams, ToSchema};

use super::{
    assessments::{self, AssessmentView},
    documents,
};
use crate::{Ai, store};

/// Reviews of a page when the client does not say: a screenful or two.
const LIMIT_DEFAULT: u32 = 50;
/// Longest name of a reviewer; it travels in an event.
const REVIEWER_MAX: usize = 100;
/// Longest note.
const NOTE_MAX: usize = 1_000;
/// Who decided when the reviewer gives no name.
const SOMEBODY: &str = "operator";
/// A name that would make a person's decision look like nobody's.
const RESERVED: &str = "deadline";

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `open` (default), `decided` or `closed`.
    status: Option<String>,
    /// 1 to 200, 50 unless told otherwise.
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A person's decision.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ReviewDecision, example = json!({"verdict": "approve", "reviewer": "dana", "note": "Called the customer."}))]
pub(super) struct Decision {
    #[schema(value_type = documents::Ruling)]
    verdict: Ruling,
    /// Who decides, at most 100 characters; `operator` unless told otherwise.
    #[serde(default)]
    reviewer: Option<String>,
    /// Why, at most 1000 characters.
    #[serde(default)]
    note: Option<String>,
}

/// Orders that a person has, had or would have had to decide about: open ones oldest first, the
/// others newest first.
#[utoipa::path(
    get, path = "/reviews", tag = "fraud", operation_id = "list_reviews", params(ListQuery),
    responses(
        (status = 200, description = "One page.", body = Page<AssessmentView>),
        (status = 400, description = "`bad_query`: a parameter makes no sense."),
    )
)]
pub(super) async fn list(
    State(app): State<App<Ai>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<AssessmentView>>, Problem> {
    let limit = page_limit(query.limit, LIMIT_DEFAULT)?;
    let status = query.status.as_deref().map_or(Ok(ReviewStatus::Open), status)?;
    let after = query.cursor.as_deref().map(read_time_cursor).transpose()?;
    // One more than asked for tells whether there is another page.
    let reviews = store::reviews(app.pool(), status, after, i64::from(limit) + 1).await?;
    let (reviews, next_cursor) =
        cut_page(reviews, limit, |last| time_cursor(last.created_at, last.order_id.0));
    let items = reviews.into_iter().filter_map(AssessmentView::of).collect();
    Ok(Json(Page { items, next_cursor }))
}

/// Decides a review. The same decision again gets the first one's answer; another one is refused
/// with 409, as is any decision when no review is open.
#[utoipa::path(
    post, path = "/reviews/{order_id}", tag = "fraud", operation_id = "decide_review", request_body = Decision,
    params(("order_id" = Uuid, Path, description = "The order.")),
    responses(
        (status = 200, description = "Decided.", body = AssessmentView),
        (status = 404, description = "The order is not assessed (yet)."),
        (status = 409, description = "No review is open: `not_under_review`, `already_decided` or `review_closed`."),
        (status = 422, description = "Fields that make no sense."),
    )
)]
pub(super) async fn decide(
    State(app): State<App<Ai>>,
    Path(order_id): Path<OrderId>,
    Json(decision): Json<Decision>,
) -> Result<Json<AssessmentView>, Problem> {
    let command = decision.check()?;
    assessments::find(&app, order_id).await?;
    // What a reviewer decides is still a consequence of the customer's order.
    let correlation = store::correlations(app.pool(), &[order_id]).await?.remove(&order_id);
    app.engine().command(order_id, Input::Review(command), correlation).await?;
    assessments::find(&app, order_id).await.map(Json)
}

impl Decision {
    fn check(self) -> Result<ReviewCommand, Problem> {
        let mut faults = Vec::new();
        check_text(&mut faults, "/reviewer", self.reviewer.as_deref(), REVIEWER_MAX, char::is_control);
        // A note may have lines; Postgres stores no NUL.
        check_text(&mut faults, "/note", self.note.as_deref(), NOTE_MAX, |character| character == '\0');
        if self.reviewer.as_deref().is_some_and(|name| name.trim() == RESERVED) {
            faults.push(("/reviewer", format!("`{RESERVED}` is who decides when nobody did")));
        }
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        let reviewer = self.reviewer.map_or_else(|| SOMEBODY.to_owned(), |name| name.trim().to_owned());
        Ok(ReviewCommand { verdict: self.verdict, reviewer, note: self.note })
    }
}

fn check_text(
    faults: &mut Vec<(&'static str, String)>,
    pointer: &'static str,
    text: Option<&str>,
    max: usize,
    refused: impl Fn(char) -> bool,
) {
    let Some(text) = text else { return };
    if text.trim().is_empty() {
        faults.push((pointer, "must not be empty; leave it out".to_owned()));
    } else if text.chars().count() > max {
        faults.push((pointer, format!("has at most {max} characters")));
    } else if text.chars().any(refused) {
        faults.push((pointer, "has no control characters".to_owned()));
    }
}

fn status(word: &str) -> Result<ReviewStatus, Problem> {
    let found = ReviewStatus::ALL.iter().copied().find(|status| status.as_str() == word);
    found.ok_or_else(|| Problem::bad_query("status is one of open, decided, closed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(reviewer: Option<&str>, note: Option<&str>) -> Decision {
        Decision {
            verdict: Ruling::Approve,
            reviewer: reviewer.map(str::to_owned),
            note: note.map(str::to_owned),
        }
    }

    #[test]
    fn a_reviewer_may_be_unnamed_but_not_nonsense() {
        assert_eq!(decision(None, None).check().unwrap().reviewer, "operator");
        let named = decision(Some(" dana "), Some("called\nthe customer")).check().unwrap();
        assert_eq!((named.reviewer.as_str(), named.note.as_deref()), ("dana", Some("called\nthe customer")));
        let long = "x".repeat(2_000);
        for (reviewer, note) in [
            (Some(""), None),
            (Some("deadline"), None),
            (Some("a\nb"), None),
            (Some(long.as_str()), None),
            (None, Some(" ")),
            (None, Some("a\0b")),
            (None, Some(long.as_str())),
        ] {
            let refused = decision(reviewer, note).check().unwrap_err();
            assert_eq!(refused.status().as_u16(), 422, "{reviewer:?} {note:?}");
        }
    }

    #[test]
    fn every_status_is_known_and_nothing_else_is() {
        for known in ReviewStatus::ALL {
            assert_eq!(status(known.as_str()).unwrap(), *known);
        }
        assert_eq!(status("pending").unwrap_err().status().as_u16(), 400);
    }
}
