//! The definitions document of RabbitMQ's management API.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use shared_events::Service;

use super::{OPERATOR, bindings, dead_letter_exchange, queues, redeliver_exchange, retry_exchange};

/// Passwords of the broker's users, by user name. A user without a password is left out.
pub type Secrets = BTreeMap<String, String>;

/// A user and what it may do in the virtual host.
#[derive(Clone, Debug)]
pub struct User {
    /// Its name.
    pub name: String,
    /// What of the management API it may see.
    pub tags: &'static str,
    /// What it may declare (a pattern of names).
    pub configure: String,
    /// What it may publish to.
    pub write: String,
    /// What it may consume from or bind to.
    pub read: String,
}

/// Every user of the platform: one per service with the least it needs, and the operator's tools.
#[must_use]
pub(super) fn users() -> Vec<User> {
    let mut users: Vec<User> = Service::ALL
        .iter()
        .map(|service| User {
            name: service.name().to_owned(),
            // Enough to look at its own queues in the topology check; the gateway shows everyone's depths.
            tags: if *service == Service::Gateway { "monitoring" } else { "management" },
            configure: "^$".to_owned(),
            write: format!(r"^{service}\.(events|retry|dlx)$"),
            read: format!(r"^{service}\.inbox$"),
        })
        .collect();
    users.push(User {
        name: OPERATOR.to_owned(),
        tags: "monitoring",
        configure: r"^sagactl\..*$".to_owned(),
        write: r"^(sagactl\..*|.*\.redeliver)$".to_owned(),
        read: r"^(sagactl\..*|.*\.events|.*\.dlq)$".to_owned(),
    });
    users
}

/// The whole document for one virtual host: import it with `POST /api/definitions`.
#[must_use]
pub fn definitions(vhost: &str, time_scale: u32, secrets: &Secrets) -> Value {
    let consumers: Vec<Service> = Service::ALL.iter().copied().filter(|s| s.consumes()).collect();
    let mut exchanges = Vec::new();
    let mut exchange = |name: String, kind: &str| {
        exchanges.push(json!({
            "name": name, "vhost": vhost, "type": kind,
            "durable": true, "auto_delete": false, "internal": false, "arguments": {},
        }));
    };
    for service in Service::ALL.iter().filter(|service| service.produces()) {
        exchange(service.exchange(), "topic");
    }
    for service in &consumers {
        exchange(retry_exchange(*service), "direct");
        exchange(redeliver_exchange(*service), "fanout");
        exchange(dead_letter_exchange(*service), "fanout");
    }
    let all_queues: Vec<_> = consumers.iter().flat_map(|s| queues(*s, time_scale)).collect();
    // Queue arguments can never be changed, policies can at any moment: only the type is an argument.
    let queue_rows: Vec<_> = all_queues
        .iter()
        .map(|queue| {
            json!({
                "name": queue.name, "vhost": vhost, "durable": true, "auto_delete": false,
                "arguments": { "x-queue-type": "quorum" },
            })
        })
        .collect();
    let policies: Vec<_> = all_queues
        .iter()
        .map(|queue| {
            json!({
                "name": queue.name, "vhost": vhost, "apply-to": "queues", "priority": 10,
                "pattern": format!("^{}$", queue.name.replace('.', r"\.")),
                "definition": queue.policy,
            })
        })
        .collect();
    let binding_rows: Vec<_> = consumers
        .iter()
        .flat_map(|service| bindings(*service))
        .map(|binding| {
            json!({
                "source": binding.exchange, "vhost": vhost, "destination": binding.queue,
                "destination_type": "queue", "routing_key": binding.routing_key, "arguments": {},
            })
        })
        .collect();
    let users: Vec<_> = users().into_iter().filter(|user| secrets.contains_key(&user.name)).collect();
    json!({
        "vhosts": [{ "name": vhost }],
        "users": users.iter().map(|user| json!({
            "name": user.name,
            "password_hash": password_hash(&user.name, &secrets[&user.name]),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            "tags": user.tags,
        })).collect::<Vec<_>>(),
        "permissions": users.iter().map(|user| json!({
            "user": user.name, "vhost": vhost,
            "configure": user.configure, "write": user.write, "read": user.read,
        })).collect::<Vec<_>>(),
        "exchanges": exchanges,
        "queues": queue_rows,
        "bindings": binding_rows,
        "policies": policies,
    })
}

/// base64(salt + sha256(salt + password)), as the broker stores it. The salt is made from the name
/// and the password, so that the same password gives the same document and nothing looks changed.
fn password_hash(user: &str, password: &str) -> String {
    let salt = &Sha256::digest(format!("{user}\0{password}"))[..4];
    let hash = Sha256::new().chain_update(salt).chain_update(password).finalize();
    STANDARD.encode([salt, &hash[..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_consumer_has_an_inbox_a_ladder_and_a_parking_queue_under_policy() {
        let document = definitions("/", 1, &Secrets::new());
        let names: Vec<_> =
            document["queues"].as_array().unwrap().iter().map(|q| q["name"].as_str().unwrap()).collect();
        for service in ["order", "inventory", "payment", "shipping"] {
            for suffix in ["inbox", "dlq", "retry.1s", "retry.4s", "retry.16s", "retry.64s", "retry.256s"] {
                assert!(names.contains(&format!("{service}.{suffix}").as_str()), "{service}.{suffix}");
            }
        }
        assert_eq!(document["policies"].as_array().unwrap().len(), names.len());
        assert!(document["users"].as_array().unwrap().is_empty());
    }

    #[test]
    fn the_dead_letter_exchange_of_an_inbox_never_leads_to_the_ladder() {
        for service in Service::ALL {
            let dlx = dead_letter_exchange(*service);
            let targets: Vec<_> =
                bindings(*service).into_iter().filter(|b| b.exchange == dlx).map(|b| b.queue).collect();
            assert_eq!(targets, vec![super::super::dead_letter_queue(*service)]);
        }
    }

    #[test]
    fn a_service_may_declare_nothing_and_write_only_its_own() {
        for user in users().iter().filter(|user| user.name != "operator") {
            assert_eq!(user.configure, "^$");
            assert!(user.write.starts_with(&format!("^{}", user.name)), "{}", user.write);
        }
    }

    #[test]
    fn a_time_scale_shortens_the_ladder() {
        let document = definitions("/", 100, &Secrets::new());
        let ttl: Vec<_> = document["policies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|p| p["name"].as_str().unwrap().starts_with("order.retry"))
            .map(|p| p["definition"]["message-ttl"].as_u64().unwrap())
            .collect();
        assert_eq!(ttl, vec![10, 40, 160, 640, 2560]);
    }
}
