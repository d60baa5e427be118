//! A card number that a script sends is used to name the card, and is nowhere afterwards.

use serde_json::json;
use sqlx::AssertSqlSafe;
use system_tests::{Options, Platform, order_body};

use super::{SERVICES, assert_fields, assert_problem, tables, with};

/// Numbers that card schemes publish for tests, as clients write them.
const ACCEPTED: [(&str, &str, &str); 3] = [
    ("\"4242424242424242\"", "visa", "4242"),
    ("5555555555554444", "mastercard", "4444"),
    ("\"3782-822463-10005\"", "amex", "0005"),
];
/// Never on disk, in an event, in a log or in an answer: whole or in the part that is secret.
const SECRETS: [&str; 7] = [
    "424242424242",
    "555555555555",
    "378282246310",
    "3782-822463",
    "3782822463",
    "601111111111",
    "6011-1111",
];

/// Everything a service has stored, one text a row.
async fn stored(platform: &Platform, service: &str) -> Vec<String> {
    let mut connection = platform.database(service).await;
    let mut rows = Vec::new();
    for table in tables(&mut connection).await {
        let query = AssertSqlSafe(format!("SELECT t::text FROM \"{table}\" AS t"));
        let texts: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
        rows.extend(texts.into_iter().map(|text| format!("{service}.{table}: {text}")));
    }
    rows
}

#[tokio::test]
async fn a_card_number_is_accepted_and_never_stored_logged_or_published() {
    // Everything is logged, so that a log line that would give it away is written.
    let loud = |options: Options, process| options.with(process, "RUST_LOG", "trace,lapin=debug");
    let platform = Platform::start(SERVICES.into_iter().fold(Options::default(), loud)).await;
    let product = platform.product(50).await;
    let mut answers = Vec::new();

    for (number, brand, last_four) in ACCEPTED {
        let number = serde_json::from_str(number).unwrap();
        let body = with(order_body(product, 1, "tok_ok"), "/payment_method/card_number", number);
        let placed = platform.post("order", "/orders", &body).await;
        let id = placed.expect(201)["id"].as_str().unwrap().parse().unwrap();
        answers.push(placed.text);
        let shown = platform.until_status(id, "confirmed").await;
        assert_eq!(shown["payment_method"]["card_brand"], brand);
        assert_eq!(shown["payment_method"]["card_last_four"], last_four);
        let transaction = platform.get("payment", &format!("/transactions/{id}")).await;
        assert_eq!(transaction["method"]["card_brand"], brand);
        answers.extend([shown.to_string(), transaction.to_string(), platform.journal(id).await.to_string()]);
    }

    // What is refused must not be repeated either: in the wrong place, or not quite a number.
    for (pointer, value) in [
        ("/payment_method/token", json!("6011111111111117")),
        ("/payment_method/card_number", json!("6011111111111117x")),
        ("/payment_method/card_number", json!({ "number": "6011-1111-1111-1117" })),
        ("/payment_method/card_number", json!(["6011111111111117"])),
    ] {
        let refused =
            platform.post("order", "/orders", &with(order_body(product, 1, "tok_ok"), pointer, value)).await;
        assert_fields(&assert_problem(&refused, 422, "/orders"), &[pointer]);
        answers.push(refused.text);
    }
    let cut = order_body(product, 1, "tok_ok").to_string();
    let cut = cut.replace("\"token\"", "\"card_number\":\"6011111111111117\",\"token\"");
    let url = platform.url("order", "/orders");
    let cut = cut.trim_end_matches('}').to_owned();
    let refused = platform.http().send(reqwest::Method::POST, &url, Some(cut), &[]).await.unwrap();
    assert_problem(&refused, 400, "/orders");
    answers.push(refused.text);

    platform.assert_sound().await;
    for service in SERVICES {
        answers.extend(stored(&platform, service).await);
        let log = platform.log(service);
        assert!(log.contains("TRACE"), "{service} was meant to log everything");
        answers.extend(log.lines().map(|line| format!("{service}'s log: {line}")));
    }
    answers.extend(platform.log("simulators").lines().map(str::to_owned));
    assert!(answers.iter().any(|text| text.starts_with("payment.outbox")), "the search saw the outbox");
    assert!(answers.iter().any(|text| text.contains("card_last_four")), "the search saw the cards");
    for text in &answers {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
}
