//! One service by itself, with no server to reach.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use reqwest::Method;
use shared_events::Service;
use system_tests::{Http, binary, eventually};

use super::document::{Document, Operation};

/// Nobody listens there.
const NOWHERE: &str = "127.0.0.1:1";
/// Longer than a service waits for its database before it says 503.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// A running service; dropping it ends it.
#[derive(Debug)]
pub(super) struct Alone {
    child: Child,
    base: String,
    http: Http,
}

impl Alone {
    pub(super) async fn start(service: Service) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(binary(&format!("{service}-service")));
        command
            .env_clear()
            .env("HTTP_ADDR", address.to_string())
            .env("RUST_LOG", "off")
            .env("DATABASE_URL", format!("postgres://tester:secret@{NOWHERE}/nowhere"))
            .env("AMQP_URL", format!("amqp://tester:secret@{NOWHERE}/nowhere"))
            .env("BROKER_MANAGEMENT_URL", format!("http://tester:secret@{NOWHERE}"))
            .env("MAIL_DIRECTORY", std::env::temp_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if service == Service::Analytics {
            command.env("REDIS_URL", format!("redis://{NOWHERE}/"));
        }
        if service == Service::Gateway {
            for upstream in Service::ALL.iter().filter(|upstream| **upstream != Service::Gateway) {
                command.env(format!("{}_URL", upstream.name().to_uppercase()), format!("http://{NOWHERE}"));
            }
        }
        let alone = Self {
            child: command.spawn().unwrap(),
            base: format!("http://{address}"),
            http: Http::default(),
        };
        eventually(&format!("{service} answers without its servers"), async || {
            alone.http.get(&format!("{}/livez", alone.base)).await.map(drop)
        })
        .await;
        alone
    }

    pub(super) async fn document(&self) -> Document {
        let answer = self.http.get(&format!("{}/openapi.json", self.base)).await.unwrap();
        Document::new(answer.expect(200))
    }

    /// Status and body of an operation with any ids and an empty body. A stream ends with its headers.
    pub(super) async fn ask(&self, operation: &Operation) -> (u16, String) {
        let url = format!("{}{}", self.base, operation.path_with_ids());
        let mut request =
            reqwest::Client::new().request(operation.method.clone(), url).timeout(ANSWER_TIMEOUT);
        if operation.method != Method::GET {
            request = request.header("content-type", "application/json").body("{}");
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{}: {error:#}", operation.name));
        let status = response.status().as_u16();
        let streams = response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
        (status, if streams { String::new() } else { response.text().await.unwrap() })
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
