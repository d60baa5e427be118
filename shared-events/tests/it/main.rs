//! The published language against its golden files: what was once written stays readable.
#![allow(clippy::unwrap_used)]

mod released;
mod schemas;

use std::collections::BTreeSet;

use shared_events::{DecodeError, Envelope, Event, EventType};

fn golden_files() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/golden");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_version_of_every_type_has_a_golden_file_and_no_file_is_orphaned() {
    let expected: BTreeSet<_> =
        EventType::ALL.iter().flat_map(|t| (1..=t.version()).map(move |v| format!("{t}.v{v}"))).collect();
    let found: BTreeSet<_> = golden_files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_golden_file_of_the_newest_version_reads_and_writes_without_loss() {
    for event_type in EventType::ALL {
        let body = event_type.example();
        let envelope = Envelope::decode(body.as_bytes()).unwrap();
        assert_eq!(envelope.event_type(), *event_type);
        let written: serde_json::Value = serde_json::from_str(&envelope.encode()).unwrap();
        let original: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(written, original, "{event_type}");
        assert_eq!(Envelope::decode(envelope.encode().as_bytes()).unwrap(), envelope);
    }
}

#[test]
fn an_order_placed_before_currencies_existed_is_read_as_us_dollars() {
    let (_, body) = golden_files().into_iter().find(|(name, _)| name == "order.placed.v1").unwrap();
    assert!(!body.contains("currency"));
    let envelope = Envelope::decode(body.as_bytes()).unwrap();
    let Event::OrderPlaced(placed) = envelope.event else { panic!("not an order") };
    assert_eq!(placed.currency.as_str(), "USD");
    assert_eq!(placed.total_minor, 4998);
}

fn altered(change: impl Fn(&mut serde_json::Value)) -> Vec<u8> {
    let mut body = serde_json::from_str(EventType::OrderPlaced.example()).unwrap();
    change(&mut body);
    body.to_string().into_bytes()
}

#[test]
fn an_unknown_field_is_ignored() {
    let body = altered(|body| {
        body["surprise"] = 1.into();
        body["data"]["surprise"] = 1.into();
    });
    assert!(Envelope::decode(&body).is_ok());
}

#[test]
fn what_cannot_be_read_says_which_part_and_why() {
    let class = |body: &[u8]| Envelope::decode(body).unwrap_err().class();
    assert_eq!(class(b"{"), "malformed");
    assert_eq!(class(b"\xff\xfe"), "malformed");
    assert_eq!(class(b"[]"), "malformed");
    assert_eq!(class(&altered(|body| body["event_id"] = "x".into())), "malformed");
    assert_eq!(class(&altered(|body| body["event_type"] = "order.eaten".into())), "unknown_type");
    assert_eq!(class(&altered(|body| body["version"] = 3.into())), "future_version");
    assert_eq!(class(&altered(|body| body["version"] = 0.into())), "malformed_data");
    assert_eq!(class(&altered(|body| body["data"]["total_minor"] = "4998".into())), "malformed_data");
    let future = Envelope::decode(&altered(|body| body["version"] = 3.into())).unwrap_err();
    assert!(matches!(future, DecodeError::FutureVersion { newest: 2, .. }));
    assert!(future.to_string().contains("newer than 2"));
}

#[test]
fn the_diagram_and_the_page_name_every_event() {
    let page = shared_events::docs::events_page();
    for event_type in EventType::ALL {
        assert!(page.contains(&format!("### {event_type}")), "{event_type}");
    }
    assert!(shared_events::docs::mermaid().contains("order -- "));
}
