//! The queues a platform needs.
//!
//! A queue that nobody empties fills up until it refuses what is published, and what lies there keeps
//! an event from ever being given back as unroutable. Queues of services that do not run are therefore
//! not declared, with one exception: an event whose consumers are all absent is published as
//! mandatory nevertheless, so it gets a queue where it may lie.

use serde_json::{Value, json};
use shared_events::{Service, catalogue::CATALOGUE};

/// Where events lie whose consumers do not run.
pub const UNHEARD: &str = "unheard";

/// The definitions without what belongs to services that do not run.
pub(super) fn only(mut definitions: Value, vhost: &str, services: &[Service]) -> Value {
    let runs = |name: &Value| {
        let name = name.as_str().unwrap();
        services.iter().any(|service| name.split('.').next() == Some(service.name()))
    };
    let mut keep = |list: &str, field: &str| {
        definitions[list].as_array_mut().unwrap().retain(|row| runs(&row[field]));
    };
    keep("queues", "name");
    keep("policies", "name");
    keep("bindings", "destination");
    let unheard = CATALOGUE.iter().filter(|entry| {
        !entry.consumers.is_empty() && !entry.heard_by().any(|consumer| services.contains(&consumer.service))
    });
    let bindings: Vec<Value> = unheard
        .map(|entry| {
            json!({
                "source": entry.producer.exchange(), "vhost": vhost, "destination": UNHEARD,
                "destination_type": "queue", "routing_key": entry.event_type.as_str(), "arguments": {},
            })
        })
        .collect();
    if !bindings.is_empty() {
        definitions["queues"].as_array_mut().unwrap().push(json!({
            "name": UNHEARD, "vhost": vhost, "durable": true, "auto_delete": false, "arguments": {},
        }));
        definitions["bindings"].as_array_mut().unwrap().extend(bindings);
    }
    definitions
}
