//! `/health`, `/livez`, `/readyz` and `/metrics` of every service.

use system_tests::{Options, Platform, eventually};
use uuid::Uuid;

use super::{Is, SERVICES, assert_shape};

#[tokio::test]
async fn every_service_tells_how_it_is_and_counts_what_it_does() {
    let platform = Platform::start(Options::default()).await;
    let product = platform.product(10).await;
    let order = platform.place(product, 1, "tok_ok").await;
    platform.until_status(order, "confirmed").await;
    platform.ask("order", &format!("/orders/{}", Uuid::new_v4())).await;

    for service in SERVICES {
        for path in ["/health", "/readyz"] {
            let health = platform.get(service, path).await;
            assert_eq!(health["status"], "healthy", "{service}: {health}");
            assert_eq!(health["service"], format!("{service}-service"));
            assert_shape(&health, &[("checks", Is::Object)]);
            let checks = health["checks"].as_object().unwrap();
            for check in ["database", "broker_publish", "broker_consume", "topology"] {
                assert_eq!(checks[check], "ok", "{service}: {health}");
            }
        }
        assert_eq!(platform.get(service, "/livez").await["status"], "alive");
    }
    for service in SERVICES {
        let metrics = platform.ask(service, "/metrics").await;
        assert_eq!(metrics.status, 200);
        assert!(metrics.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
        assert!(metrics.text.contains("# TYPE http_requests_total counter"), "{}", metrics.text);
        assert!(metrics.text.contains("route=\"/livez\""), "{}", metrics.text);
        for line in metrics.text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(!name.contains(&order.to_string()), "an order id is a label: {line}");
        }
    }
    let text = platform.ask("order", "/metrics").await.text;
    let not_found = "http_requests_total{method=\"GET\",route=\"/orders/{order_id}\",status=\"404\"} 1";
    assert!(text.contains(not_found), "{text}");
    assert!(
        text.contains("http_requests_total{method=\"POST\",route=\"/orders\",status=\"201\"} 1"),
        "{text}"
    );
}

#[tokio::test]
async fn a_service_without_its_binding_is_not_ready_and_says_which() {
    let platform = Platform::start(Options::default()).await;
    platform.broker().unbind("order.events", "inventory.inbox", "order.cancelled").await;
    // A fresh process looks before it is ready; a running one looks once a minute.
    let platform = platform;
    platform.terminate("inventory").await;
    platform.launch("inventory", &[]);
    let health = eventually("inventory misses its binding", async || {
        let url = platform.url("inventory", "/readyz");
        match platform.http().get(&url).await {
            Ok(answer) if answer.status == 503 && answer.text.contains("order.cancelled") => {
                Ok(answer.json())
            }
            Ok(answer) => Err(answer.text),
            Err(error) => Err(format!("{error:#}")),
        }
    })
    .await;
    assert_eq!(health["status"], "degraded");
    assert!(health["checks"]["topology"].as_str().unwrap().contains("inventory.inbox"), "{health}");
    // Health is a report and answers 200; liveness is not concerned.
    assert_eq!(platform.get("inventory", "/health").await["status"], "degraded");
    platform.get("inventory", "/livez").await;

    platform.broker().bind("order.events", "inventory.inbox", "order.cancelled").await;
    platform.ready("inventory").await;
}
