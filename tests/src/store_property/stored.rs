//! The second oracle's eyes: what the tables say of a story's orders, held against the model.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{Debug, Display},
};

use chassis::{Participant, saga_log::Emitted};
use chrono::{DateTime, Utc};
use shared_events::{CorrelationId, Envelope, EventId, OrderId};
use sqlx::{FromRow, PgPool, types::Json};
use uuid::Uuid;

use super::model::{Kept, Model};

#[derive(FromRow)]
struct OutboxRow {
    event_id: Uuid,
    event_type: String,
    aggregate_id: Uuid,
    body: String,
    created_at: DateTime<Utc>,
    resends: i32,
    unsent: bool,
}

#[derive(FromRow)]
struct LogRow {
    order_id: Uuid,
    event_id: Option<Uuid>,
    input: String,
    outcome: String,
    note: String,
    correlation_id: Uuid,
    causation_id: Option<Uuid>,
    emitted: Json<Vec<Emitted>>,
    created_at: DateTime<Utc>,
}

#[derive(FromRow)]
struct TimerRow {
    order_id: Uuid,
    name: String,
    due_at: DateTime<Utc>,
    armed_by: Option<Uuid>,
    correlation_id: Uuid,
}

/// Whether states, saga log, outbox and timers are those of the model, and nothing is on its way to
/// the broker but `outgoing`. What is on its way counts as sent afterwards.
pub(super) async fn agrees<P: Participant>(
    pool: &PgPool,
    model: &mut Model<P>,
    outgoing: &BTreeSet<(OrderId, usize)>,
) -> Result<(), String> {
    let orders: Vec<OrderId> = model.orders.keys().copied().collect();
    let ids: Vec<Uuid> = orders.iter().map(|order| order.0).collect();
    outbox(pool, model, &ids, outgoing).await?;
    saga_log(pool, model, &ids).await?;
    timers(pool, model, &ids).await?;
    let mut connection = pool.acquire().await.map_err(words)?;
    let mut states = P::load(&mut connection, &orders).await.map_err(words)?;
    for (order, kept) in model.orders() {
        let stored = states.remove(&order).unwrap_or_default();
        same(order, "state", &stored, &kept.state)?;
    }
    Ok(())
}

async fn outbox<P: Participant>(
    pool: &PgPool,
    model: &mut Model<P>,
    ids: &[Uuid],
    outgoing: &BTreeSet<(OrderId, usize)>,
) -> Result<(), String> {
    let rows: Vec<OutboxRow> = sqlx::query_as(
        "SELECT event_id, event_type, aggregate_id, body, created_at, resends, published_at IS NULL AS unsent \
         FROM outbox WHERE aggregate_id = ANY($1) ORDER BY seq",
    )
    .bind(ids)
    .fetch_all(pool)
    .await
    .map_err(words)?;
    let mut places: BTreeMap<OrderId, usize> = BTreeMap::new();
    let (mut unsent, mut envelopes) = (BTreeSet::new(), Vec::new());
    for row in rows {
        let order = OrderId(row.aggregate_id);
        let place = places.entry(order).or_default();
        let envelope = Envelope::decode(row.body.as_bytes()).map_err(words)?;
        let kept = model.orders.get_mut(&order).ok_or("a row of an order of nobody's")?;
        let Some(said) = kept.said.get_mut(*place) else {
            return Err(format!("{order}: outbox has a {} that nobody emitted", row.event_type));
        };
        said.id = Some(EventId(row.event_id));
        let stored = (
            &envelope.event,
            row.event_type.as_str(),
            envelope.event_id.0,
            envelope.correlation_id,
            envelope.timestamp,
            row.created_at,
            row.resends,
        );
        let wanted = (
            &said.event,
            said.event.event_type().as_str(),
            row.event_id,
            said.correlation,
            said.at,
            said.at,
            said.resends,
        );
        same(order, "outbox", &stored, &wanted)?;
        if row.unsent {
            unsent.insert((order, *place));
        }
        envelopes.push((order, *place, envelope));
        *place += 1;
    }
    for (order, place, envelope) in envelopes {
        let wanted = model.id(model.orders[&order].said[place].causation);
        same(order, "outbox, causation", &envelope.causation_id, &wanted)?;
    }
    for (order, kept) in model.orders() {
        let found = places.get(&order).copied().unwrap_or_default();
        same(order, "outbox, number of rows", &found, &kept.said.len())?;
    }
    if unsent != *outgoing {
        return Err(format!("outbox, on its way to the broker: {unsent:?}, and not {outgoing:?}"));
    }
    sqlx::query(
        "UPDATE outbox SET published_at = now() WHERE aggregate_id = ANY($1) AND published_at IS NULL",
    )
    .bind(ids)
    .execute(pool)
    .await
    .map_err(words)?;
    Ok(())
}

