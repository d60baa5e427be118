//! What the tests share: a running simulator with a journal of its own, and short ways to ask it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use simulators::Config;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A folder that goes away with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("simulators-{}", Uuid::new_v4()));
        std::fs::create_dir(&path).expect("cannot make a folder for the test");
        Self(path)
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.0.join("journal.jsonl")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A simulator in this process.
pub(crate) struct Simulator {
    pub(crate) http: Http,
    stop: oneshot::Sender<()>,
    served: JoinHandle<anyhow::Result<()>>,
}

impl Simulator {
    /// Starts with a clock that never ticks and a short "slow", then as `change` wants it.
    pub(crate) async fn start(journal: &Path, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(journal);
        config.carrier_dispatch_after_seconds = 0.0;
        config.carrier_deliver_after_seconds = 0.0;
        config.slow_seconds = 0.4;
        change(&mut config);
        let listener = TcpListener::bind(config.http_addr).await.expect("no free port");
        let base = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(simulators::serve(config, listener, async move {
            let _ = stopped.await;
        }));
        let http = Http::new(base);
        http.until_ready().await;
        Self { http, stop, served }
    }

    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.served.await.expect("serve panicked").expect("serve failed");
    }
}

/// A client of one simulator.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    base: String,
}

/// What came back: status and JSON body.
pub(crate) type Reply = (u16, Value);

impl Http {
    pub(crate) fn new(base: String) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().expect("a plain client can be built");
        Self { client, base }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        let call = self.client.get(format!("{}{path}", self.base));
        read(call).await.expect("no answer")
    }

    pub(crate) async fn post(&self, path: &str, key: Option<&str>, body: Value) -> Reply {
        self.try_post(path, key, body).await.expect("no answer")
    }

    pub(crate) async fn try_post(
        &self,
        path: &str,
        key: Option<&str>,
        body: Value,
    ) -> reqwest::Result<Reply> {
        let mut call = self.client.post(format!("{}{path}", self.base)).json(&body);
        if let Some(key) = key {
            call = call.header("Idempotency-Key", key);
        }
        read(call).await
    }

    /// Whether the call is still without an answer after a while that is long for this process.
    pub(crate) async fn stays_silent(&self, path: &str, key: &str, body: Value) -> bool {
        let patience = Duration::from_millis(400);
        tokio::time::timeout(patience, self.try_post(path, Some(key), body)).await.is_err()
    }

    pub(crate) async fn charge(&self, order: Uuid, amount_minor: i64, token: Option<&str>) -> Reply {
        self.post("/v1/charges", Some(&payment_key(order)), charge_body(order, amount_minor, token)).await
    }

    pub(crate) async fn charge_status(&self, order: Uuid) -> Reply {
        self.get(&format!("/v1/charges/{}", payment_key(order))).await
    }

    pub(crate) async fn void(&self, order: Uuid) -> Reply {
        self.post(&format!("/v1/charges/{}/void", payment_key(order)), None, json!({})).await
    }

    pub(crate) async fn refund(&self, order: Uuid, amount_minor: i64) -> Reply {
        let path = format!("/v1/charges/{}/refunds", payment_key(order));
        self.post(&path, Some(&format!("refund:{order}")), json!({"amount_minor": amount_minor})).await
    }

    pub(crate) async fn book(&self, order: Uuid, country: &str) -> Reply {
        self.post("/v1/bookings", Some(&shipment_key(order)), booking_body(order, country)).await
    }

    pub(crate) async fn booking(&self, order: Uuid) -> Reply {
        self.get(&format!("/v1/bookings/{}", shipment_key(order))).await
    }

    pub(crate) async fn cancel(&self, order: Uuid) -> Reply {
        self.post(&format!("/v1/bookings/{}/cancel", shipment_key(order)), None, json!({})).await
    }

    /// The journal's word on one order.
    pub(crate) async fn witness(&self, order: Uuid) -> Value {
        let (status, body) = self.get(&format!("/journal/orders/{order}")).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    pub(crate) async fn summary(&self) -> Value {
        self.get("/journal/summary").await.1
    }

    pub(crate) async fn until_ready(&self) {
        eventually("the simulator is ready", async || {
            let call = self.client.get(format!("{}/readyz", self.base)).send().await;
            call.is_ok_and(|reply| reply.status() == StatusCode::OK)
        })
        .await;
    }
}

async fn read(call: reqwest::RequestBuilder) -> reqwest::Result<Reply> {
    let reply = call.send().await?;
    Ok((reply.status().as_u16(), reply.json().await?))
}

/// Asks again until it is so; fails after ten seconds.
pub(crate) async fn eventually(what: &str, mut so: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never came true: {what}");
}

pub(crate) fn payment_key(order: Uuid) -> String {
    format!("payment:{order}")
}

pub(crate) fn shipment_key(order: Uuid) -> String {
    format!("shipment:{order}")
}

pub(crate) fn charge_body(order: Uuid, amount_minor: i64, token: Option<&str>) -> Value {
    let mut method = json!({"type": "credit_card", "card_number": "4111111111111111"});
    if let Some(token) = token {
        method["token"] = token.into();
    }
    json!({"order_id": order, "amount_minor": amount_minor, "currency": "USD", "payment_method": method})
}

pub(crate) fn booking_body(order: Uuid, country: &str) -> Value {
    let address =
        json!({"street": "1 Canary Row", "city": "Lyon", "state": "RH", "zip": "69001", "country": country});
    json!({"order_id": order, "address": address, "items": 2})
}
