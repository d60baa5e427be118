//! The HTTP contract of the four services, as a user and as an attacker meets it at the front door.

mod audits;
mod bad_fields;
mod bad_requests;
mod batch;
mod cards;
mod catalogue;
mod configuration;
mod health;
mod idempotency;
mod lists;
mod money;
mod openapi;
mod orders;
mod problems;
mod seed;
mod shipments;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use system_tests::{Answer, Options, Platform};
use uuid::Uuid;

/// The services of this contract.
const SERVICES: [&str; 4] = ["order", "inventory", "payment", "shipping"];

/// What a field of an answer is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Is {
    /// A UUID.
    Id,
    /// A text that says something.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// RFC 3339, UTC.
    Time,
    /// A JSON number that is not whole by type: an amount, a mean.
    Number,
    /// A whole number from 0.
    Count,
    Flag,
    List,
    Object,
    Null,
}

impl Is {
    pub(crate) fn fits(self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Id => text.is_some_and(|text| Uuid::parse_str(text).is_ok_and(|_| text.len() == 36)),
            Self::Text => text.is_some_and(|text| !text.is_empty()),
            Self::Word(words) => text.is_some_and(|text| words.contains(&text)),
            Self::Time => text.is_some_and(|text| {
                text.ends_with('Z') && text.parse::<chrono::DateTime<chrono::Utc>>().is_ok()
            }),
            Self::Number => value.is_number(),
            Self::Count => value.is_u64(),
            Self::Flag => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
            Self::Null => value.is_null(),
        }
    }
}

/// Asserts that every one of these fields is there and of its type; more may be there.
#[track_caller]
fn assert_shape(value: &Value, fields: &[(&str, Is)]) {
    assert!(value.is_object(), "not an object: {value}");
    for (field, is) in fields {
        let found = value.get(field).unwrap_or_else(|| panic!("no `{field}` in {value}"));
        assert!(is.fits(found), "`{field}` is not {is:?} in {value}");
    }
}

/// Asserts that a field is an amount with two decimals wherever it occurs in the text, and that it
/// occurs. (A parsed number no longer tells 25.00 from 25.0.)
#[track_caller]
fn assert_amounts(answer: &Answer, field: &str, expected: &[&str]) {
    let mark = format!("\"{field}\":");
    let found: Vec<&str> =
        answer.text.split(&mark).skip(1).map(|rest| rest.split([',', '}', ']']).next().unwrap()).collect();
    assert_eq!(found, expected, "{field} in {}", answer.text);
}

/// Asserts a problem document of that status, and gives it.
#[track_caller]
fn assert_problem(answer: &Answer, status: u16, path: &str) -> Value {
    assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{path}: {}", answer.text);
    let problem = answer.json();
    assert_shape(
        &problem,
        &[
            ("type", Is::Text),
            ("title", Is::Text),
            ("status", Is::Count),
            ("detail", Is::Text),
            ("instance", Is::Text),
            ("correlation_id", Is::Id),
        ],
    );
    assert_eq!(problem["status"], status, "{problem}");
    assert_eq!(problem["instance"], path, "{problem}");
    let header = answer.headers["x-correlation-id"].to_str().unwrap();
    assert_eq!(problem["correlation_id"], header, "{problem}");
    problem
}

/// Asserts that a 422 names exactly these fields, each with a sentence.
#[track_caller]
fn assert_fields(problem: &Value, pointers: &[&str]) {
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("no errors in {problem}"));
    let found: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(found, pointers, "{problem}");
    assert!(errors.iter().all(|error| Is::Text.fits(&error["detail"])), "{problem}");
}

/// Puts a value where a JSON Pointer leads; the parent must be there.
fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    let parent = body.pointer_mut(parent).unwrap();
    match field.parse::<usize>() {
        Ok(index) => parent[index] = value,
        Err(_) => parent[field] = value,
    }
    body
}

/// Takes a field away.
fn without(mut body: Value, pointer: &str) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(field).unwrap();
    body
}

/// A POST with an Idempotency-Key.
async fn post_with_key(platform: &Platform, key: &str, body: &Value) -> Answer {
    send(platform, Method::POST, "order", "/orders", Some(body), &[("idempotency-key", key)]).await
}

/// A gateway and a carrier whose slow answers take so many seconds, and clients that wait for them:
/// long enough to look at what is under way, also on a busy machine.
fn patient(seconds: u32) -> Options {
    let wait = (3 * seconds).to_string();
    Options::default()
        .with("simulators", "SLOW_SECONDS", seconds.to_string())
        .with("payment", "GATEWAY_TIMEOUT_SECONDS", wait.clone())
        .with("shipping", "CARRIER_TIMEOUT_SECONDS", wait)
}

/// Cancels an order that can be cancelled.
async fn cancel(platform: &Platform, order: Uuid) -> Value {
    let path = format!("/orders/{order}/cancel");
    platform.post("order", &path, &json!({ "reason": "changed my mind" })).await.expect(202)
}

/// Sets the simulators for a scenario.
async fn control(platform: &Platform, path: &str, body: &Value) -> Value {
    platform.post("simulators", &format!("/control/{path}"), body).await.expect(200)
}

/// Anything with a JSON body, or none.
async fn send(
    platform: &Platform,
    method: Method,
    service: &str,
    path: &str,
    body: Option<&Value>,
    headers: &[(&str, &str)],
) -> Answer {
    let url = platform.url(service, path);
    platform.http().send(method, &url, body.map(Value::to_string), headers).await.unwrap()
}

/// Counts the rows of all tables of a service: what was refused must not change the number.
#[derive(Debug)]
struct Rows {
    connection: PgConnection,
    query: String,
}

impl Rows {
    async fn of(platform: &Platform, service: &str) -> Self {
        let mut connection = platform.database(service).await;
        let tables = tables(&mut connection).await;
        assert!(tables.iter().any(|table| table == "outbox"), "{tables:?}");
        let counts: Vec<String> =
            tables.iter().map(|table| format!("(SELECT count(*) FROM \"{table}\")")).collect();
        Self { connection, query: format!("SELECT {}", counts.join(" + ")) }
    }

    async fn count(&mut self) -> i64 {
        let query = AssertSqlSafe(self.query.clone());
        sqlx::query_scalar(query).fetch_one(&mut self.connection).await.unwrap()
    }
}

/// Every table of a service's database.
async fn tables(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.tables \
         WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name",
    )
    .fetch_all(connection)
    .await
    .unwrap()
}

/// An order's body of `count` lines of products that nobody has.
fn lines(count: usize) -> Value {
    (0..count)
        .map(|n| json!({ "product_id": Uuid::from_u128(n as u128 + 1), "quantity": 1, "price": 1 }))
        .collect()
}
