//! The broker's topology: printed, applied, checked. What it consists of is the chassis' business; this brings it there.

mod compare;
mod keep;

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use chassis::topology::Secrets;
use serde_json::Value;
use shared_events::Service;

use crate::broker::{AppliedPolicy, Binding, Management};
use crate::console::Palette;
use crate::endpoints::BrokerArgs;

pub use compare::differences;
pub use keep::keep;

/// The broker users' passwords: `<USER>_AMQP_PASSWORD` of every user, from `variable` (the environment, or a test's
/// parsed file). Users without one are left out of the definitions.
pub fn secrets(variable: impl Fn(&str) -> Option<String>) -> Secrets {
    let named = users()
        .filter_map(|user| variable(&password_variable(user)).map(|password| (user.to_owned(), password)));
    named.filter(|(_, password)| !password.is_empty()).collect()
}

/// Every user of the broker: one per service, and the operator.
fn users() -> impl Iterator<Item = &'static str> {
    Service::ALL.iter().map(|service| service.name()).chain(["operator"])
}

/// Fails naming the variables of all users that have no password.
pub fn require_all(secrets: &Secrets) -> Result<()> {
    let missing: Vec<String> =
        users().filter(|user| !secrets.contains_key(*user)).map(password_variable).collect();
    if !missing.is_empty() {
        bail!("set {}: the passwords the broker's users are to have", missing.join(", "));
    }
    Ok(())
}

fn password_variable(user: &str) -> String {
    format!("{}_AMQP_PASSWORD", user.to_uppercase())
}

/// The definitions of one virtual host, made from the choreography's table.
pub fn definitions(vhost: &str, time_scale: u32, secrets: &Secrets) -> Value {
    chassis::topology::definitions(vhost, time_scale, secrets)
}

/// Imports the definitions and removes what an earlier release bound to our inboxes and this one does not.
pub async fn apply(management: &Management, definitions: &Value) -> Result<usize> {
    management.create_vhost().await.context("creating the virtual host")?;
    management.import(definitions).await.context("importing the definitions")?;
    let stale = stale_bindings(definitions, management.bindings().await?);
    for binding in &stale {
        management.unbind(binding).await.with_context(|| {
            format!("unbinding {} from {} ({})", binding.destination, binding.source, binding.routing_key)
        })?;
    }
    Ok(stale.len())
}

/// What the broker has otherwise than the definitions say; empty when all is as it should be.
pub async fn check(management: &Management, definitions: &Value) -> Result<Vec<String>> {
    let mut actual = management.definitions().await.context("asking the broker for its definitions")?;
    if let Some(fields) = actual.as_object_mut() {
        fields.insert("users".to_owned(), management.users().await?);
        fields.insert("permissions".to_owned(), management.permissions().await?);
    }
    let mut found = differences(definitions, &actual);
    found.extend(overridden(definitions, management.applied_policies().await?));
    Ok(found)
}

/// Our queues to which the broker applies somebody else's policy: one of a higher priority. It is named and left alone,
/// because a person put it there.
fn overridden(definitions: &Value, applied: Vec<AppliedPolicy>) -> Vec<String> {
    let ours: BTreeSet<&str> = definitions["queues"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|queue| queue["name"].as_str())
        .collect();
    applied
        .into_iter()
        .filter(|queue| ours.contains(queue.name.as_str()))
        .filter_map(|AppliedPolicy { name, policy }| Some((policy.filter(|policy| *policy != name)?, name)))
        .map(|(policy, queue)| format!("queue {queue} is under the policy {policy}, not under its own"))
        .collect()
}

/// `sagactl topology apply`.
pub async fn apply_and_tell(broker: &BrokerArgs, definitions: &Value, palette: Palette) -> Result<()> {
    let management = Management::new(broker)?;
    let removed = apply(&management, definitions).await?;
    let removed = if removed > 0 { format!(", {removed} stale bindings removed") } else { String::new() };
    println!("{} topology applied to {}: {}{removed}", palette.mark(true), broker.vhost, census(definitions));
    Ok(())
}

/// `sagactl topology check`: true when nothing differs.
pub async fn check_and_tell(broker: &BrokerArgs, definitions: &Value, palette: Palette) -> Result<bool> {
    let management = Management::new(broker)?;
    let found = check(&management, definitions).await?;
    for difference in &found {
        println!("{} {difference}", palette.mark(false));
    }
    if found.is_empty() {
        println!(
            "{} topology of {} as it should be: {}",
            palette.mark(true),
            broker.vhost,
            census(definitions)
        );
    } else {
        println!("run `sagactl topology apply` to put it right");
    }
    Ok(found.is_empty())
}

