//! The payment gateway: four calls, all under the order's one key and harmless when repeated (rule 2).
//!
//! No call fails. What cannot be understood, or does not come in time, is [`Answer::NoAnswer`]: the
//! call may have had its effect, and the domain asks again. Only the gateway's own words count as a
//! decline or a void; a status code of some proxy does not.

use std::{future::Future, time::Duration};

use chassis::faults::{Bug, planted};
use payment_domain::{Answer, Asked, Silence};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};
use serde::Deserialize;
use serde_json::json;
use shared_events::{Money, OrderId};

/// An answer is a few hundred bytes; whatever is longer is none of the gateway's.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// The longest code and the longest sentence of the gateway's that we pass on in an event.
const CODE_CHARS_MAX: usize = 64;
const REASON_CHARS_MAX: usize = 500;
/// The longest id of the gateway's that we keep.
const ID_CHARS_MAX: usize = 128;
/// Establishing a connection takes milliseconds; a gateway that needs longer is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// As many as there are effects at once.
const IDLE_CONNECTIONS_MAX: usize = 64;

/// The gateway as payment sees it.
pub trait Gateway: Send + Sync + 'static {
    /// Captures the amount; a repeated call gets the first one's answer.
    fn charge(
        &self,
        order: OrderId,
        amount: Money,
        method: &str,
        token: Option<&str>,
    ) -> impl Future<Output = Answer> + Send;

    /// What became of the order's key.
    fn status(&self, order: OrderId) -> impl Future<Output = Answer> + Send;

    /// Makes a capture under the order's key impossible, also one that it never heard of, unless it
    /// is too late.
    fn void(&self, order: OrderId) -> impl Future<Output = Answer> + Send;

    /// Sends the captured amount back; a repeated call gets the first one's answer.
    fn refund(&self, order: OrderId, amount: Money) -> impl Future<Output = Answer> + Send;
}

/// The gateway over HTTP.
#[derive(Clone, Debug)]
pub struct HttpGateway {
    client: Client,
    charges: Url,
}

/// Why an address cannot be the gateway's.
#[derive(Debug, thiserror::Error)]
pub enum UnusableUrl {
    /// Not a URL.
    #[error("it is no URL: {0}")]
    NotAUrl(String),
    /// A URL that calls cannot be sent to.
    #[error("it must begin with http:// or https:// and name a host")]
    NotHttp,
}

/// The HTTP client for the gateway; a call without an answer within `timeout` counts as unanswered.
///
/// # Errors
/// When the client cannot be made.
pub fn client(timeout: Duration) -> reqwest::Result<Client> {
    // The client refuses to be made without a TLS provider, also for plain HTTP. An error only says
    // that it was installed before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .timeout(timeout)
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        // Payment data goes to the gateway, not to whom it or the environment points.
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
}

