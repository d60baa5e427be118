//! The plain page at `/`: what is here, where to look, and the last events.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
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
    calls: Vec<CallLine>,
    broker: Option<String>,
}

struct ServiceLink {
    name: &'static str,
    does: &'static str,
    address: String,
}

struct CallLine {
    line: String,
    means: &'static str,
}

/// A call to try; `{here}` stands for the gateway's own address.
struct Call {
    line: &'static str,
    means: &'static str,
}

const fn call(line: &'static str, means: &'static str) -> Call {
    Call { line, means }
}

/// The gateway's standard address, for a reader that does not say where it asks.
const HERE_UNKNOWN: &str = "localhost:8000";

const CALLS: &[Call] = &[
    call("curl {here}/api/health", "every service at a glance"),
    call("curl '{here}/api/products?q=tote'", "the catalogue"),
    call(
        "curl {here}/api/orders -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first' -d @order.json",
        "places an order, once however often it is asked; /docs has a body to copy",
    ),
    call("curl {here}/api/orders/$ID", "an order"),
    call("curl {here}/api/orders/$ID/timeline", "its way through all services, merged by cause"),
    call(
        "curl {here}/api/reservations/$ID",
        "its stock; also transactions, shipments, notifications, assessments",
    ),
    call(
        "curl {here}/api/orders/$ID/cancel -H 'Content-Type: application/json' -d '{\"reason\": \"changed my mind\"}'",
        "out of it, if it is not too late",
    ),
    call(
        "curl {here}/api/metrics",
        "orders, revenue, how well payments go; also events/stats and orders/recent",
    ),
    call("curl {here}/api/reviews", "orders that wait for a person's verdict"),
    call(
        "curl -N '{here}/api/events/stream?type=order.placed,order.completed'",
        "events as they happen; Last-Event-ID resumes",
    ),
    call("curl '{here}/api/events?limit=20'", "the last events"),
    call(
        "curl {here}/api/schemas/order.placed/2",
        "the contract of an event; /asyncapi.json has all of them",
    ),
];

async fn page(State(app): State<App<Gateway>>, headers: HeaderMap) -> Result<Response, Problem> {
    let gateway = app.participant();
    let services = gateway.upstreams().all().map(|upstream| ServiceLink {
        name: upstream.service().name(),
        does: does(upstream.service()),
        address: upstream.page().to_string(),
    });
    let broker = gateway.broker_page().map(ToString::to_string);
    let page = Page { services: services.into(), calls: calls(here(&headers)), broker };
    let html = page.render().map_err(|error| Problem::internal(&error))?;
    Ok(guarded("text/html; charset=utf-8", html))
}

/// Where the reader found this page. It is to be copied into a shell, so a host with other signs than
/// hosts have is not repeated.
fn here(headers: &HeaderMap) -> &str {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let plain = host.chars().all(|sign| sign.is_ascii_alphanumeric() || ".-:[]".contains(sign));
    if plain && !host.is_empty() { host } else { HERE_UNKNOWN }
}

fn calls(here: &str) -> Vec<CallLine> {
    let lines = CALLS.iter().map(|call| (call.line.replace("{here}", here), call.means));
    lines.map(|(line, means)| CallLine { line, means }).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_under(host: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))])
    }

    #[test]
    fn the_calls_lead_to_where_the_page_was_found() {
        for host in ["shop.example", "127.0.0.1:18000", "[::1]:8000"] {
            for call in calls(here(&asked_under(host))) {
                assert!(call.line.contains(&format!("{host}/")), "{}", call.line);
                assert!(!call.line.contains("{here}"), "{}", call.line);
            }
        }
    }

    #[test]
    fn a_host_that_means_something_to_a_shell_is_not_repeated() {
        for host in ["$(reboot)", "a;b", "a'b", "u@h", "h/x", ""] {
            assert_eq!(here(&asked_under(host)), HERE_UNKNOWN, "{host}");
        }
        assert_eq!(here(&HeaderMap::new()), HERE_UNKNOWN);
    }
}
