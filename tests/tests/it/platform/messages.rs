//! What a customer is told, and how often: once, whatever is delivered again, and whenever
//! notification dies.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared_events::Service;
use system_tests::{Options, Platform, Wanted, eventually, order_body};
use uuid::Uuid;

use crate::sagas::{all_events, repetition::deliver_again};

/// What an order that goes well tells its customer.
const GOOD: [&str; 4] = ["order.confirmed", "order.placed", "shipping.delivered", "shipping.dispatched"];

/// The messages of one order by channel and event, as notification's own log has them; none while one
/// of them is still to be sent.
async fn told(platform: &Platform, order: Uuid) -> Vec<(String, String)> {
    let rows = platform.get("notification", &format!("/notifications/{order}")).await;
    let rows = rows.as_array().unwrap();
    if rows.iter().any(|row| row["status"] != "sent") {
        return Vec::new();
    }
    let word = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    let mut told: Vec<_> = rows.iter().map(|row| (word(row, "channel"), word(row, "event_type"))).collect();
    told.sort();
    told
}

/// Waits until an order's customer was told exactly this by e-mail; other channels may say less.
async fn until_told(platform: &Platform, order: Uuid, expected: &[&str]) -> Vec<(String, String)> {
    eventually(&format!("the customer of {order} is told {expected:?}"), async || {
        let told = told(platform, order).await;
        let mails: Vec<&str> =
            told.iter().filter(|(channel, _)| channel == "email").map(|(_, event)| event.as_str()).collect();
        if mails == expected { Ok(told) } else { Err(format!("{told:?}")) }
    })
    .await
}

/// Everything that left, by file name: the mails, and the text messages in a folder of their own.
fn posted(platform: &Platform) -> BTreeMap<String, String> {
    let mail = platform.mail_directory();
    let folders = [(mail.clone(), "eml"), (mail.join("sms"), "txt")];
    let files = folders.iter().flat_map(|(folder, kind)| {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == *kind))
    });
    files
        .map(|path| {
            let written = path.metadata().unwrap().modified().unwrap();
            let text = std::fs::read_to_string(&path).unwrap();
            (path.display().to_string(), format!("{written:?}\n{text}"))
        })
        .collect()
}

/// How often each file was sent: the second sending of a message leaves its file as it is, and shows
/// only in the log of sendings.
fn sendings(platform: &Platform) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    let mail = platform.mail_directory();
    for folder in [mail.clone(), mail.join("sms")] {
        let log = std::fs::read_to_string(folder.join("sent.log")).unwrap_or_default();
        for line in log.lines() {
            // When, which file, and whether it had been there.
            let file = line.split(' ').nth(1).unwrap();
            *times.entry(folder.join(file).display().to_string()).or_default() += 1;
        }
    }
    times
}

/// The subjects of the mails to one address.
fn subjects(platform: &Platform, address: &str) -> Vec<String> {
    let header = |text: &str, name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
    };
    let mails = posted(platform).into_iter().filter(|(name, _)| name.ends_with("eml"));
    let to_them = mails.filter(|(_, text)| header(text, "To:").contains(address));
    let mut subjects: Vec<_> = to_them.map(|(_, text)| header(&text, "Subject:")).collect();
    subjects.sort();
    subjects
}

