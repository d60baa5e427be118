//! The contracts against the golden files: what we write keeps its promise, and a contract refuses what breaks it.

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::{Value, json};
use shared_events::{
    Envelope, EventType, Service,
    catalogue::CATALOGUE,
    schemas::{ALL, ASYNCAPI, Schema, find},
};

use super::golden_files;

fn validator(schema: &Value) -> Validator {
    jsonschema::options().should_validate_formats(true).build(schema).unwrap()
}

fn golden(schema: &Schema) -> Value {
    let wanted = format!("{}.v{}", schema.event_type, schema.version);
    let (_, body) = golden_files().into_iter().find(|(name, _)| *name == wanted).unwrap();
    serde_json::from_str(&body).unwrap()
}

fn contract(schema: &Schema) -> Value {
    serde_json::from_str(schema.text).unwrap()
}

#[test]
fn every_version_of_every_event_has_a_contract_that_can_be_found() {
    let expected: BTreeSet<_> =
        EventType::ALL.iter().flat_map(|t| (1..=t.version()).map(move |version| (*t, version))).collect();
    let found: BTreeSet<_> = ALL.iter().map(|schema| (schema.event_type, schema.version)).collect();
    assert_eq!(found, expected);
    assert_eq!(ALL.len(), expected.len(), "none twice");
    for schema in ALL {
        assert_eq!(find(schema.event_type.as_str(), schema.version), Some(schema));
    }
    assert_eq!(find("order.placed", 3), None);
    assert_eq!(find("order.eaten", 1), None);
}

#[test]
fn every_contract_is_json_schema_2020_12_and_shows_its_golden_file() {
    for schema in ALL {
        let contract = contract(schema);
        assert_eq!(contract["$schema"], "https://json-schema.org/draft/2020-12/schema");
        jsonschema::meta::validate(&contract)
            .unwrap_or_else(|error| panic!("{}: {error}", contract["title"]));
        assert_eq!(contract["examples"], json!([golden(schema)]), "{}", contract["title"]);
    }
}

#[test]
fn every_golden_file_keeps_its_contract_also_with_fields_of_a_later_day() {
    for schema in ALL {
        let validator = validator(&contract(schema));
        let mut body = golden(schema);
        let errors: Vec<_> = validator.iter_errors(&body).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{} v{}: {errors:?}", schema.event_type, schema.version);
        body["surprise"] = json!(1);
        body["data"]["surprise"] = json!({"a": [1]});
        assert!(validator.is_valid(&body), "{} v{}", schema.event_type, schema.version);
    }
}

/// Pointers to every required field of `schema` that `body` has, at any depth.
fn required_fields(schema: &Value, body: &Value, at: &str, found: &mut Vec<String>) {
    for name in schema["required"].as_array().into_iter().flatten() {
        found.push(format!("{at}/{}", name.as_str().unwrap()));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = body.get(name) {
            required_fields(field, value, &format!("{at}/{name}"), found);
        }
    }
    for (index, value) in body.as_array().into_iter().flatten().enumerate() {
        required_fields(&schema["items"], value, &format!("{at}/{index}"), found);
    }
}

fn without(body: &Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let mut body = body.clone();
    let fields = body.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    fields.remove(name).unwrap_or_else(|| panic!("{pointer} is required and not there"));
    body
}

/// Whether this release would read it. An absent `causation_id` it reads as null, to be kind.
fn is_read(body: &Value) -> bool {
    Envelope::decode(body.to_string().as_bytes()).is_ok()
}

#[test]
fn a_message_without_a_required_field_keeps_no_contract_and_is_not_read() {
    let mut tried = 0;
    for schema in ALL {
        let (contract, body) = (contract(schema), golden(schema));
        let validator = validator(&contract);
        let mut pointers = Vec::new();
        required_fields(&contract, &body, "", &mut pointers);
        for pointer in pointers {
            let broken = without(&body, &pointer);
            assert!(!validator.is_valid(&broken), "{} without {pointer}", schema.event_type);
            assert_eq!(
                is_read(&broken),
                pointer == "/causation_id",
                "{} without {pointer}",
                schema.event_type
            );
            tried += 1;
        }
    }
    // Eight fields of the envelope in each, and those of the payloads.
    assert!(tried > 8 * ALL.len() + 60, "{tried}");
}