async fn saga_log<P: Participant>(pool: &PgPool, model: &Model<P>, ids: &[Uuid]) -> Result<(), String> {
    let rows: Vec<LogRow> = sqlx::query_as(
        "SELECT order_id, event_id, input, outcome, note, correlation_id, causation_id, emitted, created_at \
         FROM saga_log WHERE order_id = ANY($1) ORDER BY id",
    )
    .bind(ids)
    .fetch_all(pool)
    .await
    .map_err(words)?;
    let mut stored: BTreeMap<OrderId, Vec<_>> = BTreeMap::new();
    for row in rows {
        let emitted: Vec<_> =
            row.emitted.0.into_iter().map(|one| (one.event_id, one.event_type, one.resent)).collect();
        stored.entry(OrderId(row.order_id)).or_default().push((
            row.event_id.map(EventId),
            row.input,
            row.outcome,
            row.note,
            CorrelationId(row.correlation_id),
            row.causation_id.map(EventId),
            emitted,
            row.created_at,
        ));
    }
    for (order, kept) in model.orders() {
        let rows = stored.remove(&order).unwrap_or_default();
        same(order, "saga log, number of rows", &rows.len(), &kept.log.len())?;
        for (row, logged) in rows.iter().zip(&kept.log) {
            let said = kept.said[logged.emitted.clone()].iter();
            let said = said.map(|said| (said.id, said.event.event_type(), false));
            let again = logged.resent.iter().map(|event_type| (None, *event_type, true));
            let wanted = (
                logged.event,
                logged.input.clone(),
                logged.outcome.as_str().to_owned(),
                logged.note.clone(),
                logged.correlation,
                model.id(logged.causation),
                said.chain(again).collect::<Vec<_>>(),
                logged.at,
            );
            same(order, "saga log", row, &wanted)?;
        }
    }
    Ok(())
}

async fn timers<P: Participant>(pool: &PgPool, model: &Model<P>, ids: &[Uuid]) -> Result<(), String> {
    let rows: Vec<TimerRow> = sqlx::query_as(
        "SELECT order_id, name, due_at, armed_by, correlation_id FROM timers WHERE order_id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(pool)
    .await
    .map_err(words)?;
    let mut stored: BTreeMap<OrderId, BTreeMap<String, _>> = BTreeMap::new();
    for row in rows {
        let armed = (row.due_at, row.armed_by.map(EventId), CorrelationId(row.correlation_id));
        stored.entry(OrderId(row.order_id)).or_default().insert(row.name, armed);
    }
    let wanted = |kept: &Kept<P>| -> BTreeMap<String, _> {
        let each = kept.timers.iter();
        each.map(|(name, armed)| {
            ((*name).to_owned(), (armed.due_at, model.id(armed.armed_by), armed.correlation))
        })
        .collect()
    };
    for (order, kept) in model.orders() {
        same(order, "timers", &stored.remove(&order).unwrap_or_default(), &wanted(kept))?;
    }
    Ok(())
}

/// Says what differs.
///
/// # Errors
/// When it does.
pub fn same<T: PartialEq + Debug>(
    whose: impl Display,
    what: &str,
    stored: &T,
    wanted: &T,
) -> Result<(), String> {
    if stored == wanted {
        return Ok(());
    }
    Err(format!("{whose}: {what}: the store has\n  {stored:?}\nand the fold\n  {wanted:?}"))
}

pub(super) fn words(error: impl Display) -> String {
    error.to_string()
}