/// The address `segments` below a base address.
///
/// # Errors
/// When the base address is no address to call.
pub(crate) fn below(base_url: &str, segments: &[&str]) -> Result<Url, UnusableUrl> {
    let mut url = Url::parse(base_url).map_err(|problem| UnusableUrl::NotAUrl(problem.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(UnusableUrl::NotHttp);
    }
    url.path_segments_mut().map_err(|()| UnusableUrl::NotHttp)?.pop_if_empty().extend(segments);
    Ok(url)
}

impl HttpGateway {
    /// The gateway at `base_url`.
    ///
    /// # Errors
    /// When the URL is unusable.
    pub fn new(client: Client, base_url: &str) -> Result<Self, UnusableUrl> {
        Ok(Self { client, charges: below(base_url, &["v1", "charges"])? })
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.charges.clone();
        url.path_segments_mut().expect("checked when it was made").extend(segments);
        url
    }
}

impl Gateway for HttpGateway {
    async fn charge(&self, order: OrderId, amount: Money, method: &str, token: Option<&str>) -> Answer {
        let mut payment_method = json!({"type": method});
        if let Some(token) = token {
            payment_method["token"] = json!(token);
        }
        let body = json!({
            "order_id": order,
            "amount_minor": amount.minor,
            "currency": amount.currency,
            "payment_method": payment_method,
        });
        let request = |key| self.client.post(self.url(&[])).header("Idempotency-Key", key).json(&body);
        let answer = ask(Asked::Charge, order, request(key(order))).await;
        if planted(Bug::SecondKey) && matches!(answer, Answer::NoAnswer { .. }) {
            let second = format!("payment-again:{order}");
            return ask(Asked::Charge, order, request(second)).await;
        }
        answer
    }

    async fn status(&self, order: OrderId) -> Answer {
        ask(Asked::Status, order, self.client.get(self.url(&[&key(order)]))).await
    }

    async fn void(&self, order: OrderId) -> Answer {
        ask(Asked::Void, order, self.client.post(self.url(&[&key(order), "void"]))).await
    }

    async fn refund(&self, order: OrderId, amount: Money) -> Answer {
        let request = self
            .client
            .post(self.url(&[&key(order), "refunds"]))
            .header("Idempotency-Key", format!("refund:{order}"))
            .json(&json!({"amount_minor": amount.minor}));
        ask(Asked::Refund, order, request).await
    }
}

/// The one key of an order; a second one is never used.
fn key(order: OrderId) -> String {
    format!("payment:{order}")
}

async fn ask(asked: Asked, order: OrderId, request: RequestBuilder) -> Answer {
    match answer(request).await {
        Ok((status, body)) => {
            let answer = understand(asked, order, status, &body);
            if let Answer::NoAnswer { .. } = answer {
                tracing::debug!(?asked, order_id = %order, %status, "the gateway's answer is no answer");
            }
            answer
        }
        Err(error) => {
            // A gateway that takes no connection is away; one that took the call and then fell
            // silent may have done what it was asked.
            let silence = if error.is_timeout() && !error.is_connect() {
                Silence::Timeout
            } else {
                Silence::Unavailable
            };
            let error = &error as &dyn std::error::Error;
            tracing::debug!(?asked, order_id = %order, ?silence, error, "the gateway gave no answer");
            Answer::NoAnswer { asked, silence }
        }
    }
}

async fn answer(request: RequestBuilder) -> reqwest::Result<(StatusCode, Vec<u8>)> {
    let mut response: Response = request.send().await?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            // Cut off like this it is no JSON, and so no answer.
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok((response.status(), body))
}

#[derive(Deserialize)]
struct Said {
    status: String,
    charge_id: Option<String>,
    refund_id: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

fn understand(asked: Asked, order: OrderId, status: StatusCode, body: &[u8]) -> Answer {
    let no_answer = Answer::NoAnswer { asked, silence: Silence::Unavailable };
    if status.is_server_error() {
        return no_answer;
    }
    let Ok(said) = serde_json::from_slice::<Said>(body) else { return no_answer };
    match asked {
        Asked::Charge | Asked::Status | Asked::Void => of_charge(asked, order, status, said),
        Asked::Refund => of_refund(status, said),
    }
    .unwrap_or(no_answer)
}

fn of_charge(asked: Asked, order: OrderId, status: StatusCode, said: Said) -> Option<Answer> {
    match (status, said.status.as_str()) {
        // We refund only what we know to be captured, so a refund found here is somebody else's; the
        // audit will name it. For the saga the charge is what it is: captured.
        (StatusCode::OK, "captured" | "refunded") => {
            let charge_id = said.charge_id.map(|id| cut(&id, ID_CHARS_MAX));
            Some(Answer::Captured { order_id: order, charge_id })
        }
        (StatusCode::OK | StatusCode::PAYMENT_REQUIRED, "declined") => Some(Answer::Declined {
            code: code(said.code, "declined"),
            reason: reason(said.message, "The payment gateway declined the charge."),
        }),
        (StatusCode::OK | StatusCode::CONFLICT, "voided") => Some(Answer::Voided),
        (StatusCode::ACCEPTED, "pending") => Some(Answer::Pending),
        (StatusCode::NOT_FOUND, "unknown") if asked == Asked::Status => Some(Answer::NeverHeardOf),
        _ => None,
    }
}

fn of_refund(status: StatusCode, said: Said) -> Option<Answer> {
    match (status, said.status.as_str()) {
        (StatusCode::OK, "refunded") => {
            let refund_id = said.refund_id.filter(|id| !id.is_empty())?;
            Some(Answer::Refunded { refund_id: cut(&refund_id, ID_CHARS_MAX) })
        }
        (StatusCode::UNPROCESSABLE_ENTITY, "refused") | (StatusCode::CONFLICT, "not_captured") => {
            Some(Answer::RefundRefused {
                code: code(said.code, "refund_refused"),
                reason: reason(said.message, "The payment gateway refused the refund."),
            })
        }
        _ => None,
    }
}

fn code(said: Option<String>, otherwise: &str) -> String {
    cut(said.as_deref().filter(|code| !code.is_empty()).unwrap_or(otherwise), CODE_CHARS_MAX)
}

fn reason(said: Option<String>, otherwise: &str) -> String {
    cut(said.as_deref().filter(|reason| !reason.is_empty()).unwrap_or(otherwise), REASON_CHARS_MAX)
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().filter(|character| !character.is_control()).take(chars_max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared_events::Currency;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    const QUESTIONS: [Asked; 4] = [Asked::Charge, Asked::Status, Asked::Void, Asked::Refund];

    fn order() -> OrderId {
        "0199c3f2-7a10-7001-8000-000000000001".parse().unwrap()
    }

    fn heard(asked: Asked, status: u16, body: &str) -> Answer {
        understand(asked, order(), StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    fn captured(charge_id: Option<&str>) -> Answer {
        Answer::Captured { order_id: order(), charge_id: charge_id.map(str::to_owned) }
    }

    #[test]
    fn the_gateways_words_about_a_charge_are_understood_whatever_was_asked() {
        for asked in [Asked::Charge, Asked::Status, Asked::Void] {
            let said = r#"{"status":"captured","charge_id":"ch_1","amount_minor":4998}"#;
            assert_eq!(heard(asked, 200, said), captured(Some("ch_1")));
            assert_eq!(heard(asked, 200, r#"{"status":"refunded"}"#), captured(None));
            let declined = Answer::Declined { code: "card_declined".to_owned(), reason: "No.".to_owned() };
            let said = r#"{"status":"declined","code":"card_declined","message":"No."}"#;
            assert_eq!(heard(asked, 402, said), declined);
            assert_eq!(heard(asked, 200, said), declined);
            assert_eq!(heard(asked, 200, r#"{"status":"voided"}"#), Answer::Voided);
            assert_eq!(heard(asked, 409, r#"{"status":"voided"}"#), Answer::Voided);
            assert_eq!(heard(asked, 202, r#"{"status":"pending"}"#), Answer::Pending);
        }
    }

    #[test]
    fn the_gateways_words_about_a_refund_are_understood() {
        let refunded = heard(Asked::Refund, 200, r#"{"status":"refunded","refund_id":"re_1"}"#);
        assert_eq!(refunded, Answer::Refunded { refund_id: "re_1".to_owned() });
        let said = r#"{"status":"refused","code":"refund_refused","message":"No."}"#;
        let refused = Answer::RefundRefused { code: "refund_refused".to_owned(), reason: "No.".to_owned() };
        assert_eq!(heard(Asked::Refund, 422, said), refused);
        let said = r#"{"status":"not_captured","code":"nothing_captured","message":"x"}"#;
        let nothing = heard(Asked::Refund, 409, said);
        assert!(matches!(nothing, Answer::RefundRefused { code, .. } if code == "nothing_captured"));
    }

    #[test]
    fn never_heard_of_is_the_gateways_word_and_not_a_proxys_404() {
        let unknown = r#"{"key":"payment:1","status":"unknown"}"#;
        assert_eq!(heard(Asked::Status, 404, unknown), Answer::NeverHeardOf);
        for (asked, body) in
            [(Asked::Status, "<html>not found</html>"), (Asked::Charge, unknown), (Asked::Void, unknown)]
        {
            assert!(matches!(heard(asked, 404, body), Answer::NoAnswer { .. }), "{asked:?} {body}");
        }
    }

    #[test]
    fn whatever_else_is_answered_is_no_answer() {
        for (status, body) in [
            (500, r#"{"status":"voided"}"#),
            (503, r#"{"status":"declined","code":"card_declined"}"#),
            (200, ""),
            (200, "[]"),
            (200, r#"{"status":"lost"}"#),
            (200, r#"{"status":"refunded","refund_id":""}"#),
            (302, r#"{"status":"captured"}"#),
            (400, r#"{"status":"invalid","code":"invalid_request"}"#),
            (401, r#"{"status":"declined"}"#),
            (422, r#"{"status":"invalid","code":"invalid_request"}"#),
            (429, r#"{"status":"voided"}"#),
        ] {
            for asked in QUESTIONS {
                if asked != Asked::Refund && body.contains("refund_id") {
                    continue;
                }
                let expected = Answer::NoAnswer { asked, silence: Silence::Unavailable };
                assert_eq!(heard(asked, status, body), expected, "{asked:?} {status} {body}");
            }
        }
    }

    #[test]
    fn what_the_gateway_writes_is_cut_to_a_length_we_pass_on() {
        let long = "x\\u0007".repeat(2_000);
        let body = format!(r#"{{"status":"declined","code":"{long}","message":"{long}"}}"#);
        let Answer::Declined { code, reason } = heard(Asked::Charge, 402, &body) else { panic!("{body}") };
        assert_eq!((code.len(), reason.len()), (CODE_CHARS_MAX, REASON_CHARS_MAX));
        assert!(!reason.contains('\u{7}'));
    }

    fn gateway(address: &str) -> HttpGateway {
        HttpGateway::new(client(Duration::from_millis(300)).unwrap(), address).unwrap()
    }

    #[tokio::test]
    async fn a_gateway_that_takes_the_call_and_falls_silent_is_a_timeout() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let held = tokio::spawn(async move { listener.accept().await.unwrap() });
        let answer = gateway(&address).status(order()).await;
        assert_eq!(answer, Answer::NoAnswer { asked: Asked::Status, silence: Silence::Timeout });
        drop(held.await.unwrap());
    }

    #[tokio::test]
    async fn a_gateway_that_takes_no_connection_is_unavailable() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let answer = gateway(&address).void(order()).await;
        assert_eq!(answer, Answer::NoAnswer { asked: Asked::Void, silence: Silence::Unavailable });
    }

    /// Answers one request with `captured`, and gives back what was asked.
    async fn one_request(listener: TcpListener) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = vec![0; 4_096];
        let mut length = 0;
        while !String::from_utf8_lossy(&asked[..length]).contains("}}") {
            length += stream.read(&mut asked[length..]).await.unwrap();
        }
        let body = r#"{"status":"captured","charge_id":"ch_9"}"#;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        String::from_utf8_lossy(&asked[..length]).into_owned()
    }

    #[tokio::test]
    async fn a_charge_carries_the_orders_one_key_the_amount_and_the_token() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/pay/", listener.local_addr().unwrap());
        let asked = tokio::spawn(one_request(listener));
        let amount = Money::new(4998, Currency::USD);
        let answer = gateway(&address).charge(order(), amount, "credit_card", Some("tok_ok")).await;
        assert_eq!(answer, captured(Some("ch_9")));
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("POST /pay/v1/charges HTTP/1.1"), "{asked}");
        assert!(asked.contains(&format!("idempotency-key: payment:{}", order())), "{asked}");
        let body: serde_json::Value = serde_json::from_str(asked.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        let method = json!({"type": "credit_card", "token": "tok_ok"});
        let expected = json!({
            "order_id": order(), "amount_minor": 4998, "currency": "USD", "payment_method": method,
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn an_address_that_cannot_be_called_is_refused() {
        let client = client(Duration::from_secs(1)).unwrap();
        for address in ["gateway", "ftp://gateway", "http://", "unix:/tmp/x", ""] {
            assert!(HttpGateway::new(client.clone(), address).is_err(), "{address}");
        }
    }
}