/// Pointers to every value in `body`, at any depth, the body itself left out.
fn values(body: &Value, at: &str, found: &mut Vec<String>) {
    let inside: Vec<(String, &Value)> = match body {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    for (name, value) in inside {
        let pointer = format!("{at}/{name}");
        values(value, &pointer, found);
        found.push(pointer);
    }
}

#[test]
fn a_value_of_another_type_keeps_no_contract_and_is_not_read() {
    let mut tried = 0;
    for schema in ALL {
        let (contract, body) = (contract(schema), golden(schema));
        let validator = validator(&contract);
        let mut pointers = Vec::new();
        values(&body, "", &mut pointers);
        for pointer in pointers {
            let mut broken = body.clone();
            let value = broken.pointer_mut(&pointer).unwrap();
            *value = if value.is_string() { json!(true) } else { json!("words") };
            assert!(!validator.is_valid(&broken), "{} with {pointer}", schema.event_type);
            assert!(!is_read(&broken), "{} with {pointer}", schema.event_type);
            tried += 1;
        }
    }
    assert!(tried > 9 * ALL.len(), "{tried}");
}

#[test]
fn words_of_the_wrong_form_keep_no_contract() {
    let schema = find("order.placed", 2).unwrap();
    let validator = validator(&contract(schema));
    for (pointer, wrong) in [
        ("/event_id", json!("17")),
        ("/timestamp", json!("yesterday")),
        ("/event_type", json!("order.confirmed")),
        ("/version", json!(1)),
        ("/data/currency", json!("usd")),
        ("/data/customer_id", json!("")),
        ("/data/items/0/quantity", json!(-1)),
        ("/data/items/0/quantity", json!(1.5)),
        ("/data/items/0/product_id", json!("keyboard")),
    ] {
        let mut broken = golden(schema);
        *broken.pointer_mut(pointer).unwrap() = wrong.clone();
        assert!(!validator.is_valid(&broken), "{pointer} = {wrong}");
        assert!(
            !is_read(&broken) || pointer == "/event_type" || pointer == "/version",
            "{pointer} = {wrong}"
        );
    }
    let schema = find("fraud.assessed", 1).unwrap();
    let mut broken = golden(schema);
    broken["data"]["verdict"] = json!("perhaps");
    assert!(!self::validator(&contract(schema)).is_valid(&broken) && !is_read(&broken));
}

fn asyncapi() -> Value {
    serde_json::from_str(ASYNCAPI).unwrap()
}

#[test]
fn the_asyncapi_document_keeps_the_official_schema() {
    let official: Value = serde_json::from_str(include_str!("../asyncapi/schema-3.0.0.json")).unwrap();
    let validator = validator(&official);
    let errors: Vec<_> = validator.iter_errors(&asyncapi()).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    for (pointer, wrong) in [
        ("/asyncapi", json!("2.6.0")),
        ("/channels/order.placed/bindings/amqp/exchange/type", json!("star")),
        ("/operations/order.send.order.placed/action", json!("shout")),
        ("/components/messages/order.placed.v2/payload/type", json!("thing")),
    ] {
        let mut broken = asyncapi();
        *broken.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&broken), "{pointer}");
    }
}

#[test]
fn the_asyncapi_document_says_who_sends_and_who_receives_as_the_catalogue_does() {
    let document = asyncapi();
    let mut expected = BTreeSet::new();
    for entry in CATALOGUE {
        expected.insert(format!("{}.send.{}", entry.producer, entry.event_type));
        let hears = |service: &&Service| entry.is_consumed_by(**service);
        expected.extend(
            Service::ALL.iter().filter(hears).map(|who| format!("{who}.receive.{}", entry.event_type)),
        );
        let exchange = &document["channels"][entry.event_type.as_str()]["bindings"]["amqp"]["exchange"];
        assert_eq!(exchange["name"], entry.producer.exchange());
    }
    let found: BTreeSet<_> = document["operations"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(found, expected);
}

#[test]
fn every_reference_of_the_asyncapi_document_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        if let Some(Value::String(reference)) = value.get("$ref") {
            found.push(reference.clone());
        }
        value.as_object().into_iter().flatten().for_each(|(_, inner)| references(inner, found));
        value.as_array().into_iter().flatten().for_each(|inner| references(inner, found));
    }
    let document = asyncapi();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100);
    for reference in found {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
    }
}
