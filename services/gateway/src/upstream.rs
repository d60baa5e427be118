//! The services behind the front door, each called with limits, each fault told as a clear problem.
//!
//! What is answered and how it becomes ours: a refused or broken connection, and whatever is no JSON
//! of a service, is 502; an answer that does not come in time is 503 with `Retry-After`; a problem
//! document of the service passes through with its status. Each service has so many calls at once and
//! no more: one that hangs must not take the others' place. Answers are handed on as the bytes they
//! came as: an amount such as `25.00` would become `25.0` on a way through a float.

mod answer;
mod caller;

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use axum::http::{HeaderMap, Method, StatusCode};
use chassis::http::Problem;
use reqwest::{Client, Url, redirect};
use serde::de::DeserializeOwned;
use shared_events::Service;
use tokio::sync::Semaphore;

pub use answer::Reply;
pub(crate) use caller::hand_on;

/// Establishing a connection takes milliseconds; a service that needs longer is away.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Kept open to each service for the next call.
const IDLE_CONNECTIONS_MAX: usize = 64;
/// How long a connection may stand idle and still be used. A service that is asked to stop announces it
/// in every answer for half a second (`DRAIN_NOTICE_MS`) and then closes what is idle; a connection that
/// stood still for longer than that may be closed into the face of the next call.
const IDLE_TIME_MAX: Duration = Duration::from_millis(300);

/// Calls under way at one service. Seven times this is less than the requests that the gateway serves
/// at once, so a service that hangs is waited for by an eighth of them; one that answers within 10 ms
/// gives 25,600 answers a second, more than it can.
const CALLS_MAX: usize = 256;

/// The address of a service: `http://host:port`, with or without a path in front of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Url);

/// Why a text is no address of a service.
#[derive(Debug, thiserror::Error)]
pub enum UnusableAddress {
    /// Not a URL.
    #[error("it is no URL: {0}")]
    NotAUrl(String),
    /// A URL that calls cannot be sent to.
    #[error("it must begin with http:// or https://, name a host, and have no password, query or fragment")]
    NotHttp,
}

impl FromStr for Address {
    type Err = UnusableAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|problem| UnusableAddress::NotAUrl(problem.to_string()))?;
        let plain = url.query().is_none() && url.fragment().is_none();
        // The address is shown to whoever asks for /api/health.
        let nameless = url.username().is_empty() && url.password().is_none();
        if matches!(url.scheme(), "http" | "https") && url.has_host() && plain && nameless {
            Ok(Self(url))
        } else {
            Err(UnusableAddress::NotHttp)
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// One service behind the front door.
#[derive(Clone, Debug)]
pub struct Upstream {
    service: Service,
    address: Address,
    page: Address,
    client: Client,
    calls: Arc<Semaphore>,
}

impl Upstream {
    /// Which service.
    #[must_use]
    pub const fn service(&self) -> Service {
        self.service
    }

    /// Where a person finds it; behind a published port that is another place.
    #[must_use]
    pub const fn page(&self) -> &Address {
        &self.page
    }

    /// Where it is called.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// `GET path`, read as `T`; no such thing is the service's 404.
    ///
    /// # Errors
    /// A [`Problem`] for whoever asked us.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Problem> {
        self.send(Method::GET, path, &HeaderMap::new(), None).await?.read(self)
    }

    /// `GET path`, read as `T`; `None` when the service says that there is no such thing.
    ///
    /// # Errors
    /// A [`Problem`] for whoever asked us.
    pub async fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Problem> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(problem) if problem.status() == StatusCode::NOT_FOUND => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// Any call: `path` begins with a slash and may have a query ([`with_query`]), `pass_on` are
    /// headers of the request that mean something to the service, `body` is JSON.
    ///
    /// # Errors
    /// A [`Problem`] for whoever asked us, also when the service answered with one.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        pass_on: &HeaderMap,
        body: Option<Vec<u8>>,
    ) -> Result<Reply, Problem> {
        let Ok(_call) = self.calls.try_acquire() else { return Err(answer::busy(self)) };
        let url = format!("{}{path}", self.address);
        let mut request = self
            .client
            .request(method.clone(), &url)
            .headers(pass_on.clone())
            .headers(caller::headers())
            .header("accept", "application/json");
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        match answer::receive(request).await {
            Ok(reply) => reply.accept(self),
            Err(fault) => Err(fault.problem(self, &method)),
        }
    }
}

