//! Asking the services: what was sent, what was not handled, and to send it again.

use axum::http::{HeaderMap, Method};
use chassis::{
    outbox::SentPage,
    saga_log::{self, Unknown},
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use shared_events::Service;
use sqlx::PgPool;
use uuid::Uuid;

use crate::upstream::{Upstream, Upstreams, with_query};

/// Events in one question; the most that a service takes.
pub(super) const EVENTS_MAX: usize = 500;

/// The services, and the gateway's own log.
#[derive(Clone, Debug)]
pub(super) struct Services {
    pub(super) upstreams: Upstreams,
    pub(super) pool: PgPool,
}

#[derive(Deserialize)]
struct Resent {
    resent: Vec<Uuid>,
}

impl Services {
    /// What a producer sent: from the cursor on, or the first time from so many seconds ago.
    pub(super) async fn sent(
        &self,
        producer: Service,
        cursor: Option<&str>,
        within_seconds: u64,
        older_than_seconds: u64,
    ) -> Result<SentPage, String> {
        let (within, older) = (within_seconds.to_string(), older_than_seconds.to_string());
        let mut query = vec![("within_seconds", within.as_str()), ("older_than_seconds", older.as_str())];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let path = with_query("/outbox/sent", &query);
        self.upstream(producer)?.get(&path).await.map_err(|problem| problem.detail().to_owned())
    }

    /// Which of these events (at most [`EVENTS_MAX`]) a consumer has not handled.
    pub(super) async fn unknown(&self, consumer: Service, events: &[Uuid]) -> Result<Unknown, String> {
        if consumer == Service::Gateway {
            return saga_log::unknown(&self.pool, events).await.map_err(|error| error.to_string());
        }
        let upstream = self.upstream(consumer)?;
        let body = json!({ "event_ids": events }).to_string().into_bytes();
        let answer = upstream.send(Method::POST, "/saga-logs/unknown", &HeaderMap::new(), Some(body)).await;
        answer.and_then(|reply| reply.read(upstream)).map_err(|problem| problem.detail().to_owned())
    }

    /// Has events (at most [`EVENTS_MAX`]) sent again, unless somebody else was faster; says which were.
    pub(super) async fn resend(
        &self,
        producer: Service,
        events: &[Uuid],
        reason: &str,
        published_before: DateTime<Utc>,
    ) -> Result<Vec<Uuid>, String> {
        let upstream = self.upstream(producer)?;
        let body = json!({ "event_ids": events, "reason": reason, "published_before": published_before });
        let body = body.to_string().into_bytes();
        let answer = upstream.send(Method::POST, "/outbox/resend", &HeaderMap::new(), Some(body)).await;
        let answer = answer.and_then(|reply| reply.read::<Resent>(upstream));
        answer.map(|answer| answer.resent).map_err(|problem| problem.detail().to_owned())
    }

    fn upstream(&self, service: Service) -> Result<&Upstream, String> {
        let found = self.upstreams.all().into_iter().find(|upstream| upstream.service() == service);
        found.ok_or_else(|| format!("the gateway knows no address of {service}"))
    }
}
