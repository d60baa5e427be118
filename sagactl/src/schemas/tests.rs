use serde_json::json;

use super::*;

mod on_record;

/// A contract with one of everything that can be broken.
fn released() -> Value {
    json!({
        "type": "object",
        "description": "An order exists.",
        "required": ["version", "data"],
        "properties": {
            "version": {"const": 2},
            "data": {
                "type": "object",
                "required": ["total", "lines"],
                "properties": {
                    "total": {"type": "integer", "format": "int64"},
                    "note": {"type": ["string", "null"]},
                    "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
                    "verdict": {"oneOf": [
                        {"const": "approve", "description": "Charge."},
                        {"const": "reject", "description": "Do not charge."},
                    ]},
                    "lines": {"type": "array", "items": {
                        "type": "object",
                        "required": ["quantity"],
                        "properties": {"quantity": {"type": "integer", "minimum": 0}},
                    }},
                },
            },
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "additionalProperties": true,
    })
}

/// What breaks when the value at `pointer` becomes `value`; null takes it away.
fn after(pointer: &str, value: &Value) -> Vec<String> {
    let mut proposed = released();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let parent = proposed.pointer_mut(parent).expect("the parent exists");
    if value.is_null() {
        parent.as_object_mut().expect("an object").remove(key).expect("the key exists");
    } else {
        parent[key] = value.clone();
    }
    assert_ne!(proposed, released(), "{pointer} changes nothing");
    breaks(&released(), &proposed).iter().map(Break::to_string).collect()
}

#[test]
fn what_every_reader_survives_breaks_nothing() {
    let data = "/properties/data/properties";
    for (pointer, value) in [
        ("/description".to_owned(), json!("Somebody bought something.")),
        ("/examples".to_owned(), json!([{}])),
        (format!("{data}/gift"), json!({"type": "boolean"})),
        (format!("{data}/lines/items/properties/weight_grams"), json!({"type": "integer"})),
        (format!("{data}/note/type"), json!(["null", "string"])),
        (format!("{data}/verdict"), json!({"enum": ["reject", "approve"]})),
    ] {
        assert_eq!(after(&pointer, &value), Vec::<String>::new(), "{pointer}");
    }
}

#[test]
fn each_kind_of_break_is_found_and_named() {
    let data = "/properties/data/properties";
    let cases = [
        ("/properties/version/const".to_owned(), json!(3), "version has const 3, had 2"),
        (format!("{data}/note"), Value::Null, "data.note is gone"),
        ("/properties/metadata".to_owned(), Value::Null, "metadata is gone"),
        (format!("{data}/total/type"), json!("string"), "data.total has type \"string\", had \"integer\""),
        (format!("{data}/total/format"), json!("int32"), "data.total has format \"int32\", had \"int64\""),
        (format!("{data}/total/format"), Value::Null, "data.total has format nothing, had \"int64\""),
        (format!("{data}/total/maximum"), json!(9), "data.total has maximum 9, had nothing"),
        (
            format!("{data}/currency/pattern"),
            json!("^USD$"),
            "data.currency has pattern \"^USD$\", had \"^[A-Z]{3}$\"",
        ),
        (
            format!("{data}/note/type"),
            json!("string"),
            "data.note has type \"string\", had [\"string\",\"null\"]",
        ),
        (
            format!("{data}/verdict"),
            json!({"enum": ["approve"]}),
            "data.verdict may be \"approve\", was \"approve\", \"reject\"",
        ),
        (
            format!("{data}/verdict/oneOf/2"),
            json!({"const": "review"}),
            "data.verdict may be \"approve\", \"reject\", \"review\", was \"approve\", \"reject\"",
        ),
        (
            format!("{data}/verdict/oneOf"),
            Value::Null,
            "data.verdict may be anything, was \"approve\", \"reject\"",
        ),
        (
            "/properties/data/required".to_owned(),
            json!(["total", "lines", "note"]),
            "data.note is required now",
        ),
        ("/properties/data/required".to_owned(), json!(["total"]), "data.lines may be missing now"),
        (
            format!("{data}/lines/items/properties/quantity/minimum"),
            json!(1),
            "data.lines[].quantity has minimum 1, had 0",
        ),
        (
            "/properties/metadata/additionalProperties/type".to_owned(),
            json!("integer"),
            "metadata{} has type \"integer\", had \"string\"",
        ),
        ("/additionalProperties".to_owned(), json!(false), "{} was true and is false"),
    ];
    for (pointer, value, expected) in cases {
        let found = if pointer.ends_with("/oneOf/2") {
            let mut proposed = released();
            let choices = proposed.pointer_mut(pointer.trim_end_matches("/2")).and_then(Value::as_array_mut);
            choices.expect("a list").push(value.clone());
            breaks(&released(), &proposed).iter().map(Break::to_string).collect()
        } else {
            after(&pointer, &value)
        };
        assert_eq!(found, [expected], "{pointer}");
    }
}

#[test]
fn a_renamed_field_is_gone_under_its_old_name() {
    let mut proposed = released();
    let fields = proposed.pointer_mut("/properties/data/properties").and_then(Value::as_object_mut);
    let fields = fields.expect("an object");
    let total = fields.remove("total").expect("it was there");
    fields.insert("total_minor".to_owned(), total);
    proposed["properties"]["data"]["required"] = json!(["total_minor", "lines"]);
    let found: Vec<_> = breaks(&released(), &proposed).iter().map(Break::to_string).collect();
    assert_eq!(
        found,
        ["data.total is gone", "data.total_minor is required now", "data.total may be missing now"]
    );
}

/// A root with all contracts as they were released.
fn root(name: &str) -> std::path::PathBuf {
    let root = std::env::temp_dir().join(format!("sagactl-schemas-{name}-{}", std::process::id()));
    std::fs::create_dir_all(root.join(FOLDER)).expect("a folder");
    for schema in shared_events::schemas::ALL {
        std::fs::write(root.join(path(schema.event_type, schema.version)), schema.text).expect("written");
    }
    golden_files(&root);
    root
}

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The repository's golden files, below another root.
pub(crate) fn golden_files(root: &Path) {
    let folder = root.join("shared-events/golden");
    std::fs::create_dir_all(&folder).expect("a folder");
    for entry in std::fs::read_dir(format!("{REPOSITORY}/shared-events/golden")).expect("readable") {
        let entry = entry.expect("readable");
        std::fs::copy(entry.path(), folder.join(entry.file_name())).expect("copied");
    }
}

/// A root whose contracts are on record.
fn released_root(name: &str) -> std::path::PathBuf {
    let root = root(name);
    release(&root);
    root
}

fn release(root: &Path) -> Vec<String> {
    let files = recorded(root).expect("recorded");
    for (name, content) in &files {
        let file = root.join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(file, content).expect("written");
    }
    files.into_iter().map(|(name, _)| name).collect()
}

/// Changes a released promise and its digest, as if its type had promised that when it was released.
fn rewrite(root: &Path, name: &str, change: impl Fn(&mut Value)) {
    let file = root.join("shared-events").join(name);
    let old = std::fs::read(&file).expect("there");
    let mut promised: Value = serde_json::from_slice(&old).expect("JSON");
    change(&mut promised);
    let new = promised.to_string();
    std::fs::write(&file, &new).expect("written");
    let text = std::fs::read_to_string(root.join(record::FILE)).expect("there");
    let line = |bytes: &[u8]| format!("{}  {name}\n", record::digest(bytes));
    assert!(text.contains(&line(&old)));
    let text = text.replace(&line(&old), &line(new.as_bytes()));
    std::fs::write(root.join(record::FILE), text).expect("written");
}

#[test]
fn promises_are_without_words_but_with_fields_that_are_called_like_them() {
    let mut schema = released();
    schema["properties"]["description"] =
        json!({"type": "string", "description": "A word.", "examples": ["a"]});
    let promised = promises(&schema);
    assert_eq!(promised["properties"]["description"], json!({"type": "string"}));
    assert!(promised.get("description").is_none());
    let verdicts = &promised["properties"]["data"]["properties"]["verdict"];
    assert_eq!(*verdicts, json!({"oneOf": [{"const": "approve"}, {"const": "reject"}]}));
    assert_eq!(breaks(&promised, &promises(&schema)), []);
}

#[test]
fn a_planted_promise_that_the_types_do_not_keep_is_refused() {
    let root = root("planted");
    refuse_breaks(&root).expect("as released");
    let file = root.join(path(EventType::PaymentFailed, 1));
    let mut released: Value =
        serde_json::from_str(&std::fs::read_to_string(&file).expect("there")).expect("JSON");
    released["properties"]["data"]["properties"]["bank"] = json!({"type": "string"});
    std::fs::write(&file, released.to_string()).expect("written");
    let refused = refuse_breaks(&root).expect_err("a promise is broken").to_string();
    assert!(refused.contains("payment.failed.v1.json: data.bank is gone"), "{refused}");
    assert!(refused.contains("new version"), "{refused}");
    std::fs::remove_dir_all(&root).expect("removed");
}

#[test]
fn a_version_without_a_file_is_new_but_an_older_one_must_not_be_missing() {
    let root = root("missing");
    std::fs::remove_file(root.join(path(EventType::OrderPlaced, 2))).expect("removed");
    refuse_breaks(&root).expect("the newest one is to be written");
    std::fs::remove_file(root.join(path(EventType::OrderPlaced, 1))).expect("removed");
    let refused = refuse_breaks(&root).expect_err("an older one is gone").to_string();
    assert!(refused.contains("order.placed.v1.json is missing"), "{refused}");
    std::fs::remove_dir_all(&root).expect("removed");
}

#[test]
fn contracts_and_record_are_compared_with_those_of_another_commit() {
    let root = released_root("commit");
    let run = |arguments: &[&str]| git(&root, arguments).expect("git does it");
    run(&["init", "--quiet"]);
    run(&["add", "."]);
    run(&[
        "-c",
        "user.name=Test",
        "-c",
        "user.email=test@example.com",
        "commit",
        "--quiet",
        "-m",
        "released",
    ]);
    check_against(&root, "HEAD", Palette::PLAIN).expect("nothing changed");
    std::fs::remove_file(root.join(path(EventType::OrderPlaced, 2))).expect("removed");
    let refused = check_against(&root, "HEAD", Palette::PLAIN).expect_err("one is gone").to_string();
    assert!(refused.contains("order.placed.v2.json is missing"), "{refused}");
    assert!(check_against(&root, "no-such-branch", Palette::PLAIN).is_err());
    rewrite(&root, "schemas/released/order.placed.v1.json", |promised| promised["type"] = json!("array"));
    let refused = check_against(&root, "HEAD", Palette::PLAIN).expect_err("rewritten").to_string();
    assert!(refused.contains("does not list schemas/released/order.placed.v1.json as it was"), "{refused}");
    std::fs::remove_dir_all(&root).expect("removed");
}
