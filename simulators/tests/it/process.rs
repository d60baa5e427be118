//! The simulators as a real process: killed in the middle of work, and asked to stop politely.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::support::{Folder, Http, charge_body, eventually, payment_key};

async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("no free port");
    listener.local_addr().expect("a bound listener has an address")
}

fn command(journal: &Path, address: SocketAddr) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simulators"));
    command
        .env("JOURNAL_PATH", journal)
        .env("HTTP_ADDR", address.to_string())
        .env("SLOW_SECONDS", "0.5")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn start(journal: &Path) -> (Child, Http) {
    let address = free_address().await;
    let child = command(journal, address).spawn().expect("the program starts");
    let http = Http::new(format!("http://{address}"));
    http.until_ready().await;
    (child, http)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_in_the_middle_of_work_loses_nothing_that_was_answered() {
    let folder = Folder::new();
    let (mut child, http) = start(&folder.journal()).await;
    let answered = AtomicUsize::new(0);
    let customer = async || {
        let mut captured = Vec::new();
        loop {
            let order = Uuid::new_v4();
            let body = charge_body(order, 100, Some("tok_ok"));
            match http.try_post("/v1/charges", Some(&payment_key(order)), body).await {
                Ok((200, body)) => captured.push((order, body["charge_id"].clone())),
                Ok(other) => panic!("unexpected answer {other:?}"),
                Err(_) => return captured,
            }
            answered.fetch_add(1, Ordering::Relaxed);
        }
    };
    let killer = async {
        eventually("work is under way", async || answered.load(Ordering::Relaxed) > 200).await;
        child.kill().await.expect("the child can be killed");
    };
    let (captured, ()) = tokio::join!(join_all((0..16).map(|_| customer())), killer);

    let (mut child, http) = start(&folder.journal()).await;
    let captured: Vec<_> = captured.into_iter().flatten().collect();
    assert!(captured.len() > 200);
    for (order, charge_id) in &captured {
        let (status, view) = http.charge_status(*order).await;
        assert_eq!((status, &view["charge_id"]), (200, charge_id), "an answered charge is gone");
    }
    assert_eq!(http.summary().await["double_captures"], 0);
    child.kill().await.expect("the child can be killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_polite_stop_answers_the_slow_and_frees_the_silent() {
    let folder = Folder::new();
    let (mut child, http) = start(&folder.journal()).await;
    let (slow, silent) = (Uuid::new_v4(), Uuid::new_v4());
    let stop = async {
        eventually("the slow charge runs", async || http.charge_status(slow).await.0 == 202).await;
        eventually("the silent charge waits", async || {
            http.witness(silent).await["entries"].as_array().is_some_and(|entries| entries.len() == 1)
        })
        .await;
        let pid = child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill can be run");
        assert!(sent.success());
        tokio::time::timeout(Duration::from_secs(8), child.wait()).await.expect("it does not stop")
    };
    let (slow_reply, silent_reply, exit) = tokio::join!(
        http.charge(slow, 100, Some("tok_slow")),
        http.charge(silent, 100, Some("tok_timeout")),
        stop,
    );
    assert_eq!(slow_reply.0, 200);
    assert_eq!(silent_reply.0, 503);
    assert!(exit.is_ok_and(|status| status.success()));

    let (mut child, http) = start(&folder.journal()).await;
    assert_eq!(http.witness(slow).await["captures"], 1);
    assert_eq!(http.charge_status(silent).await.0, 404);
    child.kill().await.expect("the child can be killed");
}

#[tokio::test]
async fn nonsense_in_the_environment_is_refused_by_name() {
    let folder = Folder::new();
    let address = free_address().await;
    for (name, value) in [
        ("PAYMENT_FAILURE_RATE", "1.2"),
        ("PAYMENT_FAILURE_RATE", "often"),
        ("TIME_SCALE", "0"),
        ("CARRIER_DELIVER_AFTER_SECONDS", "5"),
        ("SHIPPING_URL", "nowhere"),
        ("JOURNAL_PATH", "/nonexistent/folder/journal"),
    ] {
        let run = command(&folder.journal(), address).env(name, value).spawn().expect("the program starts");
        let output = tokio::time::timeout(Duration::from_secs(10), run.wait_with_output()).await;
        let output = output.expect("it started with nonsense").expect("its output can be read");
        let text = String::from_utf8_lossy(&output.stderr).replace('-', "_").to_uppercase();
        assert!(!output.status.success() && text.contains(name), "{name}={value}: {text}");
    }
}
