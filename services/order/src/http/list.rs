//! `GET /orders`: orders by status, customer and time, newest first.

use axum::extract::State;
use chassis::{
    App,
    http::{Json, Page, Problem, Query, cut_page, page_limit, read_time_cursor, time_cursor},
};
use chrono::{DateTime, Datelike as _, Utc};
use order_domain::Progress;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{documents, view::OrderView};
use crate::{
    Orders,
    store::{self, Filter},
};

/// Orders of a page when the client does not say: a screenful or two.
const LIMIT_DEFAULT: u32 = 50;

/// Which orders; what is absent excludes none.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Those that are this far.
    #[param(value_type = Option<documents::OrderStatus>)]
    status: Option<String>,
    /// Those of this customer.
    customer_id: Option<String>,
    /// Those placed at that moment or later.
    from: Option<DateTime<Utc>>,
    /// Those placed before that moment.
    to: Option<DateTime<Utc>>,
    /// Orders of a page; 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Orders by status, customer and time, newest first.
#[utoipa::path(
    get, path = "/orders", tag = "orders", operation_id = "list_orders", params(ListQuery),
    responses(
        (status = 200, description = "One page.", body = Page<OrderView>),
        (status = 400, description = "A parameter makes no sense."),
    )
)]
pub(super) async fn list(
    State(app): State<App<Orders>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<OrderView>>, Problem> {
    let limit = page_limit(query.limit, LIMIT_DEFAULT)?;
    let filter = query.filter()?;
    // One more than asked for tells whether there is another page.
    let orders = store::list(app.pool(), &filter, i64::from(limit) + 1).await?;
    let (orders, next_cursor) = cut_page(orders, limit, |last| time_cursor(last.created_at, last.id));
    let items = orders.into_iter().filter_map(OrderView::as_it_stands).collect();
    Ok(Json(Page { items, next_cursor }))
}

impl ListQuery {
    fn filter(self) -> Result<Filter, Problem> {
        let status = self.status.as_deref().map(status).transpose()?;
        let after = self.cursor.as_deref().map(read_time_cursor).transpose()?;
        // Postgres knows no NUL in a text, so no customer has one.
        if self.customer_id.as_deref().is_some_and(|id| id.chars().any(char::is_control)) {
            return Err(Problem::bad_query("customer_id has no control characters"));
        }
        if [self.from, self.to].into_iter().flatten().any(|at| !(0..=9999).contains(&at.year())) {
            return Err(Problem::bad_query("from and to lie between the years 0 and 9999"));
        }
        Ok(Filter { status, customer_id: self.customer_id, from: self.from, to: self.to, after })
    }
}

fn status(word: &str) -> Result<Progress, Problem> {
    Progress::STATUSES.iter().copied().find(|status| status.as_str() == word).ok_or_else(|| {
        let known: Vec<_> = Progress::STATUSES.iter().map(|status| status.as_str()).collect();
        Problem::bad_query(format!("status is one of {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_postgres_does_not_know_is_refused() {
        let query = |from: &str| ListQuery { from: from.parse().ok(), ..ListQuery::default() };
        for bad in ["-0001-12-31T00:00:00Z", "-250000-01-01T00:00:00Z", "+10000-01-01T00:00:00Z"] {
            assert!(query(bad).from.is_some(), "{bad} is a time");
            assert_eq!(query(bad).filter().unwrap_err().status().as_u16(), 400, "{bad}");
        }
        assert!(query("0000-01-01T00:00:00Z").filter().is_ok());
        assert!(query("9999-12-31T23:59:59Z").filter().is_ok());
    }

    #[test]
    fn every_status_is_known_and_nothing_else_is() {
        for known in Progress::STATUSES {
            assert_eq!(status(known.as_str()).unwrap(), *known);
        }
        assert!(status("unknown").is_err());
    }
}
