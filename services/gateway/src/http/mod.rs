//! The routes of the front door, one resource a file.
//!
//! What the services answer is handed on as it came; each file says which service it asks.

mod ai;
mod catalogue;
mod counts;
mod events;
mod health;
mod of_order;
mod orders;
mod page;
mod reconciliation;
mod schemas;
mod timeline;

use std::sync::Arc;

use axum::{
    extract::FromRef,
    http::{HeaderMap, Method, StatusCode},
    middleware,
    response::{IntoResponse, Response},
};
use chassis::{
    App,
    http::{
        Json, Problem,
        openapi::{OpenApiRouter, routes as documented},
    },
};
use sqlx::PgPool;

use crate::{
    Gateway,
    feed::Feed,
    reconciler::Reconciler,
    seeds,
    upstream::{self, Reply, Upstream, Upstreams},
};

/// Every route of the gateway besides the chassis's own.
pub fn routes(app: App<Gateway>) -> OpenApiRouter {
    behind_the_door()
        .merge(feed_routes(app.participant().feed().clone(), app.pool().clone()))
        .merge(contracts())
        .merge(reconciler_routes(app.participant().reconciler().clone()))
        .merge(page::routes())
        .merge(seeds::routes())
        .layer(middleware::from_fn(upstream::hand_on))
        .with_state(app)
}

/// What the services answer.
fn behind_the_door<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Upstreams: FromRef<S>,
{
    OpenApiRouter::default()
        .routes(documented!(health::health))
        .routes(documented!(catalogue::products))
        .routes(documented!(orders::list, orders::place))
        .routes(documented!(orders::show))
        .routes(documented!(orders::saga_logs))
        .routes(documented!(orders::cancel))
        .routes(documented!(timeline::timeline))
        .routes(documented!(of_order::reservation))
        .routes(documented!(of_order::transaction))
        .routes(documented!(of_order::shipment))
        .routes(documented!(of_order::notifications))
        .routes(documented!(of_order::assessment))
        .routes(documented!(counts::metrics))
        .routes(documented!(counts::stats))
        .routes(documented!(counts::recent))
        .routes(documented!(ai::fraud_check))
        .routes(documented!(ai::models))
        .routes(documented!(ai::reviews))
        .routes(documented!(ai::review))
}

/// What the gateway hears itself: `/api/events` and `/api/events/stream`.
pub fn feed_routes<S: Clone + Send + Sync + 'static>(feed: Arc<Feed>, pool: PgPool) -> OpenApiRouter<S> {
    OpenApiRouter::default()
        .routes(documented!(events::list))
        .routes(documented!(events::stream))
        .with_state(events::Live { feed, pool })
}

/// What the reconciler found.
fn reconciler_routes<S: Clone + Send + Sync + 'static>(reconciler: Arc<Reconciler>) -> OpenApiRouter<S> {
    OpenApiRouter::default().routes(documented!(reconciliation::show)).with_state(reconciler)
}

/// What the events promise.
fn contracts<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::default()
        .routes(documented!(schemas::list))
        .routes(documented!(schemas::show))
        .routes(documented!(schemas::asyncapi))
}

/// What the service has at `path`.
async fn ask(upstream: &Upstream, path: &str) -> Result<Reply, Problem> {
    upstream.send(Method::GET, path, &HeaderMap::new(), None).await
}

/// What the service has at `path`, or `null` when there is no such thing.
async fn ask_or_null(upstream: &Upstream, path: &str) -> Result<Response, Problem> {
    match ask(upstream, path).await {
        Ok(reply) => Ok(reply.into_response()),
        Err(problem) if problem.status() == StatusCode::NOT_FOUND => Ok(Json(()).into_response()),
        Err(problem) => Err(problem),
    }
}

/// The path with the query of the request, as it was sent.
fn with_raw_query(path: &str, query: Option<String>) -> String {
    query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

#[cfg(test)]
mod tests;