#[tokio::test]
async fn a_customer_is_told_once_of_each_step_whatever_is_delivered_again() {
    let platform = Platform::start(Options::whole().scaled(10).carrier(20, 40)).await;
    crate::delivery::topology::assert_policies(&platform, 10).await;
    let product = platform.product(10).await;
    let address = format!("{}@example.org", Uuid::new_v4().simple());
    let mut body = order_body(product, 2, "tok_ok");
    body["customer"] = json!({ "name": "Dana Ågren", "email": address, "phone": "+15035550100" });
    let order = platform.place_body(&body).await;
    until_told(&platform, order, &["order.confirmed", "order.placed"]).await;
    // The news of the parcel finds nobody at home, and waits.
    platform.kill("notification");
    platform.until_status(order, "delivered").await;
    platform.launch("notification", &[]);
    platform.ready("notification").await;
    let told_once = until_told(&platform, order, &GOOD).await;
    platform.until_everything_is_heard().await;

    let letters = subjects(&platform, &address);
    assert_eq!(letters.len(), GOOD.len(), "{letters:?}");
    assert!(letters.windows(2).all(|pair| pair[0] != pair[1]), "two of one kind: {letters:?}");
    let texts = told_once.iter().filter(|(channel, _)| channel == "sms").count();
    assert!(texts > 0, "who gives a phone number gets text messages: {told_once:?}");
    let said = platform.emitted("notification", order, "notification.sent").await;
    assert_eq!(said.len(), GOOD.len() + texts, "one event for each message");
    let before = posted(&platform);
    assert_eq!(before.len(), said.len(), "one file for each message: {:?}", before.keys());

    // Every event of the order three times more, to everybody who heard it, in any order.
    let events = all_events(&platform, order).await.len();
    assert!(events > 15, "{events} events are too few for a delivered order");
    deliver_again(&platform, &[order]).await;
    assert_eq!(posted(&platform), before, "no file is new, and none was written again");
    let sendings = sendings(&platform);
    assert!(sendings.keys().eq(before.keys()), "{sendings:?}");
    assert!(sendings.values().all(|times| *times == 1), "each left once: {sendings:?}");
    assert_eq!(told(&platform, order).await, told_once);
    assert_eq!(platform.emitted("notification", order, "notification.sent").await, said);
    platform.assert_sound().await;
}

/// What each kind of order of [`Wanted::mixed`] tells, by its payment token and country.
fn story(body: &Value) -> &'static [&'static str] {
    if body["payment_method"]["token"] == "tok_declined" {
        &["order.failed", "order.placed"]
    } else if body["shipping_address"]["country"] == "XX" {
        &["order.confirmed", "order.failed", "order.placed", "payment.refunded"]
    } else {
        &["order.confirmed", "order.placed"]
    }
}

#[tokio::test]
async fn notification_may_die_at_any_point_and_says_nothing_twice() {
    /// A sending that a crash swallowed is done again after 8.5 s.
    const TIME_SCALE: u32 = 12;
    const POINTS: [&str; 8] = [
        "before_commit:2",
        "after_commit",
        "before_effect",
        "after_effect",
        "after_effect:7",
        "before_ack:3",
        "after_confirm:2",
        "after_copy",
    ];
    let platform = Platform::start(Options::fast(TIME_SCALE).and(Service::Notification)).await;
    let product = platform.product(1_000).await;
    let (mut orders, mut loads) = (Vec::new(), Vec::new());
    platform.kill("notification");
    for point in POINTS {
        platform.launch("notification", &[("FAULT_POINT", point)]);
        let poisoned = Wanted::mixed(product, 1);
        if point == "after_copy" {
            platform.poison("notification", poisoned[0].id, "order.placed").await;
        }
        loads.push(platform.load(&poisoned, 1));
        let (placed, placing) =
            platform.load_until_death("notification", || Wanted::mixed(product, 10)).await;
        platform.heal("notification", poisoned[0].id).await;
        orders.extend(poisoned.into_iter().chain(placed));
        loads.extend(placing);
    }
    platform.launch("notification", &[]);
    for load in loads {
        load.finish().await;
    }
    platform.assert_all_ended_well(&orders).await;

    let mut messages = 0;
    for order in &orders {
        messages += until_told(&platform, order.id, story(&order.body)).await.len();
    }
    let count = async |query: &str| platform.count("notification", query).await as usize;
    assert_eq!(count("SELECT count(*) FROM notifications").await, messages);
    assert_eq!(count("SELECT count(*) FROM outbox WHERE event_type = 'notification.sent'").await, messages);
    assert_eq!(count("SELECT count(*) FROM outbox").await, messages, "nothing else was said");
    assert_eq!(posted(&platform).len(), messages);
}
