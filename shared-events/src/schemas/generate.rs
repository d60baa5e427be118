//! The contracts, made from the Rust types and the catalogue.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{EventType, schemas};

mod asyncapi;
mod print;

pub use asyncapi::asyncapi;
pub use print::print;

/// The schema of a message that carries the newest version of this event.
///
/// # Panics
/// Never: the examples are read by a test.
#[must_use]
pub fn newest(event_type: EventType) -> Value {
    let mut generator = generator();
    let mut data = event_type.payload_schema(&mut generator).to_value();
    unwrap_lines(&mut data);
    let mut description = Value::Null;
    if let Some(fields) = data.as_object_mut() {
        fields.remove("title");
        description = fields.remove("description").unwrap_or_default();
    }
    let example: Value = serde_json::from_str(event_type.example()).expect("the golden file is JSON");
    let version = event_type.version();
    let mut schema = envelope(event_type, data);
    schema.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("$id".into(), json!(format!("urn:order-fulfilment:event:{event_type}:v{version}")));
    schema.insert("title".into(), json!(format!("{event_type} version {version}")));
    schema.insert("description".into(), description);
    schema.insert("examples".into(), json!([example]));
    Value::Object(schema)
}

/// As a reader sees it: a field that may be missing is not required. Everything stands where it is
/// used, so that a payload's schema can be cut out and put into another document.
fn generator() -> SchemaGenerator {
    let mut settings = SchemaSettings::draft2020_12().for_deserialize();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    settings.into_generator()
}

/// Comments are wrapped for the source, which is not where these descriptions are read.
fn unwrap_lines(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(description)) = fields.get_mut("description") {
                *description = description.replace('\n', " ");
            }
            // A field may be called `description` too; its schema is an object, and gone into here.
            fields.values_mut().for_each(unwrap_lines);
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap_lines),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Section 1 of the choreography.
fn envelope(event_type: EventType, data: Value) -> Map<String, Value> {
    let uuid = |description: &str| json!({"type": "string", "format": "uuid", "description": description});
    let schema = json!({
        "type": "object",
        "required": [
            "event_id", "event_type", "aggregate_id", "correlation_id", "causation_id", "timestamp", "version", "data",
        ],
        "properties": {
            "event_id": uuid("Identity of this event; the same on every redelivery, retry, redrive and resend."),
            "event_type": {"type": "string", "const": event_type.as_str(), "description": "The type; equals the routing key."},
            "aggregate_id": uuid("The order this is about (for `inventory.stock.adjusted`, the product)."),
            "correlation_id": uuid("One for each action of a customer, copied to everything it causes."),
            "causation_id": {
                "type": ["string", "null"],
                "format": "uuid",
                "description": "`event_id` of the direct cause; null when a person's command is the cause.",
            },
            "timestamp": {
                "type": "string",
                "format": "date-time",
                "description": "When the fact happened in its owner's database: UTC, microseconds.",
            },
            "version": {
                "type": "integer",
                "const": event_type.version(),
                "description": "Version of the payload's schema.",
            },
            "data": data,
            "metadata": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "Optional remarks such as `replay_id`; no decision depends on them.",
            },
        },
        // Readers ignore fields they do not know: that is how a version may grow.
        "additionalProperties": true,
    });
    match schema {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// Every version that may be met on the wire: older ones as they were released, the newest ones as
/// the types are now.
fn readable(event_type: EventType) -> Vec<(u32, Value)> {
    let older = schemas::ALL
        .iter()
        .filter(|schema| schema.event_type == event_type && schema.version < event_type.version())
        .filter_map(|schema| Some((schema.version, serde_json::from_str(schema.text).ok()?)));
    older.chain([(event_type.version(), newest(event_type))]).collect()
}
