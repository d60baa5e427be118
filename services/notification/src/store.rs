//! Every SQL statement of the notification service.

use std::{collections::HashMap, sync::LazyLock};

use chassis::StateTable;
use chrono::{DateTime, Utc};
use shared_events::{OrderId, events::notification::Channel};
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use crate::{
    compose,
    state::{Message, State, Status, channel_word},
};

static CORRESPONDENCE: LazyLock<StateTable> = LazyLock::new(|| StateTable::new("correspondence"));

/// Messages of one order that are shown: far more than there are kinds of news.
const MESSAGES_MAX: i64 = 200;

/// What a message says and to whom changes only when nobody was known at first; how far it is, often.
const RECORD: &str = "INSERT INTO notifications \
         (id, order_id, event_id, event_type, channel, template, recipient, subject, status, attempts, last_error, \
          created_at, sent_at) \
     SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], \
         $8::text[], $9::text[], $10::int[], $11::text[], $12::timestamptz[], $13::timestamptz[]) \
     ON CONFLICT (id) DO UPDATE SET recipient = excluded.recipient, subject = excluded.subject, \
         status = excluded.status, attempts = excluded.attempts, last_error = excluded.last_error, \
         sent_at = excluded.sent_at";

const OF_ORDER: &str = "SELECT seq, id, order_id, event_id, event_type, channel, template, recipient, subject, status, \
         attempts, last_error, created_at, sent_at \
     FROM notifications WHERE order_id = $1 ORDER BY seq LIMIT $2";

/// A page of the list; [`list_statement`] says of which rows.
const LIST: &str = "SELECT seq, id, order_id, event_id, event_type, channel, template, recipient, subject, status, \
         attempts, last_error, created_at, sent_at \
     FROM notifications WHERE seq < $1";

/// An order whose correspondence went on.
#[derive(Clone, Copy, Debug)]
pub struct Changed<'a> {
    /// Which.
    pub order: OrderId,
    /// Its state before.
    pub before: &'a State,
    /// Its state now.
    pub after: &'a State,
}

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Notification {
    /// Ascending with creation.
    pub seq: i64,
    /// The message.
    pub id: Uuid,
    /// Its order.
    pub order_id: Uuid,
    /// The event it tells of.
    pub event_id: Uuid,
    /// That event's type.
    pub event_type: String,
    /// `email` or `sms`.
    pub channel: String,
    /// What it tells.
    pub template: String,
    /// To whom, in full.
    pub recipient: Option<String>,
    /// Of an e-mail.
    pub subject: Option<String>,
    /// `queued`, `sent` or `failed`.
    pub status: String,
    /// How often a sender began with it, or may have.
    pub attempts: i32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// When it left.
    pub sent_at: Option<DateTime<Utc>>,
}

/// Which rows of the audit log; `None` means all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this channel.
    pub channel: Option<Channel>,
    /// Of this status.
    pub status: Option<Status>,
    /// Older than this row.
    pub before: Option<i64>,
}

/// The states of those of these orders that are known; the caller holds their locks.
///
/// # Errors
/// The database's, or a document that no longer fits.
pub async fn load(tx: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, State>> {
    CORRESPONDENCE.load(tx, orders).await
}

/// Writes these states and what changed of their messages.
///
/// # Errors
/// The database's.
pub async fn save(tx: &mut PgConnection, changed: &[Changed<'_>], at: DateTime<Utc>) -> sqlx::Result<()> {
    let states: Vec<_> = changed.iter().map(|changed| (changed.order, changed.after)).collect();
    CORRESPONDENCE.save(&mut *tx, &states, at).await?;
    let messages: Vec<(OrderId, &Message)> = changed
        .iter()
        .flat_map(|changed| {
            // Messages are only ever added at the end.
            let news =
                |(index, message): &(usize, &Message)| changed.before.messages.get(*index) != Some(message);
            changed
                .after
                .messages
                .iter()
                .enumerate()
                .filter(news)
                .map(|(_, message)| (changed.order, message))
        })
        .collect();
    record(tx, &messages).await
}

async fn record(tx: &mut PgConnection, messages: &[(OrderId, &Message)]) -> sqlx::Result<()> {
    if messages.is_empty() {
        return Ok(());
    }
    let subjects = messages
        .iter()
        .map(|(order, message)| match message.channel {
            Channel::Email => compose::subject(&message.letter, *order).map(Some),
            Channel::Sms => Ok(None),
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    let each = || messages.iter().map(|(_, message)| *message);
    sqlx::query(RECORD)
        .bind(each().map(Message::id).collect::<Vec<_>>())
        .bind(messages.iter().map(|(order, _)| order.0).collect::<Vec<_>>())
        .bind(each().map(|message| message.event_id.0).collect::<Vec<_>>())
        .bind(each().map(|message| message.event_type.as_str()).collect::<Vec<_>>())
        .bind(each().map(|message| channel_word(message.channel)).collect::<Vec<_>>())
        .bind(each().map(|message| message.letter.news.template()).collect::<Vec<_>>())
        .bind(each().map(|message| message.recipient.as_deref()).collect::<Vec<_>>())
        .bind(subjects)
        .bind(each().map(|message| message.status.as_str()).collect::<Vec<_>>())
        .bind(each().map(|message| message.attempts.cast_signed()).collect::<Vec<_>>())
        .bind(each().map(|message| message.last_error.as_deref()).collect::<Vec<_>>())
        .bind(each().map(|message| message.created_at).collect::<Vec<_>>())
        .bind(each().map(|message| message.sent_at).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// The messages about this order, in the order of creation.
///
/// # Errors
/// The database's.
pub async fn of_order(pool: &PgPool, order: OrderId) -> sqlx::Result<Vec<Notification>> {
    sqlx::query_as(OF_ORDER).bind(order.0).bind(MESSAGES_MAX).fetch_all(pool).await
}

/// Messages about all orders, newest first.
///
/// # Errors
/// The database's.
pub async fn list(
    database: impl PgExecutor<'_>,
    filter: Filter,
    limit: i64,
) -> sqlx::Result<Vec<Notification>> {
    sqlx::query_as(AssertSqlSafe(list_statement(filter)))
        .bind(filter.before.unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(database)
        .await
}

/// One statement for each filter, a dozen altogether. The words are our own and stand in it as they
/// are: a plan that has to serve every word, or none, reads the whole table to find a rare one.
fn list_statement(filter: Filter) -> String {
    let channel = filter.channel.map(|channel| format!(" AND channel = '{}'", channel_word(channel)));
    let status = filter.status.map(|status| format!(" AND status = '{}'", status.as_str()));
    let (channel, status) = (channel.unwrap_or_default(), status.unwrap_or_default());
    format!("{LIST}{channel}{status} ORDER BY seq DESC LIMIT $2")
}
