//! The stream as a browser sees it.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, BodyDataStream},
    http::Request,
    response::Response,
};
use chassis::http::{Problem, openapi::OpenApiRouter};
use futures::StreamExt as _;
use gateway_service::{
    feed::{Feed, Retention},
    feed_routes,
};
use serde_json::Value;
use shared_events::{Envelope, EventType};
use sqlx::PgPool;
use system_tests::with_database;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::events::{self, event};

const RETENTION: Retention = Retention { hours: 1, rows_max: 1_000 };

/// The routes over a feed whose task runs; the token ends it.
fn door(pool: &PgPool) -> (Router, CancellationToken) {
    let feed = Arc::new(Feed::with_limits(RETENTION, 2, Duration::from_secs(60)));
    let stopping = CancellationToken::new();
    tokio::spawn({
        let (feed, pool, stopping) = (feed.clone(), pool.clone(), stopping.clone());
        async move { feed.run(&pool, stopping).await }
    });
    let routes: OpenApiRouter = feed_routes(feed, pool.clone());
    let (router, _) = routes.split_for_parts();
    (router, stopping)
}

async fn write(pool: &PgPool, types: &[EventType]) -> Vec<Envelope> {
    let heard: Vec<Envelope> = types.iter().map(|kind| event(*kind, Uuid::now_v7())).collect();
    events::write(pool, &heard).await;
    heard
}

async fn ask(door: &Router, path: &str, last_event_id: Option<&str>) -> Response {
    let mut request = Request::get(path);
    if let Some(id) = last_event_id {
        request = request.header("last-event-id", id);
    }
    door.clone().oneshot(request.body(Body::empty()).expect("a request")).await.expect("infallible")
}

/// The next frame of a stream, as `field: value` lines; `None` at its end.
async fn frame(stream: &mut BodyDataStream) -> Option<Vec<String>> {
    let next = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("a frame in time");
    let bytes = next?.expect("a frame");
    Some(String::from_utf8(bytes.into()).expect("text").lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn an_event_is_told_with_its_position_its_type_and_its_envelope() {
    with_database("gateway", async |pool: PgPool| {
        let (door, _stopping) = door(&pool);
        let answer = ask(&door, "/api/events/stream", None).await;
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["x-accel-buffering"], "no");
        let mut stream = answer.into_body().into_data_stream();
        let first = frame(&mut stream).await.unwrap();
        assert!(
            first.contains(&"id: 0".to_owned()) && first.contains(&"retry: 1000".to_owned()),
            "{first:?}"
        );
        let heard = write(&pool, &[EventType::OrderPlaced]).await;
        let data = format!("data: {}", heard[0].encode());
        let told = frame(&mut stream).await.unwrap();
        assert_eq!(
            told.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>(),
            ["id: 1".to_owned(), "event: order.placed".to_owned(), data]
        );
    })
    .await;
}

#[tokio::test]
async fn a_browser_that_comes_back_goes_on_behind_its_last_event() {
    with_database("gateway", async |pool: PgPool| {
        let (door, stopping) = door(&pool);
        write(&pool, &[EventType::OrderPlaced, EventType::PaymentVoided, EventType::OrderCompleted]).await;
        // The header is what the browser got last; the address is still the one it began with.
        let path = "/api/events/stream?last_event_id=0&type=order.placed,order.completed";
        let mut stream = ask(&door, path, Some("1")).await.into_body().into_data_stream();
        assert!(frame(&mut stream).await.unwrap().contains(&"id: 1".to_owned()));
        assert!(frame(&mut stream).await.unwrap().contains(&"id: 3".to_owned()));
        let mut stream = ask(&door, path, None).await.into_body().into_data_stream();
        assert!(frame(&mut stream).await.unwrap().contains(&"id: 0".to_owned()));
        assert!(frame(&mut stream).await.unwrap().contains(&"id: 1".to_owned()));
        stopping.cancel();
        while frame(&mut stream).await.is_some() {}
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_streamed_is_refused_with_the_reason() {
    with_database("gateway", async |pool: PgPool| {
        let (door, _stopping) = door(&pool);
        write(&pool, &[EventType::OrderPlaced; 5]).await;
        Retention { hours: 1, rows_max: 2 }.remove(&pool).await.unwrap();
        for (path, id, status) in [
            ("/api/events/stream", Some("2"), 410),
            ("/api/events?after=2", None, 410),
            ("/api/events/stream", Some("6"), 400),
            ("/api/events/stream", Some("one"), 400),
            ("/api/events/stream?type=order.unheard", None, 400),
            ("/api/events/stream?order_id=1", None, 400),
            ("/api/events?limit=0", None, 400),
        ] {
            assert_eq!(ask(&door, path, id).await.status().as_u16(), status, "{path} {id:?}");
        }
        let gone = ask(&door, "/api/events/stream", Some("2")).await;
        let detail = gone.extensions().get::<Problem>().unwrap().detail().to_owned();
        assert!(detail.contains("the oldest is 4"), "{detail}");
        let _two =
            [ask(&door, "/api/events/stream", None).await, ask(&door, "/api/events/stream", None).await];
        assert_eq!(ask(&door, "/api/events/stream", None).await.status(), 503);
    })
    .await;
}

#[tokio::test]
async fn the_feed_is_read_page_by_page_or_from_its_end() {
    with_database("gateway", async |pool: PgPool| {
        let (door, _stopping) = door(&pool);
        let heard = write(&pool, &[EventType::OrderPlaced; 5]).await;
        let page = async |path: &str| {
            let body = ask(&door, path, None).await.into_body();
            let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            serde_json::from_slice::<Value>(&bytes).unwrap()
        };
        let positions = |page: &Value| -> Vec<i64> {
            page["items"].as_array().unwrap().iter().map(|row| row["position"].as_i64().unwrap()).collect()
        };
        let first = page("/api/events?after=0&limit=3").await;
        assert_eq!((positions(&first), first["next_cursor"].as_str()), (vec![1, 2, 3], Some("3")));
        assert_eq!(first["items"][0]["event"]["event_id"], heard[0].event_id.to_string());
        let second = page("/api/events?after=3&limit=3").await;
        assert_eq!((positions(&second), second["next_cursor"].as_str()), (vec![4, 5], None));
        assert_eq!(positions(&page("/api/events?limit=2").await), [4, 5]);
    })
    .await;
}
