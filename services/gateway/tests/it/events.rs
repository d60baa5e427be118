//! Events to fill a feed with.

use gateway_service::store;
use shared_events::{Envelope, EventId, EventType};
use sqlx::PgPool;
use uuid::Uuid;

/// The golden event of that type, as a new event of an order.
pub(super) fn event(event_type: EventType, order: Uuid) -> Envelope {
    let golden = Envelope::decode(event_type.example().as_bytes()).expect("a golden file");
    Envelope { event_id: EventId(Uuid::now_v7()), aggregate_id: order, ..golden }
}

/// Any events of any orders.
pub(super) fn events(count: usize) -> Vec<Envelope> {
    (0..count).map(|_| event(EventType::PaymentVoided, Uuid::now_v7())).collect()
}

/// Writes these in one transaction.
pub(super) async fn write(pool: &PgPool, envelopes: &[Envelope]) {
    let mut tx = pool.begin().await.expect("a connection");
    store::append(&mut tx, &envelopes.iter().collect::<Vec<_>>()).await.expect("written");
    tx.commit().await.expect("committed");
}
