//! Every call of the HTTP contract, through the front door of its service: one table of what is sent,
//! which status answers, and which fields the answer must have.
//!
//! Words in braces stand for ids that [`things`] has prepared. A refusal is always a problem document.

mod around;
mod front;
mod saga;

use std::collections::BTreeMap;

use chrono::Utc;
use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Answer, Options, Platform, Product, eventually, order_body};
use uuid::Uuid;

use crate::http::Is;

/// What is sent.
#[derive(Clone, Debug)]
enum Body {
    None,
    Json(Value),
    /// Sent as it is.
    Text(&'static str),
}

/// One line of the table.
#[derive(Clone, Debug)]
struct Call {
    service: &'static str,
    method: Method,
    path: &'static str,
    body: Body,
    status: u16,
    /// JSON Pointers into the answer; none for an answer that is no JSON.
    fields: &'static [(&'static str, Is)],
}

/// A GET that succeeds.
fn get(service: &'static str, path: &'static str, fields: &'static [(&'static str, Is)]) -> Call {
    Call { service, method: Method::GET, path, body: Body::None, status: 200, fields }
}

/// A POST of a JSON body.
fn post(
    service: &'static str,
    path: &'static str,
    body: Value,
    status: u16,
    fields: &'static [(&'static str, Is)],
) -> Call {
    Call { service, method: Method::POST, path, body: Body::Json(body), status, fields }
}

/// A GET that is refused.
fn refused(service: &'static str, path: &'static str, status: u16) -> Call {
    Call { status, ..get(service, path, &[]) }
}

/// A POST that is refused.
fn refused_post(service: &'static str, path: &'static str, body: Value, status: u16) -> Call {
    post(service, path, body, status, &[])
}

/// A POST of something that is no JSON.
fn garbled(service: &'static str, path: &'static str) -> Call {
    Call { body: Body::Text("{\"customer_id\": "), ..refused_post(service, path, Value::Null, 400) }
}

/// The whole table, in the order in which it is played.
fn table() -> Vec<Call> {
    let mut calls = common();
    calls.extend(saga::calls());
    calls.extend(around::calls());
    calls.extend(front::calls());
    calls
}

/// What every service answers.
fn common() -> Vec<Call> {
    const HEALTH: &[(&str, Is)] =
        &[("/status", Is::Word(&["healthy"])), ("/service", Is::Text), ("/checks", Is::Object)];
    const OUTBOX: &[(&str, Is)] = &[("/unsent", Is::Count)];
    const DOCUMENT: &[(&str, Is)] = &[("/openapi", Is::Text), ("/paths", Is::Object)];
    const LOG: &[(&str, Is)] = &[
        ("/0/id", Is::Count),
        ("/0/order_id", Is::Id),
        ("/0/input", Is::Text),
        ("/0/status", Is::Word(&["started", "completed", "failed", "compensated", "ignored"])),
        ("/0/emitted", Is::List),
        ("/0/created_at", Is::Time),
    ];
    let services =
        ["order", "inventory", "payment", "shipping", "notification", "analytics", "ai", "gateway"];
    let each = |service| {
        let prometheus = if service == "analytics" { "/prometheus" } else { "/metrics" };
        [
            get(service, "/health", HEALTH),
            get(service, "/readyz", HEALTH),
            get(service, "/livez", &[("/status", Is::Text)]),
            get(service, prometheus, &[]),
            get(service, "/openapi.json", DOCUMENT),
            get(service, "/docs/", &[]),
            get(service, "/outbox", OUTBOX),
            get(service, "/saga-logs/{order}", LOG),
            get(service, "/saga-logs/{unknown}", &[("", Is::List)]),
            refused(service, "/saga-logs/nonsense", 400),
            refused(service, "/no/such/route", 404),
        ]
    };
    services.into_iter().flat_map(each).collect()
}

/// An order that goes through, of the one product that has no other name.
fn order() -> Value {
    json!({
        "customer_id": "customer-18",
        "items": [{ "product_id": "{product}", "quantity": 1, "price": 24.99 }],
        "shipping_address": {
            "street": "1 Harbor Way", "city": "Portland", "state": "OR", "zip": "97201", "country": "US",
        },
        "payment_method": { "type": "credit_card", "token": "tok_ok" },
    })
}

