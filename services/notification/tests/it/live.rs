//! The program itself, with its engine, more messages than it can send at once, and mail servers
//! that make it wait: no message is taken twice, and none counts an attempt that was none.

use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};
use shared_events::{EventType, Service};
use system_tests::{Options, Platform, eventually_within};
use uuid::Uuid;

use crate::mailserver::{MailServer, Manner, WILLING};

/// Every wait is a sixtieth, so that whoever waits longer than a second for a turn is put off.
const TIME_SCALE: u32 = 60;
const PATIENCE: Duration = Duration::from_secs(90);

async fn platform(smtp_url: &str) -> Platform {
    // The simulators, which every platform has, want to know where shipping is.
    let services = vec![Service::Shipping, Service::Notification];
    let options = Options { services, ..Options::fast(TIME_SCALE) };
    Platform::start(options.with("notification", "SMTP_URL", smtp_url)).await
}

/// Places as many orders, each of which makes one e-mail.
async fn place(platform: &Platform, count: usize) {
    let mut event: Value =
        serde_json::from_str(EventType::OrderPlaced.example()).expect("golden files are JSON");
    event["data"]["customer"] = Value::Null;
    event["timestamp"] = json!(Utc::now());
    for _ in 0..count {
        (event["event_id"], event["aggregate_id"]) = (json!(Uuid::now_v7()), json!(Uuid::now_v7()));
        assert!(platform.broker().publish_event("order", &event.to_string(), json!({})).await);
    }
}

/// Waits until so many messages left, and looks whether each did so at the first attempt.
async fn until_sent(platform: &Platform, count: usize) {
    let rows = async |condition: &str| {
        let query = format!("SELECT count(*) FROM notifications WHERE {condition}");
        platform.count("notification", &query).await as usize
    };
    eventually_within(PATIENCE, &format!("{count} messages are sent"), &mut async || match rows(
        "status = 'sent'",
    )
    .await
    {
        sent if sent == count => Ok(()),
        sent => Err(format!("{sent} are")),
    })
    .await;
    assert_eq!(rows("true").await, count);
    assert_eq!(rows("attempts <> 1 OR last_error IS NOT NULL").await, 0, "without faults, one attempt each");
    let said = "SELECT count(*) FROM outbox WHERE event_type = 'notification.sent'";
    assert_eq!(platform.count("notification", said).await as usize, count);
}

fn assert_each_once(server: &MailServer, count: usize) {
    let copies = server.copies();
    assert_eq!(copies.len(), count);
    let twice: Vec<_> = copies.iter().filter(|(_, copies)| **copies != 1).collect();
    assert!(twice.is_empty(), "taken more than once: {twice:?}");
}

#[tokio::test]
async fn a_slow_mail_server_gets_each_of_many_mails_once() {
    /// More than twice as many as there are slots, each of which takes three seconds.
    const MAILS: usize = 150;
    let slow = Manner { thinks: Duration::from_secs(3), ..WILLING };
    let server = MailServer::start(&[slow]).await;
    let platform = platform(&format!("smtp://{}", server.address)).await;
    place(&platform, MAILS).await;
    until_sent(&platform, MAILS).await;
    assert_each_once(&server, MAILS);
    let put_off = "SELECT count(*) FROM saga_log WHERE input = 'delivery:put_off'";
    assert!(platform.count("notification", put_off).await > 0, "it came to nobody's being put off");
}

#[tokio::test]
async fn a_mail_server_that_says_nothing_for_a_while_gets_each_mail_once() {
    const MAILS: usize = 100;
    /// Longer than the scaled deadlines of waiting and reporting together.
    const SILENCE: Duration = Duration::from_secs(9);
    let server = MailServer::start(&[WILLING]).await;
    let platform = platform(&format!("smtp://{}", server.address)).await;
    server.sleep(true);
    place(&platform, MAILS).await;
    tokio::time::sleep(SILENCE).await;
    assert!(server.taken().is_empty());
    let held = server.connections();
    assert!((1..64).contains(&held), "some effects are kept free of mail: {held} connections");
    server.sleep(false);
    until_sent(&platform, MAILS).await;
    assert_each_once(&server, MAILS);
}

#[tokio::test]
async fn the_log_of_written_mails_has_each_once() {
    const MAILS: usize = 100;
    let platform = platform("").await;
    place(&platform, MAILS).await;
    until_sent(&platform, MAILS).await;
    let log = std::fs::read_to_string(platform.mail_directory().join("sent.log")).unwrap();
    assert_eq!(log.lines().count(), MAILS);
    assert!(!log.contains(" again"), "{log}");
}
