//! The plain page at `/`: what is here, where to look, and the last events.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use chassis::{
    App,
    http::{Problem, openapi::OpenApiRouter},
};
use shared_events::Service;

use crate::Gateway;

/// Nothing from elsewhere, nothing inline: what an event holds cannot become a script.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The routes; a page is no operation, so the OpenAPI document does not list them.
pub(super) fn routes() -> OpenApiRouter<App<Gateway>> {
    OpenApiRouter::default()
        .route("/", get(page))
        .route("/assets/live.js", get(|| asset("text/javascript; charset=utf-8", LIVE)))
        .route("/assets/page.css", get(|| asset("text/css; charset=utf-8", STYLE)))
}

const LIVE: &str = include_str!("../../assets/live.js");
const STYLE: &str = include_str!("../../assets/page.css");

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    services: Vec<ServiceLink>,
    calls: &'static [Call],
    broker: Option<String>,
}

struct ServiceLink {
    name: &'static str,
    does: &'static str,
    address: String,
}

struct Call {
    line: &'static str,
    means: &'static str,
}

const fn call(line: &'static str, means: &'static str) -> Call {
    Call { line, means }
}

const CALLS: &[Call] = &[
    call("curl localhost:8000/api/health", "every service at a glance"),
    call("curl 'localhost:8000/api/products?q=tote'", "the catalogue"),
    call(
        "curl localhost:8000/api/orders -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first' -d @order.json",
        "places an order, once however often it is asked; /docs has a body to copy",
    ),
    call("curl localhost:8000/api/orders/$ID", "an order"),
    call("curl localhost:8000/api/orders/$ID/timeline", "its way through all services, merged by cause"),
    call(
        "curl localhost:8000/api/reservations/$ID",
        "its stock; also transactions, shipments, notifications, assessments",
    ),
    call(
        "curl localhost:8000/api/orders/$ID/cancel -H 'Content-Type: application/json' -d '{\"reason\": \"changed my mind\"}'",
        "out of it, if it is not too late",
    ),
    call(
        "curl localhost:8000/api/metrics",
        "orders, revenue, how well payments go; also events/stats and orders/recent",
    ),
    call("curl localhost:8000/api/reviews", "orders that wait for a person's verdict"),
    call(
        "curl -N 'localhost:8000/api/events/stream?type=order.placed,order.completed'",
        "events as they happen; Last-Event-ID resumes",
    ),
    call("curl 'localhost:8000/api/events?limit=20'", "the last events"),
    call(
        "curl localhost:8000/api/schemas/order.placed/2",
        "the contract of an event; /asyncapi.json has all of them",
    ),
];

async fn page(State(app): State<App<Gateway>>) -> Result<Response, Problem> {
    let gateway = app.participant();
    let services = gateway.upstreams().all().map(|upstream| ServiceLink {
        name: upstream.service().name(),
        does: does(upstream.service()),
        address: upstream.address().to_string(),
    });
    let broker = gateway.broker_page().map(ToString::to_string);
    let page = Page { services: services.into(), calls: CALLS, broker };
    let html = page.render().map_err(|error| Problem::internal(&error))?;
    Ok(guarded("text/html; charset=utf-8", html))
}

async fn asset(kind: &'static str, text: &'static str) -> Response {
    guarded(kind, text)
}

fn guarded(kind: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

const fn does(service: Service) -> &'static str {
    match service {
        Service::Order => "takes orders and keeps their progress",
        Service::Inventory => "holds stock",
        Service::Payment => "charges and refunds",
        Service::Shipping => "books the carrier",
        Service::Ai => "scores fraud",
        Service::Notification => "writes to customers",
        Service::Analytics => "counts",
        Service::Gateway => "is the front door",
    }
}
