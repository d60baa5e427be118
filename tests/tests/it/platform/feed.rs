//! The gateway's live feed: a reader that is cut off and resumes sees every event once, in one order.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use shared_events::Service;
use system_tests::{Feed, FeedEvent, Options, Platform, Wanted, eventually};
use uuid::Uuid;

use crate::sagas::all_events;

/// How long the feed may be silent while events are still to come.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long nothing must come when everything is there. Polls are a tenth of a second apart.
const SILENCE: Duration = Duration::from_secs(1);

/// Every event that was ever said, by id, as its producer wrote it.
async fn said(platform: &Platform) -> BTreeMap<Uuid, Value> {
    let mut said = BTreeMap::new();
    for service in platform.services() {
        let rows: Vec<(Uuid, String)> = sqlx::query_as("SELECT event_id, body FROM outbox")
            .fetch_all(&mut platform.database(service.name()).await)
            .await
            .unwrap();
        said.extend(rows.into_iter().map(|(id, body)| (id, serde_json::from_str(&body).unwrap())));
    }
    said
}

/// Reads on until so many events have been seen altogether, or the stream ends.
async fn read(feed: &mut Feed, seen: &mut Vec<FeedEvent>, enough: usize) {
    while seen.len() < enough {
        match tokio::time::timeout(PATIENCE, feed.next()).await {
            Ok(Some(event)) => seen.push(event),
            Ok(None) => return,
            Err(_) => panic!("{} events, not {enough}; then silence", seen.len()),
        }
    }
}

async fn resume(platform: &Platform, query: &str, last: Option<u64>) -> Feed {
    eventually("the feed is open", async || platform.feed(query, last).await).await
}

#[tokio::test]
async fn a_reader_that_is_cut_off_resumes_without_gap_or_repeat() {
    let platform = Platform::start(Options::default().and(Service::Gateway)).await;
    let (mut seen, mut feed) = (Vec::new(), platform.feed("", None).await.unwrap());
    let product = platform.product(1_000).await;
    let orders = Wanted::mixed(product, 80);
    let load = platform.load(&orders, 6);

    // The reader goes away and comes back, twice; the gateway dies under it, and drains under it.
    for upto in [50, 120] {
        read(&mut feed, &mut seen, upto).await;
        assert_eq!(seen.len(), upto);
        drop(feed);
        feed = resume(&platform, "", seen.last().map(|event| event.id)).await;
    }
    read(&mut feed, &mut seen, 200).await;
    platform.kill("gateway");
    read(&mut feed, &mut seen, usize::MAX).await;
    let last = feed.last();
    platform.launch("gateway", &[]);
    platform.ready("gateway").await;
    feed = resume(&platform, "", last).await;
    read(&mut feed, &mut seen, 300).await;
    assert!(platform.terminate("gateway").await.success(), "an open stream does not hold up the drain");
    read(&mut feed, &mut seen, usize::MAX).await;
    platform.launch("gateway", &[]);
    platform.ready("gateway").await;
    feed = resume(&platform, "", feed.last()).await;
    load.finish().await;
    platform.assert_all_ended_well(&orders).await;

    let said = said(&platform).await;
    assert!(said.len() > 500, "{} events are no load", said.len());
    read(&mut feed, &mut seen, said.len()).await;
    let more = tokio::time::timeout(SILENCE, feed.next()).await;
    assert!(more.is_err(), "an event too many: {more:?}");
    assert!(seen.windows(2).all(|pair| pair[0].id < pair[1].id), "ids ascend");
    let ids: BTreeSet<Uuid> = seen.iter().map(id).collect();
    assert_eq!(ids.len(), seen.len(), "an event was repeated");
    assert!(ids.iter().eq(said.keys()), "the feed is what was said, no more and no less");
    for event in &seen {
        assert_eq!(event.data, said[&id(event)], "the event as its producer wrote it");
        assert_eq!(event.event, event.data["event_type"].as_str().unwrap());
    }
    filters(&platform, &orders, &seen).await;
}

fn id(event: &FeedEvent) -> Uuid {
    event.data["event_id"].as_str().unwrap().parse().unwrap()
}

/// A reader that wants one order, or one type, gets the same events under the same ids, and no other.
async fn filters(platform: &Platform, orders: &[Wanted], seen: &[FeedEvent]) {
    let order = orders.iter().find(|order| order.ends == "failed").unwrap().id;
    let wanted: Vec<_> =
        seen.iter().filter(|event| event.data["aggregate_id"] == order.to_string()).cloned().collect();
    assert_eq!(wanted.len(), all_events(platform, order).await.len());
    only(platform, &format!("?order_id={order}"), &wanted).await;

    let types = ["payment.failed", "order.failed"];
    let wanted: Vec<_> = seen.iter().filter(|event| types.contains(&event.event.as_str())).cloned().collect();
    assert_eq!(wanted.len(), 8 + 16, "of eighty orders");
    only(platform, "?type=payment.failed,order.failed", &wanted).await;
}

async fn only(platform: &Platform, query: &str, wanted: &[FeedEvent]) {
    let (mut feed, mut seen) = (platform.feed(query, Some(0)).await.unwrap(), Vec::new());
    read(&mut feed, &mut seen, wanted.len()).await;
    assert_eq!(seen, wanted, "{query}");
    let more = tokio::time::timeout(SILENCE, feed.next()).await;
    assert!(more.is_err(), "{query}: an event too many: {more:?}");
}