/// `11 exchanges, 28 queues, 60 bindings, 13 policies, 9 users`
fn census(definitions: &Value) -> String {
    let kinds = ["exchanges", "queues", "bindings", "policies", "users"];
    let counts = kinds.map(|kind| {
        let count = definitions.get(kind).and_then(Value::as_array).map_or(0, Vec::len);
        format!("{count} {kind}")
    });
    counts.join(", ")
}

/// Bindings from an exchange to one of our queues that the definitions do not know. Other people's queues may be bound
/// to our exchanges as they like.
fn stale_bindings(definitions: &Value, actual: Vec<Binding>) -> Vec<Binding> {
    let list = |kind: &str| definitions.get(kind).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |row: &Value, field: &str| row.get(field).and_then(Value::as_str).unwrap_or("").to_owned();
    let queues: BTreeSet<String> = list("queues").iter().map(|queue| text(queue, "name")).collect();
    let wanted: BTreeSet<(String, String, String)> = list("bindings")
        .iter()
        .map(|row| (text(row, "source"), text(row, "destination"), text(row, "routing_key")))
        .collect();
    let is_stale = |binding: &Binding| {
        !binding.source.is_empty()
            && binding.destination_type == "queue"
            && queues.contains(&binding.destination)
            && !wanted.contains(&(
                binding.source.clone(),
                binding.destination.clone(),
                binding.routing_key.clone(),
            ))
    };
    actual.into_iter().filter(is_stale).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn binding(source: &str, destination: &str, key: &str) -> Binding {
        Binding {
            source: source.into(),
            destination: destination.into(),
            destination_type: "queue".into(),
            routing_key: key.into(),
            properties_key: key.into(),
        }
    }

    #[test]
    fn every_user_of_the_definitions_has_a_variable() {
        let secrets = secrets(|_| Some("secret".to_owned()));
        require_all(&secrets).expect("all are known");
        let definitions = definitions("/", 1, &secrets);
        assert_eq!(definitions["users"].as_array().map(Vec::len), Some(users().count()));
    }

    #[test]
    fn a_user_without_a_password_is_left_out_and_named() {
        let secrets = secrets(|name| (name != "ORDER_AMQP_PASSWORD").then(|| "secret".to_owned()));
        let refused = require_all(&secrets).expect_err("one is missing").to_string();
        assert!(refused.contains("set ORDER_AMQP_PASSWORD:"), "{refused}");
        let definitions = definitions("/", 1, &secrets);
        let users = definitions["users"].as_array().expect("a list");
        assert!(users.iter().any(|user| user["name"] == "payment"));
        assert!(!users.iter().any(|user| user["name"] == "order"));
        assert!(!definitions.to_string().contains("secret"));
    }

    #[test]
    fn a_policy_of_somebody_else_on_our_queue_is_named() {
        let definitions = json!({ "queues": [{"name": "order.inbox"}] });
        let under = |name: &str, policy: Option<&str>| AppliedPolicy {
            name: name.to_owned(),
            policy: policy.map(str::to_owned),
        };
        let well = vec![under("order.inbox", Some("order.inbox")), under("somebody.else", Some("any"))];
        assert_eq!(overridden(&definitions, well), Vec::<String>::new());
        assert_eq!(overridden(&definitions, vec![under("order.inbox", None)]), Vec::<String>::new());
        assert_eq!(
            overridden(&definitions, vec![under("order.inbox", Some("any"))]),
            ["queue order.inbox is under the policy any, not under its own"]
        );
    }

    #[test]
    fn only_unknown_bindings_to_our_own_queues_are_stale() {
        let definitions = json!({
            "queues": [{"name": "order.inbox"}],
            "bindings": [{"source": "payment.events", "destination": "order.inbox", "routing_key": "payment.failed"}],
        });
        let wanted = binding("payment.events", "order.inbox", "payment.failed");
        let stale = binding("payment.events", "order.inbox", "payment.gone");
        let default_exchange = binding("", "order.inbox", "order.inbox");
        let foreign = binding("payment.events", "somebody.else", "#");
        let found = stale_bindings(&definitions, vec![wanted, stale.clone(), default_exchange, foreign]);
        assert_eq!(found, vec![stale]);
    }
}
