//! Waiting until services are ready, and telling what keeps the others.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures::future::join_all;

use crate::client::{chain, http_client};
use crate::console::Palette;

/// Ready services answer in a millisecond; asking twenty times a second costs nothing and wastes no start-up time.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// Waits until every URL answers `GET /readyz` with 2xx; each is reported as it comes. Fails naming those that did not.
pub async fn wait(urls: &[String], timeout: Duration, palette: Palette) -> Result<()> {
    let http = http_client()?;
    let started = Instant::now();
    let mut waiting: BTreeMap<&str, String> = urls.iter().map(|url| (url.as_str(), String::new())).collect();
    loop {
        let answers = waiting.keys().map(|url| {
            let request = http.get(format!("{url}/readyz")).timeout(Duration::from_secs(2)).send();
            async move { (*url, explain(request.await).await) }
        });
        for (url, answer) in join_all(answers).await {
            match answer {
                Ok(()) => {
                    waiting.remove(url);
                    println!(
                        "{} {url} ready after {:.1} s",
                        palette.mark(true),
                        started.elapsed().as_secs_f64()
                    );
                }
                Err(why) => {
                    waiting.insert(url, why);
                }
            }
        }
        if waiting.is_empty() {
            return Ok(());
        }
        if started.elapsed() >= timeout {
            for (url, why) in &waiting {
                println!("{} {url} {why}", palette.mark(false));
            }
            bail!(
                "{} of {} not ready within {} s; look into the logs (make logs)",
                waiting.len(),
                urls.len(),
                timeout.as_secs()
            );
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

async fn explain(answer: reqwest::Result<reqwest::Response>) -> Result<(), String> {
    let response = answer.map_err(|error| chain(&error.without_url()))?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let body: String = response.text().await.unwrap_or_default().chars().take(300).collect();
    Err(format!("answers {status} {body}").trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;

    use super::*;

    async fn service(status: StatusCode) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = Router::new().route("/readyz", get(move || async move { (status, "migrations pending") }));
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    #[tokio::test]
    async fn ready_services_are_not_waited_for() {
        let url = service(StatusCode::OK).await;
        wait(&[url], Duration::from_secs(5), Palette::PLAIN).await.expect("ready");
    }

    #[tokio::test]
    async fn a_service_that_is_not_ready_in_time_fails_the_wait() {
        let urls = [service(StatusCode::OK).await, service(StatusCode::SERVICE_UNAVAILABLE).await];
        let refused =
            wait(&urls, Duration::from_millis(100), Palette::PLAIN).await.expect_err("one is not ready");
        assert!(refused.to_string().starts_with("1 of 2 not ready"), "{refused}");
    }

    #[tokio::test]
    async fn what_a_service_answers_instead_is_told() {
        let http = http_client().expect("a client");
        let url = service(StatusCode::SERVICE_UNAVAILABLE).await;
        let why = explain(http.get(format!("{url}/readyz")).send().await).await.expect_err("not ready");
        assert_eq!(why, "answers 503 Service Unavailable migrations pending");
        let why =
            explain(http.get("http://127.0.0.1:1/readyz").send().await).await.expect_err("nobody there");
        assert!(why.contains("refused"), "{why}");
    }
}
