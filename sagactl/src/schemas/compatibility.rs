//! What a change of a contract breaks.
//!
//! Both directions count: yesterday's reader meets tomorrow's message, and after a redrive tomorrow's reader meets
//! yesterday's. So whatever is promised must stay: not less, and not more, except for fields that may be missing, which
//! every reader ignores until it knows them.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

/// One promise that the proposed schema does not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// Where: `data.items[].quantity`.
    pub at: String,
    /// What: `is gone`.
    pub what: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if self.at.is_empty() { "the message" } else { &self.at };
        write!(f, "{at} {}", self.what)
    }
}

/// Words for people, which promise nothing to a program.
const REMARKS: &[&str] =
    &["$comment", "$id", "$schema", "default", "deprecated", "description", "examples", "title"];

/// Everything in which `proposed` breaks what `released` promised. Both hold their parts in place, without `$ref`.
#[must_use]
pub fn breaks(released: &Value, proposed: &Value) -> Vec<Break> {
    let mut found = Vec::new();
    compare(released, proposed, "", &mut found);
    found
}

/// What a schema promises to programs: itself without the words for people.
#[must_use]
pub fn promises(schema: &Value) -> Value {
    let Some(keywords) = schema.as_object() else { return schema.clone() };
    let kept = keywords.iter().filter(|(keyword, _)| !REMARKS.contains(&keyword.as_str()));
    let kept = kept.map(|(keyword, value)| {
        let value = match (keyword.as_str(), value) {
            // A field may be called `description`: its name is kept.
            ("properties", Value::Object(fields)) => {
                Value::Object(fields.iter().map(|(name, field)| (name.clone(), promises(field))).collect())
            }
            ("items" | "additionalProperties", schema) => promises(schema),
            ("oneOf", Value::Array(choices)) => Value::Array(choices.iter().map(promises).collect()),
            (_, value) => value.clone(),
        };
        (keyword.clone(), value)
    });
    Value::Object(kept.collect())
}

fn compare(released: &Value, proposed: &Value, at: &str, found: &mut Vec<Break>) {
    let mut say = |what: String| found.push(Break { at: at.to_owned(), what });
    let (Some(old), Some(new)) = (released.as_object(), proposed.as_object()) else {
        // `true` and `false` are schemas too.
        if released != proposed {
            say(format!("was {released} and is {proposed}"));
        }
        return;
    };
    match (alternatives(old), alternatives(new)) {
        (None, None) => {}
        (Some(old), Some(new)) if old == new => {}
        (old, new) => say(format!("may be {}, was {}", words(new.as_ref()), words(old.as_ref()))),
    }
    let keywords: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for keyword in keywords {
        let (was, is) = (old.get(keyword), new.get(keyword));
        match keyword.as_str() {
            remark if REMARKS.contains(&remark) => {}
            // Compared as a set of alternatives above.
            "enum" | "oneOf" if alternatives(old).is_some() || alternatives(new).is_some() => {}
            "type" if names(was) == names(is) => {}
            "required" | "properties" => {}
            _ if was == is => {}
            "items" | "additionalProperties" if was.is_some() && is.is_some() => {}
            other => {
                let text = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
                found.push(Break {
                    at: at.to_owned(),
                    what: format!("has {other} {}, had {}", text(is), text(was)),
                });
            }
        }
    }
    compare_fields(old, new, at, found);
    for (keyword, step) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let (Some(was), Some(is)) = (old.get(keyword), new.get(keyword)) {
            compare(was, is, &format!("{at}{step}"), found);
        }
    }
}

fn compare_fields(old: &Map<String, Value>, new: &Map<String, Value>, at: &str, found: &mut Vec<Break>) {
    let (fields_were, fields_are) = (fields(old), fields(new));
    let (had_to, must) = (names(old.get("required")), names(new.get("required")));
    let inside = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    for (name, was) in fields_were.into_iter().flatten() {
        match fields_are.and_then(|fields| fields.get(name)) {
            Some(is) => compare(was, is, &inside(name), found),
            None => found.push(Break { at: inside(name), what: "is gone".to_owned() }),
        }
    }
    for name in must.difference(&had_to) {
        found.push(Break { at: inside(name), what: "is required now".to_owned() });
    }
    for name in had_to.difference(&must) {
        found.push(Break { at: inside(name), what: "may be missing now".to_owned() });
    }
}

fn fields(schema: &Map<String, Value>) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

/// The words of a keyword that is one or many: `"string"`, `["string", "null"]`.
fn names(value: Option<&Value>) -> BTreeSet<String> {
    match value {
        Some(Value::String(one)) => BTreeSet::from([one.clone()]),
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => BTreeSet::new(),
    }
}

/// The values a schema allows when it lists them, as `enum` or as `oneOf` with a `const` and a description each: which of
/// the two is a matter of style.
fn alternatives(schema: &Map<String, Value>) -> Option<BTreeSet<String>> {
    if let Some(Value::Array(values)) = schema.get("enum") {
        return Some(values.iter().map(Value::to_string).collect());
    }
    let Some(Value::Array(choices)) = schema.get("oneOf") else { return None };
    choices.iter().map(|choice| choice.get("const").map(Value::to_string)).collect()
}

fn words(values: Option<&BTreeSet<String>>) -> String {
    values.map_or("anything".to_owned(), |values| values.iter().cloned().collect::<Vec<_>>().join(", "))
}
