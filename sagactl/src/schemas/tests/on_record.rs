use super::*;

#[test]
fn the_contracts_of_this_repository_keep_everything_that_was_released() {
    let root = Path::new(REPOSITORY);
    refuse_breaks(root).expect("kept");
    assert!(root.join(record::FILE).is_file());
    assert_eq!(recorded(root).expect("readable"), [], "run sagactl generate");
}

#[test]
fn what_is_released_once_is_on_record_and_nothing_is_appended_again() {
    let root = released_root("once");
    refuse_breaks(&root).expect("as released");
    assert_eq!(recorded(&root).expect("readable"), []);
    let text = std::fs::read_to_string(root.join(record::FILE)).expect("there");
    // A golden file and a promise of each.
    let lines = text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(lines, 2 * shared_events::schemas::ALL.len());
    std::fs::remove_dir_all(&root).expect("removed");
}

#[test]
fn a_break_is_refused_although_the_contract_was_deleted_and_made_anew() {
    let root = released_root("deleted");
    let frozen = "schemas/released/payment.failed.v1.json";
    rewrite(&root, frozen, |promised| {
        promised["properties"]["data"]["properties"]["bank"] = json!({"type": "string"});
    });
    std::fs::remove_file(root.join(path(EventType::PaymentFailed, 1))).expect("removed");
    let refused = refuse_breaks(&root).expect_err("a promise is broken").to_string();
    assert!(refused.contains(&format!("{frozen}: data.bank is gone")), "{refused}");
    std::fs::remove_dir_all(&root).expect("removed");
}

#[test]
fn a_frozen_file_that_was_changed_or_removed_is_refused() {
    let root = released_root("frozen");
    let base = root.join("shared-events");
    for name in ["golden/order.placed.v1.json", "schemas/released/order.placed.v1.json"] {
        let original = std::fs::read(base.join(name)).expect("there");
        std::fs::write(base.join(name), "{}").expect("written");
        let refused = refuse_breaks(&root).expect_err("changed").to_string();
        assert!(
            refused.contains(&format!("{name} was released and is frozen, and was changed")),
            "{refused}"
        );
        std::fs::remove_file(base.join(name)).expect("removed");
        let refused = refuse_breaks(&root).expect_err("gone").to_string();
        assert!(refused.contains(&format!("{name} was released and is gone")), "{refused}");
        std::fs::write(base.join(name), original).expect("written");
    }
    refuse_breaks(&root).expect("as released");
    std::fs::remove_dir_all(&root).expect("removed");
}

#[test]
fn an_addition_is_put_on_record_beside_the_first_release_and_must_be_kept_too() {
    let root = released_root("addition");
    // As if the field had not been there at first; it may be missing, so it can have been added.
    let without = |promised: &mut Value| {
        let fields = promised["properties"].as_object_mut().expect("an object");
        fields.remove("metadata").expect("there");
    };
    rewrite(&root, "schemas/released/order.placed.v2.json", without);
    refuse_breaks(&root).expect("an optional field breaks nothing");
    let before = std::fs::read_to_string(root.join(record::FILE)).expect("there");
    let written = release(&root);
    assert_eq!(written, ["shared-events/schemas/released/order.placed.v2.1.json", record::FILE]);
    let after = std::fs::read_to_string(root.join(record::FILE)).expect("there");
    assert!(after.starts_with(&before), "only appended to");
    assert_eq!(recorded(&root).expect("readable"), []);

    rewrite(&root, "schemas/released/order.placed.v2.1.json", |promised| {
        promised["properties"]["data"]["properties"]["gift"] = json!({"type": "boolean"});
    });
    let refused = refuse_breaks(&root).expect_err("the addition is gone").to_string();
    assert!(refused.contains("order.placed.v2.1.json: data.gift is gone"), "{refused}");
    std::fs::remove_dir_all(&root).expect("removed");
}

#[test]
fn an_old_version_does_not_grow() {
    let root = released_root("old");
    let file = root.join(path(EventType::OrderPlaced, 1));
    let mut contract: Value =
        serde_json::from_str(&std::fs::read_to_string(&file).expect("there")).expect("JSON");
    contract["properties"]["data"]["properties"]["gift"] = json!({"type": "boolean"});
    std::fs::write(&file, contract.to_string()).expect("written");
    let refused = refuse_breaks(&root).expect_err("grown").to_string();
    assert!(refused.contains("order.placed version 1 is old, and grew"), "{refused}");
    std::fs::remove_dir_all(&root).expect("removed");
}
