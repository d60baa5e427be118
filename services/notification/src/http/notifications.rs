//! `/notifications`: the audit log, with its recipients masked.

use axum::extract::State;
use chassis::http::{Json, Page, Path, Problem, Query, cut_page, page_limit};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared_events::{OrderId, events::notification::Channel};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    recipients::masked,
    state::{Status, channel_word},
    store::{self, Filter, Notification},
};

/// Messages of a page when the client does not say: a screenful or two.
const LIMIT_DEFAULT: u32 = 50;

/// A message as the API shows it. What it says is in the customer's mailbox.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct NotificationView {
    /// The same on every attempt; the e-mail's `Message-ID` begins with it.
    id: Uuid,
    order_id: Uuid,
    /// The event it tells of.
    event_id: Uuid,
    #[schema(example = "order.confirmed")]
    event_type: String,
    /// `email` or `sms`.
    #[schema(example = "email")]
    channel: String,
    #[schema(example = "order_confirmed")]
    template: String,
    /// Masked; null when nobody was known to write to.
    #[schema(example = "c***@example.com")]
    recipient: Option<String>,
    /// Of an e-mail.
    subject: Option<String>,
    /// `queued`, `sent` or `failed`.
    #[schema(example = "sent")]
    status: String,
    /// How often a sender began with it, or may have.
    attempts: i32,
    /// What went wrong last.
    last_error: Option<String>,
    created_at: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
}

impl From<Notification> for NotificationView {
    fn from(row: Notification) -> Self {
        Self {
            id: row.id,
            order_id: row.order_id,
            event_id: row.event_id,
            event_type: row.event_type,
            channel: row.channel,
            template: row.template,
            recipient: row.recipient.as_deref().map(masked),
            subject: row.subject,
            status: row.status,
            attempts: row.attempts,
            last_error: row.last_error,
            created_at: row.created_at,
            sent_at: row.sent_at,
        }
    }
}

/// Every message about the order, in the order of creation.
///
/// Of an order unknown here the list is empty, as its saga log is: this service hears of an order
/// later than whoever placed it, and not having heard yet is no error.
#[utoipa::path(
    get, path = "/notifications/{order_id}", tag = "notifications",
    params(("order_id" = Uuid, Path, description = "The order.")),
    responses((status = 200, body = Vec<NotificationView>))
)]
pub(super) async fn of_order(
    State(pool): State<PgPool>,
    Path(order): Path<OrderId>,
) -> Result<Json<Vec<NotificationView>>, Problem> {
    let rows = store::of_order(&pool, order).await?;
    Ok(Json(rows.into_iter().map(NotificationView::from).collect()))
}

/// The query of the list. An empty value counts as none.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `email` or `sms`.
    channel: Option<String>,
    /// `queued`, `sent` or `failed`.
    status: Option<String>,
    /// 1 to 200; 50 when it is not given.
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Messages about all orders, newest first.
#[utoipa::path(
    get, path = "/notifications", tag = "notifications",
    params(ListQuery),
    responses((status = 200, body = Page<NotificationView>))
)]
pub(super) async fn list(
    State(pool): State<PgPool>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<NotificationView>>, Problem> {
    let (filter, limit) = query.read()?;
    // One more than asked for tells whether there is another page.
    let rows = store::list(&pool, filter, i64::from(limit) + 1).await?;
    let (rows, next_cursor) = cut_page(rows, limit, |last| last.seq.to_string());
    Ok(Json(Page { items: rows.into_iter().map(NotificationView::from).collect(), next_cursor }))
}

impl ListQuery {
    fn read(&self) -> Result<(Filter, u32), Problem> {
        let [channel, status, limit, before] = [&self.channel, &self.status, &self.limit, &self.cursor]
            .map(|value| value.as_deref().map(str::trim).filter(|text| !text.is_empty()));
        let channel = channel.map(|word| {
            let known = [Channel::Email, Channel::Sms].into_iter().find(|known| channel_word(*known) == word);
            known.ok_or_else(|| Problem::bad_query("channel is email or sms"))
        });
        let status = status.map(|word| {
            let known = Status::ALL.iter().copied().find(|known| known.as_str() == word);
            known.ok_or_else(|| Problem::bad_query("status is queued, sent or failed"))
        });
        let before = before.map(|text| {
            let read = text.parse::<i64>();
            read.map_err(|_| Problem::bad_query("cursor is the next_cursor of the page before"))
        });
        // What is no number is out of range like 0.
        let limit = page_limit(limit.map(|text| text.parse().unwrap_or(0)), LIMIT_DEFAULT)?;
        let filter = Filter {
            channel: channel.transpose()?,
            status: status.transpose()?,
            before: before.transpose()?,
        };
        Ok((filter, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(channel: &str, status: &str, limit: &str, cursor: &str) -> ListQuery {
        let [channel, status, limit, cursor] =
            [channel, status, limit, cursor].map(|text| Some(text.to_owned()));
        ListQuery { channel, status, limit, cursor }
    }

    #[test]
    fn an_empty_query_asks_for_everything() {
        let all = (Filter::default(), LIMIT_DEFAULT);
        assert_eq!(ListQuery::default().read().unwrap(), all);
        assert_eq!(query("", "", "", "").read().unwrap(), all);
    }

    #[test]
    fn each_part_of_a_query_is_understood_or_refused_by_name() {
        let (filter, limit) = query("sms", "failed", "200", "17").read().unwrap();
        let wanted = Filter { channel: Some(Channel::Sms), status: Some(Status::Failed), before: Some(17) };
        assert_eq!((filter, limit), (wanted, 200));
        for (bad, name) in [
            (query("fax", "", "", ""), "channel"),
            (query("", "lost", "", ""), "status"),
            (query("", "", "0", ""), "limit"),
            (query("", "", "201", ""), "limit"),
            (query("", "", "many", ""), "limit"),
            (query("", "", "", "next"), "cursor"),
        ] {
            let problem = bad.read().unwrap_err();
            assert_eq!(problem.status(), 400);
            assert!(format!("{problem:?}").contains(name), "{problem:?}");
        }
    }

    #[test]
    fn the_recipient_is_shown_masked() {
        let row = Notification {
            seq: 1,
            id: Uuid::nil(),
            order_id: Uuid::nil(),
            event_id: Uuid::nil(),
            event_type: "order.placed".to_owned(),
            channel: "email".to_owned(),
            template: "order_received".to_owned(),
            recipient: Some("customer_1@example.com".to_owned()),
            subject: None,
            status: "queued".to_owned(),
            attempts: 1,
            last_error: None,
            created_at: DateTime::UNIX_EPOCH,
            sent_at: None,
        };
        assert_eq!(NotificationView::from(row).recipient.as_deref(), Some("c***@example.com"));
    }
}
