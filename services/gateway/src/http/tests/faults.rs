//! Services that hang or break the connection, and addresses that are not for people.

use futures::future::join_all;
use shared_events::Service;
use tokio::io::AsyncReadExt as _;

use super::*;

/// Calls that one service may have under way, as the module of the upstreams says.
const CALLS_MAX: usize = 256;

/// A service that reads a request and breaks the connection.
async fn breaking() -> Address {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read(&mut [0; 4096]).await;
        }
    });
    address.parse().expect("a usable address")
}

async fn detail_of_post(address: &Address) -> (u16, String) {
    let request = Request::post("/api/orders").header(header::CONTENT_TYPE, "application/json");
    let answer = door(address).oneshot(request.body(Body::from("{}")).unwrap()).await.unwrap();
    (answer.status().as_u16(), told(&answer)["detail"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_command_whose_connection_breaks_may_have_arrived_and_one_without_a_connection_has_not() {
    let breaks = breaking().await;
    let (status, detail) = detail_of_post(&breaks).await;
    assert_eq!(status, 502);
    assert!(detail.contains("outcome is unknown") && detail.contains("Idempotency-Key"), "{detail}");
    let (status, detail) = detail_of_post(&nobody().await).await;
    assert!(status == 502 && !detail.contains("outcome is unknown"), "{detail}");
    let answer = get(&door(&breaks), "/api/orders").await;
    assert!(!told(&answer)["detail"].as_str().unwrap().contains("outcome is unknown"));
}

#[tokio::test]
async fn a_service_that_hangs_holds_so_many_requests_and_no_more_and_the_others_are_served() {
    let (hangs, seen) = service(Answer::Never).await;
    let (works, _) = service(json(StatusCode::OK, "[]")).await;
    let door = door_with(|service| if service == Service::Analytics { hangs.clone() } else { works.clone() });
    let asked = join_all((0..CALLS_MAX + 40).map(|_| get(&door, "/api/metrics")));
    let others = async {
        // Behind the first poll of all the calls above.
        tokio::task::yield_now().await;
        let answer = get(&door, "/api/products").await;
        assert_eq!(answer.status(), 200);
    };
    let (asked, ()) = tokio::join!(asked, others);
    let told: Vec<Value> = asked.iter().map(told).collect();
    let busy: Vec<&Value> = told.iter().filter(|told| told["code"] == "upstream_busy").collect();
    assert_eq!(busy.len(), 40);
    assert!(busy[0]["detail"].as_str().unwrap().contains("analytics"), "{}", busy[0]);
    assert!(seen.lock().unwrap().len() <= CALLS_MAX);
    // Each call gave its place back.
    assert_eq!(super::told(&get(&door, "/api/metrics").await)["code"], "upstream_timeout");
}

#[tokio::test]
async fn people_are_shown_where_they_find_a_service_and_calls_go_where_it_is() {
    let (works, seen) = service(json(StatusCode::OK, r#"{"status": "healthy"}"#)).await;
    let upstreams = Upstreams::new(PATIENCE, |_| Ok::<_, std::convert::Infallible>(works.clone()));
    let pages = upstreams.unwrap().with_pages(|service| {
        let moved = service == Service::Order;
        moved.then(|| "http://shop.example:8001".parse()).transpose()
    });
    let routes: OpenApiRouter<Upstreams> = behind_the_door();
    let (door, _) = routes.with_state(pages.unwrap()).split_for_parts();
    let health: Value = serde_json::from_str(&text(get(&door, "/api/health").await).await).unwrap();
    assert_eq!(health["order"]["url"], "http://shop.example:8001");
    assert_eq!(health["payment"]["url"], works.to_string());
    assert_eq!((&health["order"]["status"], seen.lock().unwrap().len()), (&json!("healthy"), 7));
}
