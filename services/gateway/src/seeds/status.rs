//! How the orders' way is: figures of the orders, and what waits where.

use axum::extract::State;
use chassis::{
    http::{Json, Problem},
    topology,
};
use chrono::{DateTime, Utc};
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use shared_events::Service;
use std::collections::BTreeMap;
use utoipa::ToSchema;

use super::{Seeds, broker};
use crate::upstream::{Reply, Upstream};

/// What waits at each service.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StatusView {
    /// By the service's name.
    services: BTreeMap<&'static str, ServiceStatus>,
    /// Whom to ask failed, and why; what it would have said is null above. Empty when all is known.
    unknown: BTreeMap<&'static str, String>,
}

/// What waits at one service. Null is "not known".
#[derive(Debug, Default, PartialEq, Serialize, ToSchema)]
pub(super) struct ServiceStatus {
    /// Messages in its inbox, those it is working on included; up to five seconds old.
    inbox: Option<u64>,
    /// Messages that wait on its retry ladder.
    retries_waiting: Option<u64>,
    /// Messages given up on.
    dead_letters: Option<u64>,
    /// Events written and not yet confirmed by the broker.
    unsent_events: Option<u64>,
    /// When the oldest of them was written.
    oldest_unsent_at: Option<DateTime<Utc>>,
    /// How long that is ago; 0 when none waits.
    oldest_unsent_seconds: Option<f64>,
}

/// What a service says of its outbox.
#[derive(Debug, Deserialize)]
struct Outbox {
    unsent: u64,
    oldest_unsent_at: Option<DateTime<Utc>>,
    oldest_unsent_seconds: Option<f64>,
}

/// Orders by status, and the mean time to confirmation.
#[utoipa::path(
    get, path = "/orders/metrics", tag = "carts", operation_id = "order_metrics",
    responses((status = 200, body = serde_json::Value,
               description = "`{average_processing_time_seconds, order_status_counts: {pending: n, …}}`"))
)]
pub(super) async fn metrics(State(seeds): State<Seeds>) -> Result<Reply, Problem> {
    let nothing = axum::http::HeaderMap::new();
    seeds.upstreams.order.send(axum::http::Method::GET, "/orders/metrics", &nothing, None).await
}

/// What waits at each service: messages, retries, dead letters, unsent events.
#[utoipa::path(
    get, path = "/orders/status/", tag = "carts", operation_id = "order_status",
    responses((status = 200, body = StatusView))
)]
pub(super) async fn status(State(seeds): State<Seeds>) -> Json<StatusView> {
    let outboxes = join_all(seeds.upstreams.all().map(outbox));
    let depths = broker::depths(&seeds.management_url, &seeds.amqp_url);
    let (outboxes, depths) = tokio::join!(outboxes, depths);
    let mut unknown = BTreeMap::new();
    let depths = depths.map_err(|reason| unknown.insert("rabbitmq", reason)).ok();
    let mut services: BTreeMap<&'static str, ServiceStatus> = Service::ALL
        .iter()
        .map(|service| {
            (service.name(), depths.as_ref().map_or_else(ServiceStatus::default, |d| queues(*service, d)))
        })
        .collect();
    for (service, outbox) in outboxes {
        let row = services.entry(service.name()).or_default();
        match outbox {
            Ok(outbox) => {
                row.unsent_events = Some(outbox.unsent);
                row.oldest_unsent_at = outbox.oldest_unsent_at;
                row.oldest_unsent_seconds = Some(outbox.oldest_unsent_seconds.unwrap_or(0.0));
            }
            Err(reason) => drop(unknown.insert(service.name(), reason)),
        }
    }
    // The gateway is not behind itself; it says no events, so none of its waits.
    let gateway = services.entry(Service::Gateway.name()).or_default();
    (gateway.unsent_events, gateway.oldest_unsent_seconds) = (Some(0), Some(0.0));
    Json(StatusView { services, unknown })
}

async fn outbox(upstream: &Upstream) -> (Service, Result<Outbox, String>) {
    let outbox = upstream.get("/outbox").await;
    (upstream.service(), outbox.map_err(|problem| detail(&problem)))
}

fn detail(problem: &Problem) -> String {
    problem.document("", "")["detail"].as_str().unwrap_or_default().to_owned()
}

fn queues(service: Service, depths: &broker::Depths) -> ServiceStatus {
    let depth = |name: &str| depths.get(name).copied().flatten();
    // The sum is known when every rung is.
    let rungs = topology::LADDER.iter().map(|rung| depth(&topology::retry_queue(service, *rung)));
    ServiceStatus {
        inbox: depth(&service.inbox()),
        retries_waiting: rungs.sum(),
        dead_letters: depth(&topology::dead_letter_queue(service)),
        ..ServiceStatus::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_retries_of_a_service_are_the_sum_of_its_rungs_and_known_when_all_are() {
        let mut depths: broker::Depths = topology::LADDER
            .iter()
            .map(|rung| (topology::retry_queue(Service::Payment, *rung), Some(2)))
            .chain([("payment.inbox".to_owned(), Some(7)), ("payment.dlq".to_owned(), Some(1))])
            .collect();
        let known = ServiceStatus {
            inbox: Some(7),
            retries_waiting: Some(10),
            dead_letters: Some(1),
            ..ServiceStatus::default()
        };
        assert_eq!(queues(Service::Payment, &depths), known);
        depths.insert("payment.retry.64s".to_owned(), None);
        assert_eq!(queues(Service::Payment, &depths).retries_waiting, None);
        assert_eq!(queues(Service::Order, &depths), ServiceStatus::default());
    }
}
