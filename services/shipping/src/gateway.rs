//! The carrier: three calls, all under the order's one key and harmless when repeated (rule 16).
//!
//! No call fails. What cannot be understood, or does not come in time, is [`Reply::NoAnswer`]: the
//! call may have had its effect, and the domain asks again. Only the carrier's own words count as a
//! refusal or a cancel; a status code of some proxy does not.

use std::{future::Future, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};
use serde::Deserialize;
use serde_json::json;
use shared_events::OrderId;
use shipping_domain::{Consignment, Parcel, Reply};

/// An answer is a few hundred bytes; whatever is longer is none of the carrier's.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The longest tracking number we pass on; those of real carriers have up to 35 characters.
const TRACKING_NUMBER_CHARS_MAX: usize = 64;
/// The longest code and the longest sentence of the carrier's that we pass on in an event.
const CODE_CHARS_MAX: usize = 64;
const REASON_CHARS_MAX: usize = 500;
/// Establishing a connection takes milliseconds; a carrier that needs longer is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// As many as there are effects at once.
const IDLE_CONNECTIONS_MAX: usize = 64;

/// The carrier as shipping sees it.
pub trait Carrier: Send + Sync + 'static {
    /// Books the order's parcel; a repeated call gets the first one's answer.
    fn book(&self, order: OrderId, parcel: &Parcel) -> impl Future<Output = Reply> + Send;

    /// What became of the order's key.
    fn status(&self, order: OrderId) -> impl Future<Output = Reply> + Send;

    /// Cancels the order's key, also one that the carrier never heard of, unless it is too late.
    fn cancel(&self, order: OrderId) -> impl Future<Output = Reply> + Send;
}

/// The carrier over HTTP.
#[derive(Clone, Debug)]
pub struct HttpCarrier {
    client: Client,
    bookings: Url,
}

/// Why an address cannot be the carrier's.
#[derive(Debug, thiserror::Error)]
pub enum UnusableCarrier {
    /// Not a URL.
    #[error("it is no URL: {0}")]
    NotAUrl(String),
    /// A URL that calls cannot be sent to.
    #[error("it must begin with http:// or https:// and name a host")]
    NotHttp,
    /// The HTTP client cannot be made.
    #[error("cannot make an HTTP client: {0}")]
    Client(#[source] reqwest::Error),
}

impl HttpCarrier {
    /// The carrier at `base_url`; a call without an answer within `timeout` counts as unanswered.
    ///
    /// # Errors
    /// When the URL is unusable.
    pub fn new(base_url: &str, timeout: Duration) -> Result<Self, UnusableCarrier> {
        let not_a_url = |text: &str| UnusableCarrier::NotAUrl(text.to_owned());
        let mut bookings = Url::parse(base_url).map_err(|problem| not_a_url(&problem.to_string()))?;
        if !matches!(bookings.scheme(), "http" | "https") || !bookings.has_host() {
            return Err(UnusableCarrier::NotHttp);
        }
        bookings
            .path_segments_mut()
            .map_err(|()| UnusableCarrier::NotHttp)?
            .pop_if_empty()
            .extend(["v1", "bookings"]);
        // The client refuses to be made without a TLS provider, also for plain HTTP. An error only
        // says that it was installed before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(timeout)
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            // Addresses are personal data: they go to the carrier, not to whom it or the
            // environment points.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(UnusableCarrier::Client)?;
        Ok(Self { client, bookings })
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.bookings.clone();
        url.path_segments_mut().expect("checked when it was made").extend(segments);
        url
    }
}

impl Carrier for HttpCarrier {
    async fn book(&self, order: OrderId, parcel: &Parcel) -> Reply {
        let body = json!({"order_id": order, "address": parcel.address, "items": parcel.items});
        let request = self.client.post(self.url(&[])).header("Idempotency-Key", key(order)).json(&body);
        ask(Question::Book, request).await
    }

