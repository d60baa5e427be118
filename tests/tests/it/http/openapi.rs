//! Every service's OpenAPI document: valid, complete, and true.
//!
//! The documents are read from services that run by themselves, with no server to reach: what a service
//! offers does not depend on them, and a route that is there then says 503 at worst.

mod alone;
mod document;

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use shared_events::Service;
use system_tests::{Options, Platform, eventually};
use uuid::Uuid;

use alone::Alone;
use document::{Document, Operation};

/// The published schema of OpenAPI 3.1 documents (spec.openapis.org/oas/3.1/schema/2022-10-07, the
/// OpenAPI Initiative, Apache License 2.0).
const SPECIFICATION: &str = include_str!("openapi/schema-3.1.json");

/// What the HTTP contract promises of each service, whatever the parameters are called.
const CONTRACT: &[(Service, &[&str])] = &[
    (
        Service::Order,
        &[
            "POST /orders",
            "GET /orders",
            "GET /orders/{}",
            "GET /orders/{}/saga-logs",
            "GET /orders/metrics",
            "POST /orders/{}/cancel",
            "POST /orders/batch",
        ],
    ),
    (
        Service::Inventory,
        &[
            "GET /products",
            "GET /products/{}",
            "POST /products",
            "POST /products/batch",
            "PATCH /products/{}",
            "POST /products/{}/stock",
            "GET /reservations/{}",
            "GET /stock/audit",
        ],
    ),
    (
        Service::Payment,
        &[
            "GET /transactions/{}",
            "POST /transactions/{}/resolve",
            "GET /refunds/{}",
            "POST /refunds/{}/retry",
            "GET /ledger/{}",
            "GET /ledger/audit",
        ],
    ),
    (Service::Shipping, &["GET /shipments/{}", "POST /shipments/{}/dispatch", "POST /shipments/{}/deliver"]),
    (Service::Notification, &["GET /notifications/{}", "GET /notifications"]),
    (
        Service::Analytics,
        &[
            "GET /metrics",
            "GET /prometheus",
            "GET /events/stats",
            "GET /orders/recent",
            "GET /revenue",
            "GET /products/top",
            "GET /funnel",
            "GET /durations",
        ],
    ),
    (Service::Ai, &["POST /fraud/check", "GET /assessments/{}", "GET /reviews", "POST /reviews/{}"]),
    (
        Service::Gateway,
        &[
            "GET /api/health",
            "GET /api/products",
            "POST /api/orders",
            "GET /api/orders/{}",
            "GET /api/orders/{}/saga-logs",
            "GET /api/orders/{}/timeline",
            "GET /api/reservations/{}",
            "GET /api/transactions/{}",
            "GET /api/shipments/{}",
            "GET /api/metrics",
            "GET /api/events/stats",
            "GET /api/orders/recent",
            "GET /api/events/stream",
            "GET /api/schemas",
            "GET /api/schemas/{}/{}",
            "GET /asyncapi.json",
            "POST /orders/",
            "GET /orders/{}",
            "GET /orders/metrics",
            "GET /orders/status/",
            "POST /order",
            "POST /inventory",
            "GET /orders",
        ],
    ),
];
/// What the chassis gives every service; its metrics may be elsewhere.
const EVERYWHERE: [&str; 4] = ["GET /livez", "GET /readyz", "GET /health", "GET /saga-logs/{}"];

