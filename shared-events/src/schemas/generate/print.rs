//! JSON for people, and the same on every machine.

use std::fmt::Write as _;

use serde_json::Value;

/// What a reader looks for first; everything else follows by name.
const FIRST: &[&str] = &[
    "asyncapi",
    "info",
    "$schema",
    "$id",
    "title",
    "description",
    "type",
    "const",
    "format",
    "required",
    "properties",
];

/// Two spaces deep, keys in an order of its own. `serde_json` would print them by name or as they
/// were inserted, depending on which features other crates of the same build ask for.
#[must_use]
pub fn print(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0);
    text.push('\n');
    text
}

fn write(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| (rank(name), name.as_str()));
            text.push('{');
            for (index, (name, field)) in sorted.into_iter().enumerate() {
                begin_line(text, index > 0, depth + 1);
                // Writing to a String cannot fail.
                let _ = write!(text, "{}: ", Value::from(name.as_str()));
                write(text, field, depth + 1);
            }
            begin_line(text, false, depth);
            text.push('}');
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                begin_line(text, index > 0, depth + 1);
                write(text, item, depth + 1);
            }
            begin_line(text, false, depth);
            text.push(']');
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(Value::to_string).collect();
            let _ = write!(text, "[{}]", items.join(", "));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            let _ = write!(text, "{value}");
        }
    }
}

fn begin_line(text: &mut String, after_another: bool, depth: usize) {
    text.push_str(if after_another { ",\n" } else { "\n" });
    text.push_str(&"  ".repeat(depth));
}

fn rank(name: &str) -> usize {
    FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_printed_reads_back_as_it_was() {
        let value = json!({
            "zebra": [1, "two \"words\"", null], "type": "object", "a": {}, "b": [], "c": [{"d": [[]]}, -1.5],
        });
        let printed = print(&value);
        assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), value);
        assert!(printed.starts_with("{\n  \"type\": \"object\",\n  \"a\": {},\n"), "{printed}");
    }
}
