use super::*;

#[test]
fn all_missing_passwords_are_named_at_once() {
    let refused = ProvisionConfig::from_variables("postgres://x".into(), None, |_| None);
    if services().is_empty() {
        return assert!(refused.is_ok());
    }
    let text = refused.expect_err("nothing is set").to_string();
    for service in services() {
        assert!(text.contains(&format!("{}_DB_PASSWORD", service.to_uppercase())), "{text}");
        assert!(text.contains(&format!("{}_DB_OWNER_PASSWORD", service.to_uppercase())), "{text}");
    }
}

#[test]
fn a_prefix_names_test_databases_and_no_prefix_the_real_ones() {
    assert_eq!(database_name(None, "order"), "order");
    assert_eq!(database_name(Some("t1"), "order"), "t1_order");
}

#[test]
fn debug_output_holds_no_password() {
    let secrets = ServiceSecrets {
        service: "order".into(),
        password: "hunter2".into(),
        owner_password: "hunter3".into(),
    };
    assert!(!format!("{secrets:?}").contains("hunter"));
}