    async fn status(&self, order: OrderId) -> Reply {
        ask(Question::Status, self.client.get(self.url(&[&key(order)]))).await
    }

    async fn cancel(&self, order: OrderId) -> Reply {
        ask(Question::Cancel, self.client.post(self.url(&[&key(order), "cancel"]))).await
    }
}

/// The one key of an order; a second one is never used.
fn key(order: OrderId) -> String {
    format!("shipment:{order}")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Book,
    Status,
    Cancel,
}

async fn ask(question: Question, request: RequestBuilder) -> Reply {
    match answer(request).await {
        Ok((status, body)) => understand(question, status, &body),
        Err(error) => {
            let what = if error.is_timeout() {
                "no answer in time"
            } else if error.is_connect() {
                "cannot be reached"
            } else {
                "the connection broke"
            };
            tracing::debug!(
                ?question,
                error = &error as &dyn std::error::Error,
                "the carrier gave no answer"
            );
            no_answer(what)
        }
    }
}

async fn answer(request: RequestBuilder) -> reqwest::Result<(StatusCode, Vec<u8>)> {
    let mut response: Response = request.send().await?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            // Nothing of it is believed: empty, it is no JSON, and so no answer.
            body.clear();
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status(), body))
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    tracking_number: Option<String>,
    estimated_delivery: Option<DateTime<Utc>>,
    code: Option<String>,
    message: Option<String>,
}

fn understand(question: Question, status: StatusCode, body: &[u8]) -> Reply {
    if status.is_server_error() {
        return no_answer(&format!("answered {}", status.as_u16()));
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
        return no_answer(&format!("answered {} and nothing that can be read", status.as_u16()));
    };
    let word = answer.status.clone();
    match (status, word.as_str()) {
        (StatusCode::OK, "booked") => consigned(answer, Reply::Booked),
        (StatusCode::OK, "dispatched") => consigned(answer, Reply::Dispatched),
        (StatusCode::OK, "delivered") => consigned(answer, Reply::Delivered),
        (StatusCode::OK | StatusCode::CONFLICT, "cancelled") => Reply::Cancelled,
        // "This key has other terms" is a fault of ours and says nothing about the parcel.
        (StatusCode::OK | StatusCode::UNPROCESSABLE_ENTITY, "refused")
            if answer.code.as_deref() != Some("idempotency_mismatch") =>
        {
            refused(answer)
        }
        (StatusCode::NOT_FOUND, "unknown") if question == Question::Status => Reply::NeverHeardOf,
        _ => no_answer(&format!("answered {} {}", status.as_u16(), cut(&word, CODE_CHARS_MAX))),
    }
}

fn consigned(answer: Answer, reply: fn(Consignment) -> Reply) -> Reply {
    match (answer.tracking_number, answer.estimated_delivery) {
        (Some(tracking_number), Some(estimated_delivery)) if is_sound(&tracking_number) => {
            reply(Consignment { tracking_number, estimated_delivery })
        }
        _ => no_answer("answered without a tracking number or a delivery date"),
    }
}

fn is_sound(tracking_number: &str) -> bool {
    let length = tracking_number.chars().count();
    (1..=TRACKING_NUMBER_CHARS_MAX).contains(&length) && !tracking_number.chars().any(char::is_control)
}

fn refused(answer: Answer) -> Reply {
    let code = answer.code.filter(|code| !code.is_empty()).unwrap_or_else(|| "refused".to_owned());
    let reason = answer.message.filter(|message| !message.is_empty());
    let reason = reason.unwrap_or_else(|| "The carrier refused the parcel.".to_owned());
    Reply::Refused { code: cut(&code, CODE_CHARS_MAX), reason: cut(&reason, REASON_CHARS_MAX) }
}

