//! A typed client of the platform's own HTTP, and of the simulators' journal.

mod shapes;

use std::sync::Once;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

pub use shapes::{
    Assessment, Audit, BatchAnswer, Failure, Health, JournalOrder, NewProduct, Notification, Order, Problem,
    Product, Refund, Reservation, SagaLogRow, Transaction, minor_units,
};

use crate::endpoints::ServiceUrls;

/// An answer that takes longer than this is treated like a connection that failed: the outcome is unknown.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// Nothing on a loopback or a cluster network needs longer to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// An HTTP client with the process's TLS provider installed. Connections are kept, one pool per client.
pub fn http_client() -> Result<reqwest::Client> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // A second provider is refused; then one is installed already, which is all that is wanted.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
        .timeout(ANSWER_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(256)
        .build()
        .context("building the HTTP client")
}

/// What came of placing an order.
#[derive(Debug)]
pub enum Placing {
    /// 200 or 201: the order exists.
    Accepted(Box<Order>),
    /// 4xx: it never will; the problem says why.
    Refused(StatusCode, Problem),
    /// No answer, 5xx, or the same key still in flight: unknown, to be asked again with the same key.
    Unknown(String),
}

/// The platform's services behind their addresses.
#[derive(Debug, Clone)]
pub struct Platform {
    http: reqwest::Client,
    urls: ServiceUrls,
}

impl Platform {
    /// A client with its own connection pool.
    pub fn new(urls: &ServiceUrls) -> Result<Self> {
        Ok(Self { http: http_client()?, urls: urls.clone() })
    }

    /// The addresses this client speaks to.
    pub fn urls(&self) -> &ServiceUrls {
        &self.urls
    }