#[tokio::test]
async fn every_document_is_valid_and_every_reference_in_it_resolves() {
    let specification: Value = serde_json::from_str(SPECIFICATION).unwrap();
    let specification = jsonschema::validator_for(&specification).unwrap();
    for service in Service::ALL {
        let document = Alone::start(*service).await.document().await;
        assert!(document.text("/openapi").starts_with("3.1."), "{service}");
        let faults: Vec<String> = specification
            .iter_errors(document.json())
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{service}: {faults:#?}");
        for reference in document.references() {
            assert!(document.resolve(&reference).is_some(), "{service}: {reference} leads nowhere");
        }
        assert!(!document.references().is_empty(), "{service} documents no shape");
    }
}

#[tokio::test]
async fn every_operation_says_what_it_does_under_a_name_of_its_own() {
    for service in Service::ALL {
        let document = Alone::start(*service).await.document().await;
        let mut named: BTreeMap<String, String> = BTreeMap::new();
        for operation in document.operations() {
            let Operation { name, value, .. } = &operation;
            let says = ["summary", "description"]
                .iter()
                .any(|key| value[*key].as_str().is_some_and(|text| text.len() > 8));
            assert!(says, "{service}: {name} says nothing");
            let id = value["operationId"].as_str().unwrap_or_else(|| panic!("{service}: {name} has no id"));
            if let Some(other) = named.insert(id.to_owned(), name.clone()) {
                panic!("{service}: {name} and {other} are both called {id}");
            }
            let answers = value["responses"].as_object().unwrap();
            assert!(answers.keys().any(|status| status.starts_with('2')), "{service}: {name} never succeeds");
        }
    }
}

#[tokio::test]
async fn nothing_of_the_contract_is_missing_and_no_route_is_undocumented() {
    assert_eq!(CONTRACT.len(), Service::ALL.len());
    for (service, promised) in CONTRACT {
        let document = Alone::start(*service).await.document().await;
        let documented = document.anonymous_names();
        for operation in promised.iter().chain(&EVERYWHERE) {
            assert!(
                documented.contains(*operation),
                "{service} does not document {operation}: {documented:#?}"
            );
        }
        for path in document::routed_by_hand(*service) {
            assert!(document.has_path(&path), "{service} serves {path}, and its document does not know it");
        }
    }
}

/// With no server to reach: found, understood, and at worst 503. A 500 would be a fault that nobody sorted.
#[tokio::test]
async fn every_documented_operation_is_served() {
    for service in Service::ALL {
        let alone = Alone::start(*service).await;
        let document = alone.document().await;
        let asked = document.operations().into_iter().map(async |operation| {
            let answer = alone.ask(&operation).await;
            (operation.name, answer)
        });
        for (name, answer) in futures::future::join_all(asked).await {
            let (status, text) = answer;
            assert!(!text.contains("nothing at this address"), "{service}: {name} is not served: {text}");
            assert!(![405, 500, 501].contains(&status), "{service}: {name} answers {status} {text}");
        }
    }
}

#[tokio::test]
async fn every_example_is_what_its_schema_asks_for() {
    let mut examples = 0;
    for service in Service::ALL {
        let document = Alone::start(*service).await.document().await;
        for operation in document.operations() {
            for example in document.request_examples(&operation) {
                examples += 1;
                let faults = document.faults_of_request(&operation, &example);
                assert!(faults.is_empty(), "{service}: {}: {faults:#?} in {example}", operation.name);
            }
        }
    }
    assert!(examples >= 5, "only {examples} examples");
}

#[tokio::test]
async fn the_documented_order_can_be_sent_as_it_stands_and_answers_are_as_documented() {
    let platform = Platform::start(Options::default()).await;
    let documents = documents_of(&platform).await;
    let (orders, inventory) = (&documents["order"], &documents["inventory"]);

    let place = orders.operation("POST /orders");
    let example = orders.request_examples(&place).remove(0);
    let product = example["items"][0]["product_id"].as_str().unwrap().to_owned();
    let catalogue = sagactl::demo::catalogue::catalogue();
    let first = catalogue.first().unwrap();
    assert_eq!(product, first.id.to_string(), "the example orders no product of the demonstration catalogue");
    assert_eq!(example["items"][0]["price"], json!(first.price_minor as f64 / 100.0));

    let create = inventory.operation("POST /products");
    let mut body = inventory.request_examples(&create).remove(0);
    body["id"] = product.clone().into();
    let created = platform.post("inventory", "/products", &body).await.expect(201);
    inventory.assert_answer(&create, 201, &created);
    let placed = platform.post("order", "/orders", &example).await.expect(201);
    orders.assert_answer(&place, 201, &placed);
    let order: Uuid = placed["id"].as_str().unwrap().parse().unwrap();
    platform.until_status(order, "confirmed").await;
    eventually("the order is shipped by the carrier's books", async || {
        match platform.ask("shipping", &format!("/shipments/{order}")).await {
            answer if answer.status == 200 => Ok(()),
            answer => Err(answer.text),
        }
    })
    .await;

    // What was cancelled has a refund and more to tell.
    let cancelled = platform.post("order", "/orders", &example).await.expect(201);
    let cancelled: Uuid = cancelled["id"].as_str().unwrap().parse().unwrap();
    platform.until_status(cancelled, "confirmed").await;
    let cancel =
        platform.post("order", &format!("/orders/{cancelled}/cancel"), &json!({"reason": "example"})).await;
    orders.assert_answer(&orders.operation("POST /orders/{}/cancel"), 202, &cancel.expect(202));
    eventually("the money went back", async || {
        match platform.ask("payment", &format!("/refunds/{cancelled}")).await {
            answer if answer.status == 200 => Ok(()),
            answer => Err(answer.text),
        }
    })
    .await;

    let mut looked_at = 0;
    for (service, document) in &documents {
        for operation in document.operations().iter().filter(|operation| operation.method == Method::GET) {
            for id in [order, cancelled] {
                let path = operation.path.replace("{order_id}", &id.to_string()).replace("{id}", &product);
                let answer = platform.ask(service, &path).await;
                if answer.status == 200 && answer.headers["content-type"] == "application/json" {
                    document.assert_answer(operation, 200, &answer.json());
                    looked_at += 1;
                }
            }
        }
    }
    assert!(looked_at >= 40, "only {looked_at} answers were held against the documents");
}

async fn documents_of(platform: &Platform) -> BTreeMap<&'static str, Document> {
    let mut documents = BTreeMap::new();
    for service in super::SERVICES {
        documents.insert(service, Document::new(platform.get(service, "/openapi.json").await));
    }
    documents
}
