//! Comparing two definitions documents: what should be there, and what is. Pure.

use serde_json::Value;

/// The kinds of a definitions document, and the fields that together name one of them.
const KINDS: &[(&str, &[&str])] = &[
    ("users", &["name"]),
    ("permissions", &["user"]),
    ("exchanges", &["name"]),
    ("queues", &["name"]),
    ("bindings", &["source", "destination", "destination_type", "routing_key"]),
    ("policies", &["name"]),
];

/// Fields that say nothing about sameness: the virtual host is given, and a password is hashed with a new salt each time.
const PASSED_OVER: &[&str] = &["vhost", "password", "password_hash", "hashing_algorithm", "limits"];

/// One sentence for each thing of `wanted` that `actual` lacks or has otherwise. What `actual` has besides is fine,
/// except bindings to our own queues: they would bring events nobody handles.
pub fn differences(wanted: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (kind, key) in KINDS {
        for row in rows(wanted, kind) {
            let name = name_of(row, key);
            match rows(actual, kind).find(|other| name_of(other, key) == name) {
                None => found.push(format!("{} {name} is missing", singular(kind))),
                Some(other) => {
                    let fields = row.as_object().into_iter().flatten();
                    for (field, value) in fields.filter(|(field, _)| !PASSED_OVER.contains(&field.as_str())) {
                        let actual = other.get(field).unwrap_or(&Value::Null);
                        if !same(value, actual) {
                            found.push(format!(
                                "{} {name}: {field} is {actual}, should be {value}",
                                singular(kind)
                            ));
                        }
                    }
                }
            }
        }
    }
    found.extend(unexpected_bindings(wanted, actual));
    found
}

fn unexpected_bindings(wanted: &Value, actual: &Value) -> Vec<String> {
    let key = ["source", "destination", "destination_type", "routing_key"];
    let queues: Vec<String> = rows(wanted, "queues").map(|queue| name_of(queue, &["name"])).collect();
    let known: Vec<String> = rows(wanted, "bindings").map(|binding| name_of(binding, &key)).collect();
    rows(actual, "bindings")
        .filter(|binding| queues.contains(&name_of(binding, &["destination"])))
        .map(|binding| name_of(binding, &key))
        .filter(|name| !known.contains(name))
        .map(|name| format!("binding {name} should not be there"))
        .collect()
}

fn rows<'a>(document: &'a Value, kind: &str) -> impl Iterator<Item = &'a Value> {
    document.get(kind).and_then(Value::as_array).into_iter().flatten()
}

/// `order.events → inventory.inbox (queue) order.placed`, or just a name.
fn name_of(row: &Value, key: &[&str]) -> String {
    let parts: Vec<&str> =
        key.iter().map(|field| row.get(field).and_then(Value::as_str).unwrap_or("")).collect();
    match parts.as_slice() {
        [source, destination, _, routing_key] => format!("{source} → {destination} [{routing_key}]"),
        parts => parts.join(" "),
    }
}

fn singular(kind: &str) -> &str {
    match kind {
        "policies" => "policy",
        other => other.trim_end_matches('s'),
    }
}

/// Tags are a list in one release of the broker and a comma-separated word in another; the rest is compared as it is.
fn same(wanted: &Value, actual: &Value) -> bool {
    wanted == actual || tags(wanted).is_some_and(|tags_wanted| tags(actual) == Some(tags_wanted))
}

fn tags(value: &Value) -> Option<Vec<String>> {
    let mut tags: Vec<String> = match value {
        Value::String(text) => {
            text.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect()
        }
        Value::Array(list) => {
            list.iter().map(|tag| tag.as_str().map(str::to_owned)).collect::<Option<_>>()?
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    tags.sort();
    Some(tags)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted() -> Value {
        json!({
            "users": [{"name": "order", "password_hash": "a", "tags": []}],
            "permissions": [{"user": "order", "vhost": "/", "configure": "^$", "write": "^order\\.events$", "read": "^order\\.inbox$"}],
            "exchanges": [{"name": "order.events", "vhost": "/", "type": "topic", "durable": true}],
            "queues": [{"name": "order.inbox", "durable": true, "arguments": {"x-queue-type": "quorum"}}],
            "bindings": [{"source": "payment.events", "destination": "order.inbox", "destination_type": "queue", "routing_key": "payment.failed"}],
            "policies": [{"name": "inboxes", "pattern": "\\.inbox$", "definition": {"delivery-limit": 200}}],
        })
    }

    #[test]
    fn the_same_topology_has_no_differences_whatever_the_salt_and_the_form_of_the_tags() {
        let mut actual = wanted();
        actual["users"][0]["password_hash"] = json!("b");
        actual["users"][0]["tags"] = json!("");
        actual["queues"].as_array_mut().expect("a list").push(json!({"name": "somebody.else"}));
        assert_eq!(differences(&wanted(), &actual), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut actual = wanted();
        actual["bindings"] = json!([]);
        actual["policies"] = json!([]);
        assert_eq!(
            differences(&wanted(), &actual),
            ["binding payment.events → order.inbox [payment.failed] is missing", "policy inboxes is missing"]
        );
    }

    #[test]
    fn another_right_or_limit_is_shown_beside_what_it_should_be() {
        let mut actual = wanted();
        actual["permissions"][0]["configure"] = json!(".*");
        actual["policies"][0]["definition"]["delivery-limit"] = json!(20);
        let found = differences(&wanted(), &actual);
        assert_eq!(found[0], r#"permission order: configure is ".*", should be "^$""#);
        assert!(found[1].contains(r#"{"delivery-limit":20}"#), "{found:?}");
    }

    #[test]
    fn a_binding_that_should_not_lead_to_our_queue_is_a_difference() {
        let mut actual = wanted();
        let stray = json!({"source": "payment.events", "destination": "order.inbox", "destination_type": "queue", "routing_key": "#"});
        actual["bindings"].as_array_mut().expect("a list").push(stray);
        assert_eq!(
            differences(&wanted(), &actual),
            ["binding payment.events → order.inbox [#] should not be there"]
        );
    }
}