/// The ids of the table: orders in the states that the calls want.
async fn things(platform: &Platform) -> BTreeMap<&'static str, String> {
    let product = platform.product(1_000).await;
    let confirmed = platform.place(product, 1, "tok_ok").await;
    let abroad = platform.place_body(&with_country(product, "XX")).await;
    let cancelable = [platform.place(product, 1, "tok_ok").await, platform.place(product, 1, "tok_ok").await];
    let reviewed = [doubtful(platform, product).await, doubtful(platform, product).await];
    for order in [confirmed, cancelable[0], cancelable[1]] {
        eventually("the carrier is booked", async || {
            let shown = platform.order(order).await;
            if shown["tracking_number"].is_string() { Ok(()) } else { Err(shown.to_string()) }
        })
        .await;
    }
    platform.until_made_good(abroad, "failed").await;
    platform.until_everything_is_heard().await;
    let id = |id: Uuid| id.to_string();
    BTreeMap::from([
        ("{product}", id(product.id)),
        ("{order}", id(confirmed)),
        ("{failed}", id(abroad)),
        ("{cancelable}", id(cancelable[0])),
        ("{cancelable too}", id(cancelable[1])),
        ("{review}", id(reviewed[0])),
        ("{review too}", id(reviewed[1])),
        ("{unknown}", id(Uuid::new_v4())),
    ])
}

fn with_country(product: Product, country: &str) -> Value {
    let mut body = order_body(product, 1, "tok_ok");
    body["shipping_address"]["country"] = json!(country);
    body
}

/// An order by somebody new with a throw-away address: enough for a review where little is wanted.
async fn doubtful(platform: &Platform, product: Product) -> Uuid {
    let mut body = order_body(product, 1, "tok_ok");
    body["customer_id"] = json!(Uuid::new_v4());
    body["customer"] = json!({ "email": "somebody@mailinator.com", "created_at": Utc::now() });
    platform.place_body(&body).await
}

/// Puts the ids in.
fn filled(text: &str, things: &BTreeMap<&'static str, String>) -> String {
    things.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
}

/// What is wrong with an answer; nothing when it is as the table wants it.
fn complaints(call: &Call, answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    if answer.status.as_u16() != call.status {
        found.push(format!("status {}, not {}", answer.status.as_u16(), call.status));
    }
    let problem = &[
        ("/type", Is::Text),
        ("/title", Is::Text),
        ("/status", Is::Count),
        ("/detail", Is::Text),
        ("/instance", Is::Text),
        ("/correlation_id", Is::Id),
    ];
    let fields = if call.status >= 400 { problem } else { call.fields };
    let kind = answer.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if call.status >= 400 && kind != "application/problem+json" {
        found.push(format!("content type {kind}"));
    }
    if fields.is_empty() {
        return found;
    }
    match serde_json::from_str::<Value>(&answer.text) {
        Err(error) => found.push(format!("no JSON: {error}")),
        Ok(body) => {
            for (pointer, is) in fields {
                match body.pointer(pointer) {
                    None => found.push(format!("no {pointer}")),
                    Some(value) if !is.fits(value) => found.push(format!("{pointer} is not {is:?}")),
                    Some(_) => {}
                }
            }
        }
    }
    found
}

/// The broker tells the depths of new queues only with its statistics, up to five seconds late.
async fn until_the_broker_has_counted(platform: &Platform) {
    eventually("every queue was counted", async || {
        let status = platform.get("gateway", "/orders/status/").await;
        let rows = status["services"].as_object().unwrap();
        let counted = |row: &Value| {
            row["inbox"].is_u64() && row["retries_waiting"].is_u64() && row["dead_letters"].is_u64()
        };
        if rows.values().all(counted) { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
}

#[tokio::test]
async fn every_call_of_the_contract_answers_as_it_is_written() {
    // Somebody new with a throw-away address is worth 25 points more than others.
    let options = Options::whole().with("ai", "REVIEW_SCORE", "25").with("ai", "REJECT_SCORE", "100");
    let platform = Platform::start(options).await;
    let things = things(&platform).await;
    until_the_broker_has_counted(&platform).await;
    let mut wrong = Vec::new();
    for call in table() {
        let url = platform.url(call.service, &filled(call.path, &things));
        let body = match &call.body {
            Body::None => None,
            Body::Json(body) => Some(filled(&body.to_string(), &things)),
            Body::Text(text) => Some((*text).to_owned()),
        };
        let answer = platform.http().send(call.method.clone(), &url, body, &[]).await.unwrap();
        let found = complaints(&call, &answer);
        if !found.is_empty() {
            let said: String = answer.text.chars().take(600).collect();
            wrong.push(format!(
                "{} {} {}: {}\n    {said}",
                call.service,
                call.method,
                call.path,
                found.join("; ")
            ));
        }
    }
    assert!(wrong.is_empty(), "{} calls are not as the contract says:\n{}", wrong.len(), wrong.join("\n"));
}