fn no_answer(what: &str) -> Reply {
    Reply::NoAnswer { what: format!("carrier: {what}") }
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().filter(|character| !character.is_control()).take(chars_max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOKED: &str =
        r#"{"status":"booked","tracking_number":"TRK-7F3K2","estimated_delivery":"2026-11-23T17:00:00Z"}"#;

    fn no_answer_to(question: Question, status: u16, body: &str) {
        let reply = understand(question, StatusCode::from_u16(status).unwrap(), body.as_bytes());
        assert!(matches!(reply, Reply::NoAnswer { .. }), "{status} {body}: {reply:?}");
    }

    #[test]
    fn the_carriers_words_are_understood() {
        let consignment = Consignment {
            tracking_number: "TRK-7F3K2".to_owned(),
            estimated_delivery: "2026-11-23T17:00:00Z".parse().unwrap(),
        };
        for question in [Question::Book, Question::Status, Question::Cancel] {
            for (word, reply) in [
                ("booked", Reply::Booked(consignment.clone())),
                ("dispatched", Reply::Dispatched(consignment.clone())),
                ("delivered", Reply::Delivered(consignment.clone())),
                ("cancelled", Reply::Cancelled),
            ] {
                let body = BOOKED.replace("booked", word);
                assert_eq!(understand(question, StatusCode::OK, body.as_bytes()), reply);
            }
        }
        let cancelled = understand(Question::Book, StatusCode::CONFLICT, br#"{"status":"cancelled"}"#);
        assert_eq!(cancelled, Reply::Cancelled);
    }

    #[test]
    fn a_refusal_carries_the_carriers_reason_cut_to_a_length_we_pass_on() {
        let long = "x".repeat(10_000);
        let body = format!(r#"{{"status":"refused","code":"address_unserviceable","message":"{long}"}}"#);
        let reply = understand(Question::Book, StatusCode::UNPROCESSABLE_ENTITY, body.as_bytes());
        let Reply::Refused { code, reason } = reply else { panic!("{reply:?}") };
        assert_eq!((code.as_str(), reason.len()), ("address_unserviceable", REASON_CHARS_MAX));
        let bare = understand(Question::Status, StatusCode::OK, br#"{"status":"refused"}"#);
        assert!(matches!(bare, Reply::Refused { code, .. } if code == "refused"));
    }

    #[test]
    fn never_heard_of_is_the_carriers_word_and_not_a_proxys_404() {
        let unknown = br#"{"key":"shipment:1","status":"unknown"}"#;
        assert_eq!(understand(Question::Status, StatusCode::NOT_FOUND, unknown), Reply::NeverHeardOf);
        no_answer_to(Question::Status, 404, "<html>not found</html>");
        no_answer_to(Question::Book, 404, r#"{"status":"unknown"}"#);
        no_answer_to(Question::Cancel, 404, r#"{"status":"unknown"}"#);
    }

    #[test]
    fn whatever_else_is_answered_is_no_answer() {
        for (status, body) in [
            (500, r#"{"status":"cancelled"}"#),
            (503, r#"{"status":"refused","code":"x"}"#),
            (200, ""),
            (200, "[]"),
            (200, r#"{"status":"lost"}"#),
            (200, r#"{"status":"booked"}"#),
            (200, r#"{"status":"booked","tracking_number":"","estimated_delivery":"2026-11-23T17:00:00Z"}"#),
            (
                200,
                r#"{"status":"booked","tracking_number":"a\u0000b","estimated_delivery":"2026-11-23T17:00:00Z"}"#,
            ),
            (202, r#"{"status":"pending"}"#),
            (302, BOOKED),
            (400, r#"{"status":"invalid","code":"invalid_request"}"#),
            (401, r#"{"status":"refused","code":"unauthorized"}"#),
            (422, r#"{"status":"refused","code":"idempotency_mismatch"}"#),
            (429, r#"{"status":"cancelled"}"#),
        ] {
            no_answer_to(Question::Book, status, body);
            no_answer_to(Question::Status, status, body);
        }
    }
}
