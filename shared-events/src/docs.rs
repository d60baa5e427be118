//! The events page and the diagram, generated from the catalogue by `sagactl generate`.

use std::fmt::Write as _;

use crate::{
    EventType,
    catalogue::{CATALOGUE, OBSERVERS, Service},
};

const NOTICE: &str = "Generated from `shared-events/src/catalogue.rs` by `sagactl generate`; do not edit.";

/// `docs/events.md`: every event with version, producer, meaning, consumers and an example.
#[must_use]
pub fn events_page() -> String {
    let mut page = format!("# Events\n\n{NOTICE}\n\n");
    let observers: Vec<_> =
        OBSERVERS.iter().map(|observer| format!("**{}** {}", observer.service, observer.reaction)).collect();
    let _ = writeln!(page, "Every event is also heard by: {}.\n", observers.join(" · "));
    page.push_str("| event | version | emitted by | means | who reacts, and how |\n");
    page.push_str("|---|---|---|---|---|\n");
    for entry in CATALOGUE {
        let reactions: Vec<_> = entry
            .consumers
            .iter()
            .map(|consumer| format!("**{}** {}", consumer.service, consumer.reaction))
            .collect();
        let reactions =
            if reactions.is_empty() { "nobody, observers only".to_owned() } else { reactions.join(" · ") };
        let event_type = entry.event_type;
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| [`{event_type}`](#{anchor}) | {version} | {producer} | {meaning} | {reactions} |",
            anchor = event_type.as_str().replace('.', ""),
            version = event_type.version(),
            producer = entry.producer,
            meaning = entry.meaning,
        );
    }
    page.push_str("\n## The choreography\n\n```mermaid\n");
    page.push_str(&mermaid());
    page.push_str("```\n\n## Examples\n");
    for event_type in EventType::ALL {
        let _ = write!(
            page,
            "\n### {event_type}\n\nVersion {}.\n\n```json\n{}\n```\n",
            event_type.version(),
            event_type.example().trim_end(),
        );
    }
    page
}

/// `docs/choreography.mmd`: services as nodes, events as arrows from producer to whoever reacts.
/// Those who observe everything are left out: their arrows would hide the others.
#[must_use]
pub fn mermaid() -> String {
    let mut diagram = String::from("flowchart LR\n");
    let observes = |service: &Service| OBSERVERS.iter().any(|observer| observer.service == *service);
    for service in Service::ALL.iter().filter(|service| !observes(service)) {
        let _ = writeln!(diagram, "    {service}([{service}])");
    }
    for from in Service::ALL {
        for to in Service::ALL {
            let carried: Vec<_> = CATALOGUE
                .iter()
                .filter(|entry| entry.producer == *from)
                .filter(|entry| entry.consumers.iter().any(|consumer| consumer.service == *to))
                .map(|entry| entry.event_type.as_str())
                .collect();
            if !carried.is_empty() {
                let _ = writeln!(diagram, "    {from} -- \"{}\" --> {to}", carried.join("<br>"));
            }
        }
    }
    diagram
}