    /// Places an order. A transport failure is not an error here, because the order may well exist.
    pub async fn place(&self, body: &Value, idempotency_key: &str) -> Result<Placing> {
        let request = self
            .http
            .post(format!("{}/orders", self.urls.order))
            .header("Idempotency-Key", idempotency_key)
            .json(body);
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ok(Placing::Unknown(chain(&error))),
        };
        let status = response.status();
        let bytes = match response.bytes().await {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Placing::Unknown(chain(&error))),
        };
        if status.is_success() {
            let order = serde_json::from_slice(&bytes).with_context(|| {
                format!("the order service answered {status} with a body that is no order")
            })?;
            return Ok(Placing::Accepted(Box::new(order)));
        }
        let problem = Problem::read(&bytes);
        // 409 says that the first request with this key is still being worked on.
        if status.is_server_error()
            || status == StatusCode::CONFLICT
            || status == StatusCode::TOO_MANY_REQUESTS
        {
            return Ok(Placing::Unknown(format!("{status}: {problem}")));
        }
        Ok(Placing::Refused(status, problem))
    }

    /// `GET /orders/{id}`.
    pub async fn order(&self, id: Uuid) -> Result<Option<Order>> {
        self.find(&format!("{}/orders/{id}", self.urls.order)).await
    }

    /// `POST /orders/{id}/cancel`: whether the wish was accepted; a 409 says it came too late.
    pub async fn cancel(&self, id: Uuid, reason: &str) -> Result<bool> {
        let url = format!("{}/orders/{id}/cancel", self.urls.order);
        let (status, bytes) = self.send(Method::POST, &url, Some(&json!({ "reason": reason }))).await?;
        match status {
            status if status.is_success() => Ok(true),
            StatusCode::CONFLICT => Ok(false),
            other => bail!("POST {url} answered {other}: {}", Problem::read(&bytes)),
        }
    }

    /// `GET /saga-logs/{order_id}` of the service at `base`.
    pub async fn saga_log(&self, base: &str, id: Uuid) -> Result<Vec<SagaLogRow>> {
        let rows = self.find(&format!("{base}/saga-logs/{id}")).await?;
        Ok(rows.unwrap_or_default())
    }

    /// `POST /products`.
    pub async fn create_product(&self, product: &NewProduct) -> Result<Product> {
        let url = format!("{}/products", self.urls.inventory);
        self.expect(Method::POST, &url, Some(product)).await
    }

    /// `POST /products/batch`: products with ids of the caller's choice; those that exist are kept as they are.
    pub async fn create_products(&self, products: &[NewProduct]) -> Result<BatchAnswer> {
        let url = format!("{}/products/batch", self.urls.inventory);
        self.expect(Method::POST, &url, Some(&json!({ "products": products }))).await
    }

    /// `GET /products/{id}`.
    pub async fn product(&self, id: Uuid) -> Result<Option<Product>> {
        self.find(&format!("{}/products/{id}", self.urls.inventory)).await
    }

    /// `GET /products`, optionally searched: up to 200.
    pub async fn products(&self, search: Option<&str>) -> Result<Vec<Product>> {
        let query: Vec<(&str, &str)> = search.iter().map(|text| ("q", *text)).collect();
        let url = format!("{}/products", self.urls.inventory);
        let response = self.http.get(&url).query(&query).send().await;
        let response = response.with_context(|| no_answer(&url))?;
        let status = response.status();
        if !status.is_success() {
            bail!("GET {url} answered {status}");
        }
        response
            .json()
            .await
            .with_context(|| format!("GET {url} answered something that is no list of products"))
    }

    /// `GET /reservations/{order_id}`.
    pub async fn reservation(&self, order_id: Uuid) -> Result<Option<Reservation>> {
        self.find(&format!("{}/reservations/{order_id}", self.urls.inventory)).await
    }

    /// `GET /transactions/{order_id}`.
    pub async fn transaction(&self, order_id: Uuid) -> Result<Option<Transaction>> {
        self.find(&format!("{}/transactions/{order_id}", self.urls.payment)).await
    }

    /// `GET /refunds/{order_id}`.
    pub async fn refund(&self, order_id: Uuid) -> Result<Option<Refund>> {
        self.find(&format!("{}/refunds/{order_id}", self.urls.payment)).await
    }

    /// `GET /stock/audit`: does every product's stock add up?
    pub async fn stock_audit(&self) -> Result<Audit> {
        self.expect(Method::GET, &format!("{}/stock/audit", self.urls.inventory), None::<&()>).await
    }

    /// `GET /ledger/audit`: does every order's money add up?
    pub async fn ledger_audit(&self) -> Result<Audit> {
        self.expect(Method::GET, &format!("{}/ledger/audit", self.urls.payment), None::<&()>).await
    }

    /// `GET /journal/orders/{order_id}` of the simulators: what really happened to the money.
    pub async fn journal(&self, order_id: Uuid) -> Result<JournalOrder> {
        let url = format!("{}/journal/orders/{order_id}", self.urls.simulators);
        self.expect(Method::GET, &url, None::<&()>).await
    }

    /// `GET /notifications/{order_id}`: what the customer was told.
    pub async fn notifications(&self, order_id: Uuid) -> Result<Vec<Notification>> {
        let url = format!("{}/notifications/{order_id}", self.urls.notification);
        self.expect(Method::GET, &url, None::<&()>).await
    }

    /// `GET /assessments/{order_id}`: how the order was scored.
    pub async fn assessment(&self, order_id: Uuid) -> Result<Option<Assessment>> {
        self.find(&format!("{}/assessments/{order_id}", self.urls.ai)).await
    }

    /// Any of the analytics service's figures, by path.
    pub async fn figures<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = format!("{}{path}", self.urls.analytics);
        self.expect(Method::GET, &url, None::<&()>).await
    }

    /// `GET /api/reconciliation` of the gateway: what was sent and not handled.
    pub async fn reconciliation<T: DeserializeOwned>(&self) -> Result<T> {
        let url = format!("{}/api/reconciliation", self.urls.gateway);
        self.expect(Method::GET, &url, None::<&()>).await
    }

    /// `GET /health` of the service at `base`; degraded services answer too, with an error status.
    pub async fn health(&self, base: &str) -> Result<Health> {
        let url = format!("{base}/health");
        let (status, bytes) = self.send(Method::GET, &url, None::<&()>).await?;
        serde_json::from_slice(&bytes).with_context(|| format!("GET {url} answered {status} and no health"))
    }

    /// A GET whose 404 is an answer.
    async fn find<T: DeserializeOwned>(&self, url: &str) -> Result<Option<T>> {
        let (status, bytes) = self.send(Method::GET, url, None::<&()>).await?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => {
                let body = serde_json::from_slice(&bytes);
                body.map(Some)
                    .with_context(|| format!("GET {url}: the answer has another shape than expected"))
            }
            other => bail!("GET {url} answered {other}: {}", Problem::read(&bytes)),
        }
    }

    async fn expect<T: DeserializeOwned>(
        &self,
        method: Method,
        url: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T> {
        let (status, bytes) = self.send(method.clone(), url, body).await?;
        if !status.is_success() {
            bail!("{method} {url} answered {status}: {}", Problem::read(&bytes));
        }
        serde_json::from_slice(&bytes)
            .with_context(|| format!("{method} {url}: the answer has another shape than expected"))
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        body: Option<&impl Serialize>,
    ) -> Result<(StatusCode, Vec<u8>)> {
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.with_context(|| no_answer(url))?;
        let status = response.status();
        let bytes = response.bytes().await.with_context(|| no_answer(url))?;
        Ok((status, bytes.to_vec()))
    }
}

fn no_answer(url: &str) -> String {
    format!("{url} does not answer; is the platform up (make up, make status)?")
}

/// An error with all its causes on one line: reqwest's own text hides "connection refused" two levels down.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = format!("{text}: {deeper}");
        cause = deeper.source();
    }
    text
}
