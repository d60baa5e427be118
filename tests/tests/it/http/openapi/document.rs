//! An OpenAPI document, as far as the tests ask it questions.

use std::{collections::BTreeSet, fs, path::Path};

use reqwest::Method;
use serde_json::{Value, json};
use shared_events::Service;
use uuid::Uuid;

/// Pages for people and what they load, which are no part of an interface for programs.
fn is_page(path: &str) -> bool {
    path == "/" || path.starts_with("/assets/")
}

/// A document as it was served.
#[derive(Debug)]
pub(super) struct Document(Value);

/// A method on a path.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// `GET /orders/{order_id}`.
    pub(super) name: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) value: Value,
}

impl Operation {
    /// The path with an id for every parameter.
    pub(super) fn path_with_ids(&self) -> String {
        filled(&self.path, &Uuid::new_v4().to_string())
    }

    /// The name without those of its parameters: `GET /orders/{}`.
    fn anonymous_name(&self) -> String {
        filled(&self.name, "{}")
    }
}

impl Document {
    pub(super) fn new(document: Value) -> Self {
        Self(document)
    }

    pub(super) fn json(&self) -> &Value {
        &self.0
    }

    pub(super) fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer}"))
    }

    pub(super) fn operations(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (path, item) in self.0["paths"].as_object().unwrap() {
            for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                if let Some(value) = item.get(method.as_str().to_lowercase()) {
                    let (name, path) = (format!("{method} {path}"), path.clone());
                    operations.push(Operation { name, method, path, value: value.clone() });
                }
            }
        }
        operations
    }

    /// The operation of that anonymous name.
    pub(super) fn operation(&self, name: &str) -> Operation {
        let found = self.operations().into_iter().find(|operation| operation.anonymous_name() == name);
        found.unwrap_or_else(|| panic!("no {name}"))
    }

    pub(super) fn anonymous_names(&self) -> BTreeSet<String> {
        self.operations().iter().map(Operation::anonymous_name).collect()
    }

    /// Whether a path is documented; a twin with a slash at its end needs no words of its own.
    pub(super) fn has_path(&self, path: &str) -> bool {
        let plain = |path: &str| filled(path.trim_end_matches('/'), "{}");
        self.0["paths"].as_object().unwrap().keys().any(|known| plain(known) == plain(path))
    }

    /// Every `$ref`, wherever it stands.
    pub(super) fn references(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        collect_references(&self.0, &mut found);
        found
    }

    pub(super) fn resolve(&self, reference: &str) -> Option<&Value> {
        self.0.pointer(reference.strip_prefix('#')?)
    }

    /// The examples of an operation's body.
    pub(super) fn request_examples(&self, operation: &Operation) -> Vec<Value> {
        let content = &operation.value["requestBody"]["content"]["application/json"];
        let named = content["examples"].as_object().into_iter().flatten();
        let named = named.map(|(_, example)| example["value"].clone());
        named.chain(content.get("example").cloned()).collect()
    }

    /// What is wrong with a body that is sent.
    pub(super) fn faults_of_request(&self, operation: &Operation, body: &Value) -> Vec<String> {
        let schema = &operation.value["requestBody"]["content"]["application/json"]["schema"];
        self.faults(schema, body)
    }

    /// Asserts that an answer has the documented shape, and shows nothing that is not documented.
    #[track_caller]
    pub(super) fn assert_answer(&self, operation: &Operation, status: u16, body: &Value) {
        let answer = &operation.value["responses"][status.to_string()];
        let schema = &answer["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{} documents no body for {status}", operation.name);
        let faults = self.faults(schema, body);
        assert!(faults.is_empty(), "{}: {faults:#?} in {body}", operation.name);
        self.assert_known(operation, schema, body);
    }

    fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let whole = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": self.0["components"],
        });
        let validator = jsonschema::validator_for(&whole).unwrap();
        validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
    }

    /// Every field that is shown is documented, all the way down.
    #[track_caller]
    fn assert_known(&self, operation: &Operation, schema: &Value, value: &Value) {
        let mut parts = Vec::new();
        self.collect_parts(schema, &mut parts);
        match value {
            Value::Object(fields) => {
                if parts.iter().any(|part| part.get("additionalProperties").is_some()) {
                    return;
                }
                for (name, field) in fields {
                    let known = parts.iter().find_map(|part| part["properties"].get(name));
                    let free = parts.iter().all(|part| part.get("properties").is_none());
                    assert!(known.is_some() || free, "{} does not document `{name}`", operation.name);
                    if let Some(known) = known {
                        self.assert_known(operation, known, field);
                    }
                }
            }
            Value::Array(rows) => {
                for (row, part) in rows.iter().flat_map(|row| parts.iter().map(move |part| (row, part))) {
                    if let Some(items) = part.get("items") {
                        self.assert_known(operation, items, row);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// A schema with what it refers to and is made of.
    fn collect_parts<'a>(&'a self, schema: &'a Value, parts: &mut Vec<&'a Value>) {
        parts.push(schema);
        if let Some(target) = schema["$ref"].as_str().and_then(|reference| self.resolve(reference)) {
            self.collect_parts(target, parts);
        }
        for key in ["allOf", "oneOf", "anyOf"] {
            for part in schema[key].as_array().into_iter().flatten() {
                self.collect_parts(part, parts);
            }
        }
    }
}

/// Paths that a service's source gives to the router as plain routes, past the macro that documents them.
pub(super) fn routed_by_hand(service: Service) -> Vec<String> {
    let folder = format!("{}/../services/{service}/src", env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    collect_sources(Path::new(&folder), &mut sources);
    assert!(!sources.is_empty(), "no source in {folder}");
    let paths = sources.iter().flat_map(|source| {
        let routes = source.split(".route(").skip(1);
        routes.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned))
    });
    paths.filter(|path| !is_page(path)).collect()
}

fn collect_sources(folder: &Path, sources: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).unwrap();
            // What a test serves is no part of the service.
            sources.push(source.split("#[cfg(test)]").next().unwrap_or_default().to_owned());
        }
    }
}

fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| collect_references(field, found));
        }
        Value::Array(rows) => rows.iter().for_each(|row| collect_references(row, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A path with every `{parameter}` replaced.
fn filled(path: &str, with: &str) -> String {
    let mut parts = path.split('{');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        filled.push_str(with);
        filled.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    filled
}