/// `path?name=value&…`, encoded.
#[must_use]
pub fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut url = Url::parse("http://any").expect("a constant");
    url.query_pairs_mut().extend_pairs(pairs);
    format!("{path}?{}", url.query().unwrap_or_default())
}

/// Every service behind the front door.
#[derive(Clone, Debug)]
pub struct Upstreams {
    /// Orders.
    pub order: Upstream,
    /// Products, stock and reservations.
    pub inventory: Upstream,
    /// Transactions, refunds, the ledger.
    pub payment: Upstream,
    /// Shipments.
    pub shipping: Upstream,
    /// Messages to customers, webhooks.
    pub notification: Upstream,
    /// Counts.
    pub analytics: Upstream,
    /// Fraud scores and reviews.
    pub ai: Upstream,
}

impl Upstreams {
    /// The services at the addresses that `address` gives; each call ends within `timeout`.
    ///
    /// # Errors
    /// What `address` says.
    pub fn new<E>(
        timeout: Duration,
        mut address: impl FnMut(Service) -> Result<Address, E>,
    ) -> Result<Self, E> {
        let client = client(timeout);
        let mut upstream = |service| {
            let address = address(service)?;
            let (page, client) = (address.clone(), client.clone());
            let calls = Arc::new(Semaphore::new(CALLS_MAX));
            Ok::<_, E>(Upstream { service, address, page, client, calls })
        };
        Ok(Self {
            order: upstream(Service::Order)?,
            inventory: upstream(Service::Inventory)?,
            payment: upstream(Service::Payment)?,
            shipping: upstream(Service::Shipping)?,
            notification: upstream(Service::Notification)?,
            analytics: upstream(Service::Analytics)?,
            ai: upstream(Service::Ai)?,
        })
    }

    /// The same services; people find them where `page` says, or where they are called.
    ///
    /// # Errors
    /// What `page` says.
    pub fn with_pages<E>(
        mut self,
        mut page: impl FnMut(Service) -> Result<Option<Address>, E>,
    ) -> Result<Self, E> {
        let Self { order, inventory, payment, shipping, notification, analytics, ai } = &mut self;
        for upstream in [order, inventory, payment, shipping, notification, analytics, ai] {
            if let Some(page) = page(upstream.service)? {
                upstream.page = page;
            }
        }
        Ok(self)
    }

    /// The client of all calls.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.order.client
    }

    /// All of them, in the order in which an order meets them.
    #[must_use]
    pub const fn all(&self) -> [&Upstream; 7] {
        [
            &self.order,
            &self.inventory,
            &self.payment,
            &self.shipping,
            &self.notification,
            &self.analytics,
            &self.ai,
        ]
    }
}

fn client(timeout: Duration) -> Client {
    // The client refuses to be made without a TLS provider, also for plain HTTP. An error only says
    // that it was installed before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .timeout(timeout)
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .tcp_nodelay(true)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .pool_idle_timeout(IDLE_TIME_MAX)
        // Orders hold addresses: they go to our services, not to whom one of them or the environment
        // points.
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("these settings are constants, and the TLS provider is installed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_and_carries_no_secret() {
        for bad in ["", "order", "127.0.0.1:8001", "ftp://order", "http://u:p@order", "http://order?x=1"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
        let address: Address = "http://127.0.0.1:8001/shop/".parse().unwrap();
        assert_eq!(address.to_string(), "http://127.0.0.1:8001/shop");
    }

    #[test]
    fn a_query_is_encoded() {
        assert_eq!(with_query("/products", &[("q", "a&b=c d")]), "/products?q=a%26b%3Dc+d");
    }
}
